"""Three pull requests to a tiny pipeline, each run by the workflow's own command."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys

import pytest
import torch
from ruamel.yaml import YAML
from tiny_pipeline import SEVEN, TINY, make_workspace, write_params
from tiny_study import Clones

from tonegap.pipeline import run_stage
from tonegap.pull_request.gate import gate_from_mapping, judge, metrics_of
from tonegap.workspace import Workspace

# Measured on ten runs of the base below with other training seeds, as metrics/noise.json defines.
BANDS = {"mse.light": 0.0178, "mse.dark": 0.0383, "mse.gap": 0.0270}
GATE = "mse.gap: {may_rise: 0.004}\nmse.dark: {may_rise: 5 %}\nmse.light: {may_rise: 5 %}\n"
BASE = {
    "data.mix": "mixed",
    "data.n_train": 24,
    "train.epochs": 4,
    "train.perceptual_scale": 0.0,
    "train.checkpoint": False,
    "evaluate.baselines": [],
}
OF_THE_STUDY = ("analyse", "figures", "report")  # a pull request changes no run of the study


@pytest.fixture(scope="module")
def workflow(repository):
    """Load the benchmark, which makes the pull requests."""
    path = repository / "benchmarks/three_pull_requests.py"
    spec = importlib.util.spec_from_file_location("three_pull_requests", path)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def base(repository, tmp_path_factory, workflow):
    """Commit the base: a tiny pipeline up to `evaluate`, with a gate and noise bands."""
    clone = Clones(repository, tmp_path_factory.getbasetemp()).make(
        tmp_path_factory.mktemp("three") / "base"
    )
    folder, yaml = clone.folder, YAML(typ="safe", pure=True)
    shutil.copy(repository / "Makefile", folder)
    for name in ("dvc.yaml", "dvc.lock"):
        document = yaml.load((folder / name).read_text())
        for stage in OF_THE_STUDY:
            document["stages"].pop(stage, None)
        if name == "dvc.yaml":
            _without_plots(document)
        with (folder / name).open("w") as stream:
            yaml.dump(document, stream)
    workflow.set_params(folder, BASE)
    (folder / "gate.yaml").write_text(GATE)
    metrics = {name: {"sd": band / 3.2, "n": 10, "band": band} for name, band in BANDS.items()}
    (folder / "metrics/noise.json").write_text(
        json.dumps({"schema": "tonegap-noise-1", "design": {}, "metrics": metrics})
    )
    workflow.commit(folder, "base")
    return folder


def _without_plots(pipeline: dict) -> None:
    """Make plain outputs of plots, whose drawing takes longer than the rest of the report."""
    del pipeline["plots"]
    for entry in pipeline["stages"].values():
        for plot in entry.pop("plots", []):
            path = plot if isinstance(plot, str) else next(iter(plot))
            entry.setdefault("outs", []).append({path: {"cache": False}})


@pytest.mark.slow
def test_the_workflow_passes_two_and_refuses_the_third(base, workflow):
    """Words pass and change nothing, longer training passes, training without dark images fails."""
    params = YAML(typ="safe").load((base / "params.yaml").read_text())
    decisions = list(workflow.decide(base, workflow.three_changes(params), threads=1))
    assert [decision.problem() for decision in decisions] == [""] * 3
    assert "; 1 thread." in decisions[0].report
    refused = decisions[2]
    assert refused.change_of["mse.gap"] > BANDS["mse.gap"] + 0.004
    assert "**The gate fails**: `mse.gap` rose by" in refused.report


def test_the_decisions_do_not_depend_on_threads(repository, tmp_path, monkeypatch):
    """Base and changes, trained with one and with two threads, have the same verdicts.

    In one process, for speed; the benchmark makes whole pull requests with each number.
    """
    folder = make_workspace(repository, tmp_path / "w")
    monkeypatch.setenv("TONEGAP_CACHE", str(tmp_path / "cache"))
    for stage in SEVEN[:4]:
        run_stage(stage, Workspace(folder))
    gate = gate_from_mapping(YAML(typ="safe", pure=True).load(GATE))
    before = torch.get_num_threads()
    try:
        verdicts = [_verdicts(repository, folder, gate, threads) for threads in (1, 2)]
    finally:
        torch.set_num_threads(before)
    assert verdicts[0] == verdicts[1]
    longer, without_dark = verdicts[0]
    assert "fails" not in longer.values()
    assert without_dark["mse.gap"] == "fails"


def _verdicts(repository, folder, gate, threads) -> list[dict[str, str]]:
    """Train the base and both changes, and judge the changes."""
    torch.set_num_threads(threads)
    base = _metrics(repository, folder, {})
    changes = ({"train.epochs": 8}, {"data.mix": "light"})
    heads = [_metrics(repository, folder, change) for change in changes]
    return [{j.metric: str(j.verdict) for j in judge(gate, base, head, BANDS)} for head in heads]


def _metrics(repository, folder, change) -> dict[str, float | None]:
    """Draw, train and evaluate; give the metrics."""
    sections = {section: dict(values) for section, values in TINY.items()}
    for dotted, value in {**BASE, **change}.items():
        section, key = dotted.split(".")
        sections[section][key] = value
    write_params(repository, folder, sections)
    for stage in SEVEN[4:]:
        run_stage(stage, Workspace(folder))
    return metrics_of(json.loads((folder / Workspace.evaluation).read_text()))
