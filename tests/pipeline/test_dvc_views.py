"""What people look at experiments with: `dvc exp show`, `dvc metrics`, DVC's view in VS Code."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_COLUMNS = ("Experiment", "rev", "typ", "Created", "parent")


@pytest.fixture(scope="module")
def clone(repository, tmp_path_factory) -> Path:
    """Clone what is committed: no data, no cache."""
    folder = tmp_path_factory.mktemp("views") / "clone"
    subprocess.run(["git", "clone", "--quiet", repository, folder], check=True)
    return folder


def _dvc(clone: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=clone,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def _faults(document: Any) -> list[Any]:
    """Collect what DVC could not read: it writes `error` in place of the content."""
    if isinstance(document, dict):
        own = [document["error"]] if document.get("error") else []
        return own + [fault for value in document.values() for fault in _faults(value)]
    if isinstance(document, list):
        return [fault for value in document for fault in _faults(value)]
    return []


def test_vs_code_reads_the_experiments(clone):
    """The extension asks for JSON; every file of parameters and metrics can be read."""
    workspace, head = json.loads(_dvc(clone, "exp", "show", "--no-fetch", "--json"))
    assert _faults([workspace, head]) == []
    assert workspace["data"]["params"]["params.yaml"]["data"]["data"]["mix"]
    evaluation = workspace["data"]["metrics"]["metrics/evaluate.json"]["data"]
    assert {"light", "dark", "gap"} == evaluation["mse"].keys()
    assert all(isinstance(entry["data"], dict) for entry in workspace["data"]["metrics"].values())


def test_vs_code_reads_the_plots(clone, tmp_path):
    """Each plot comes as a template whose data the extension fills in by revision."""
    command = ("plots", "diff", "HEAD", "workspace", "-o", str(tmp_path), "--split", "--json")
    document = json.loads(_dvc(clone, *command))
    assert not document.get("errors")
    kinds = {name: plots[0]["type"] for name, plots in document["data"].items()}
    assert {"study mse", "study sigma", "plots/exclusions.csv"} <= kinds.keys()
    assert set(kinds.values()) == {"vega", "image"}
    for plots in document["data"].values():
        for plot in plots:
            if plot["type"] == "vega":
                assert plot["revisions"] == ["workspace", "HEAD"]
                assert "<DVC_METRIC_DATA>" in json.dumps(plot["content"])
                assert "<DVC_METRIC_DATA>" in plot["anchor_definitions"]
            else:
                assert Path(plot["url"]).is_file()


def test_vs_code_is_told_where_dvc_is(repository):
    """The Python extension starts DVC from the project's environment; both are recommended."""
    settings = (repository / ".vscode/settings.json").read_text()
    settings = json.loads(re.sub(r"^\s*//.*$", "", settings, flags=re.MULTILINE))
    place = settings["python.defaultInterpreterPath"]
    assert place == "${workspaceFolder}/.venv/bin/python"
    wanted = json.loads((repository / ".vscode/extensions.json").read_text())["recommendations"]
    assert {"iterative.dvc", "ms-python.python"} <= set(wanted)
    # Without this folder the extension's table would not follow a running experiment.
    assert not any(".dvc/tmp/exps".startswith(path.strip("*/")) for path in
                   settings["files.watcherExclude"])  # fmt: skip


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_make_experiments_shows_draw_and_errors(clone, repository):
    """On a clone nothing differs, so only the columns that always matter are there."""
    said = subprocess.run(
        ["make", "--dry-run", "experiments"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    line = next(line for line in said.splitlines() if line.startswith("dvc exp show"))
    table = _dvc(clone, *shlex.split(line)[1:], "--csv")
    found = next(csv.reader(io.StringIO(table)))
    measures = {"mse.light", "mse.dark", "mse.gap", "nmse.gap", "sigma.gap"}
    assert set(found) - set(_COLUMNS) == measures | {"data.mix", "data.seed"}
