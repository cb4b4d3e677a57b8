"""dvc.yaml says what the stages really use: DVC reruns by what it says."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.support.stage_deps import DECLARATIONS, is_code, stage_deps
from tonegap import pipeline
from tonegap.audits.declaration import template
from tonegap.files.audit_plan import AuditPlan, PlannedModel
from tonegap.files.parameters import read_params
from tonegap.params import Params
from tonegap.pipeline import AUDIT_STAGES, STAGES, run_audit_stage, run_stage
from tonegap.raw_params import known_keys
from tonegap.workspace import Workspace

_PASSED_ALONG = {("split", "data.image_size")}
"""Parameters that a stage is given with their group and does not look at."""

_USED_IN_PART = {("assess", "evaluate")}
"""Sections that a stage of an audit is given whole; tests/unit/stages says what it uses."""

_OUTSIDE = {
    *("private", "private/study_examples.npz", "plots/study_examples.npz"),
    "data/missing.csv",
}
"""Files that may be absent, which DVC allows for no dependency.

Pictures of patients and of phantoms: `study collect` writes one or the other together with
metrics/study.json. The list of images that `fetch` lacked is written where it fails.
"""


@pytest.fixture(scope="module")
def stages(repository: Path) -> dict:
    return YAML(typ="safe").load((repository / "dvc.yaml").read_text())["stages"]


@pytest.fixture(scope="module")
def code() -> dict[str, list[str]]:
    return stage_deps()


def test_stages_are_the_known_ones(stages):
    """The pipeline has the stages that the command knows, in this order."""
    assert tuple(stages) == tuple(STAGES)


@pytest.mark.parametrize("stage", STAGES)
def test_code_deps_are_the_import_graph(stages, code, stage):
    """A stage reruns for every module that it imports, and for no other."""
    declared = [dep for dep in stages[stage]["deps"] if str(dep).startswith("src/tonegap/")]
    assert declared == code[stage], "run `make deps`"
    assert all(is_code(dep) for dep in declared)


def test_declarations_stay_declarations(repository):
    """What no stage depends on defines names: no function of it computes on images or tables."""
    for module in DECLARATIONS:
        path = repository / "src" / Path(*module.split("."))
        text = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()
        for library in ("numpy", "pandas", "torch", "scipy", "PIL"):
            assert f"import {library}" not in text, f"{module} imports {library}"


@pytest.mark.parametrize("stage", STAGES)
def test_paths_are_declared(stages, repository, monkeypatch, stage):
    """A stage is called with the files that dvc.yaml lists for it."""
    given = _given(monkeypatch, stage, read_params(repository / "params.yaml"))
    used = {path.as_posix() for path in _paths(given)}
    entry = stages[stage]
    outputs = [out for kind in ("outs", "metrics", "plots") for out in entry.get(kind, ())]
    declared = {str(dep) for dep in entry["deps"]}
    declared |= {out if isinstance(out, str) else next(iter(out)) for out in outputs}
    used -= {path for path in used if any(f"{path}/" in f"{out}/" for out in declared)}
    assert used - declared - _OUTSIDE == set()


@pytest.mark.parametrize("stage", STAGES)
def test_parameters_are_declared(stages, repository, monkeypatch, stage):
    """No parameter that dvc.yaml does not list for a stage changes what it is called with."""
    params = read_params(repository / "params.yaml")
    given = _given(monkeypatch, stage, params)
    declared = {
        str(name).replace("${data.mix}", params.data.mix)
        for name in stages[stage].get("params", ())
    }
    for group, keys in known_keys().items():
        for key in keys or tuple(getattr(params, group)):
            if {group, f"{group}.{key}"} & declared or (stage, f"{group}.{key}") in _PASSED_ALONG:
                continue
            changed = _given(monkeypatch, stage, _with(params, group, key))
            assert changed == given, f"{stage} reads {group}.{key}, which dvc.yaml does not say"


def test_audits_have_the_known_stages():
    """The stages of audits are those that the command knows, and one that packs images."""
    assert tuple(template()) == ("prepare", *AUDIT_STAGES)


@pytest.mark.parametrize("stage", ["prepare", *AUDIT_STAGES])
def test_code_deps_of_audits_are_the_import_graph(code, stage):
    """A stage of an audit reruns for every module that it imports, and for no other."""
    declared = [dep for dep in template()[stage]["deps"] if str(dep).startswith("src/")]
    assert declared == code[stage], "run `make deps`"


@pytest.mark.parametrize("stage", AUDIT_STAGES)
def test_paths_of_audits_are_declared(repository, monkeypatch, stage):
    """A stage of an audit is called with the files that its pipeline lists."""
    given = _given_in_audit(monkeypatch, stage, read_params(repository / "params.yaml"))
    entry = template()[stage]
    declared = {str(dep).replace("IMAGES", "data") for dep in entry["deps"]}
    declared |= {out if isinstance(out, str) else next(iter(out)) for out in entry["outs"]}
    assert {path.as_posix() for path in _paths(given)} - declared == set()


@pytest.mark.parametrize("stage", AUDIT_STAGES)
def test_parameters_of_audits_are_declared(repository, monkeypatch, stage):
    """No parameter that its pipeline does not list changes what a stage of an audit is given."""
    params = read_params(repository / "params.yaml")
    given = _given_in_audit(monkeypatch, stage, params)
    entry = template()[stage].get("params", ())
    declared = {name for name in entry if isinstance(name, str)}
    for group, keys in known_keys().items():
        for key in keys or tuple(getattr(params, group)):
            if {group, f"{group}.{key}"} & declared or (stage, group) in _USED_IN_PART:
                continue
            changed = _given_in_audit(monkeypatch, stage, _with(params, group, key))
            assert changed == given, f"{stage} reads {group}.{key}, which no audit declares"


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_says_what_it_does(stages, stage):
    """`dvc stage list` shows a sentence for each stage."""
    assert len(stages[stage]["desc"]) > 20


def _given(monkeypatch, stage: str, params: Params) -> dict[str, Any]:
    """Return what the pipeline calls a stage with, and do not run it."""
    calls: list[dict[str, Any]] = []
    module = importlib.import_module(f"tonegap.stages.{stage}")
    monkeypatch.setattr(module, "run", lambda **given: calls.append(given))
    monkeypatch.setattr(pipeline, "read_params", lambda _path: params)
    run_stage(stage, Workspace(Path()))
    return calls[0]


def _given_in_audit(monkeypatch, stage: str, params: Params) -> dict[str, Any]:
    """Return what the pipeline calls a stage of an audit with, and do not run it."""
    calls: list[dict[str, Any]] = []
    module = importlib.import_module(f"tonegap.stages.{stage}")
    monkeypatch.setattr(module, "run", lambda **given: calls.append(given))
    monkeypatch.setattr(pipeline, "read_params", lambda _path: params)
    nothing = dict.fromkeys(("reference", "name", "library", "revision", "licence"), "")
    model = PlannedModel(**nothing, weights={})
    plan = AuditPlan(data="here", size=32, images="data", batch_size=1, model=model)
    monkeypatch.setattr(pipeline, "read_plan", lambda _path: plan)
    run_audit_stage(stage, Workspace(Path()), "NAME")
    return calls[0]


def _with(params: Params, group: str, key: str) -> Params:
    """Return parameters with one that nobody else has, unchecked."""
    if group == "mixes":
        return params.model_copy(update={"mixes": params.mixes | {key: 0.123}})
    other = {"mix": next(name for name in params.mixes if name != params.data.mix)}
    value = other.get(key, "another")
    section = getattr(params, group).model_copy(update={key: value})
    return params.model_copy(update={group: section})


def _paths(given: Any) -> list[Path]:
    if isinstance(given, Path):
        return [given]
    if isinstance(given, dict):
        return [path for value in given.values() for path in _paths(value)]
    return []


def _uncached(stages: dict, kind: str, stage: str) -> list[str]:
    items = stages[stage].get(kind, ())
    return [next(iter(item)) for item in items if isinstance(item, dict)
            and not next(iter(item.values())).get("cache", True)]  # fmt: skip


@pytest.mark.parametrize("stage", tuple(STAGES)[: tuple(STAGES).index("evaluate") + 1])
def test_a_run_can_be_restored(stages, stage):
    """DVC's run cache leaves out a stage with a plain output that git tracks."""
    assert _uncached(stages, "outs", stage) == []


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_can_read_every_metric(stages, stage):
    """DVC reads JSON; a CSV would stand as one long text in `dvc exp show` and fail elsewhere."""
    assert [
        path for path in _uncached(stages, "metrics", stage) if not path.endswith(".json")
    ] == []
