"""The pull request report, on a clone without data, cache or remote."""

from __future__ import annotations

import json
import subprocess

import pytest

from tonegap.errors import MachineError
from tonegap.pull_request import write_report


@pytest.fixture
def clone(repository, tmp_path, monkeypatch):
    """Clone what is committed, as a reviewer's machine would have it."""
    folder = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(repository), str(folder)], check=True)
    monkeypatch.chdir(folder)
    return folder


def test_changed_numbers_are_shown(clone):
    """A changed metric stands in the table with its change, and the study's boxes are drawn."""
    path = clone / "metrics/evaluate.json"
    document = json.loads(path.read_text())
    document["mse"]["dark"] += 0.5
    path.write_text(json.dumps(document))
    params = clone / "params.yaml"
    params.write_text(params.read_text().replace("epochs: 8", "epochs: 9"))
    report = write_report("HEAD", clone / "plots-diff").read_text()
    row = next(line for line in report.splitlines() if "mse.dark" in line)
    assert float(row.split("|")[-2]) == pytest.approx(0.5, abs=1e-3)
    assert "train.epochs" in report
    pictures = {picture.name for picture in (clone / "plots-diff").glob("*.png")}
    assert {"study_mse.png", "study_sigma.png"} <= pictures
    assert (clone / "plots-diff/index.html").is_file()


def test_an_unknown_base_is_named(clone):
    """A base that git does not know is one line with what to do."""
    with pytest.raises(MachineError, match=r"'no-such' is no commit .* BASE="):
        write_report("no-such", clone / "plots-diff")
