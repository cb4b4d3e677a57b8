"""The pull request report, on a clone without data, cache or remote."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from tonegap import pull_request
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
    document["mse_pca"]["dark"] += 1e-9
    path.write_text(json.dumps(document))
    params = clone / "params.yaml"
    params.write_text(re.sub(r"epochs: \d+", "epochs: 999", params.read_text()))
    report = write_report("HEAD", clone / "plots-diff").read_text()
    row = next(line for line in report.splitlines() if "mse.dark" in line)
    assert float(row.split("|")[-2]) == pytest.approx(0.5, abs=1e-3)
    assert "train.epochs" in report
    # Both sides are named as people name them, and rounding is no change.
    heads = [line for line in report.splitlines() if line.startswith("| Path")]
    assert [line.split("|")[3].strip() for line in heads] == ["HEAD", "HEAD"]
    assert "mse_pca" not in report
    assert "Left out: 1 values that changed by less than 1e-5." in report
    assert "The boxes are equal on both sides" in report
    pictures = {picture.name for picture in (clone / "plots-diff").glob("*.png")}
    assert {"study_mse.png", "study_sigma.png"} <= pictures
    assert (clone / "plots-diff/index.html").is_file()


def test_no_change_is_said(clone):
    """A branch that changed no number says so; a commit is named by its first letters."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    report = write_report(commit, clone / "plots-diff").read_text()
    assert report.count("No change.") == 2
    assert f"Compared with `{commit}` ({commit[:10]})" in report
    assert commit not in (clone / "plots-diff/index.html").read_text()


def test_a_folder_of_other_files_is_left_alone(clone):
    """The report's folder is made anew: a slip of the keyboard must not remove the source."""
    with pytest.raises(MachineError, match="--out DIR"):
        write_report("HEAD", clone / "src")
    assert (clone / "src/tonegap").is_dir()


def test_a_file_named_like_a_report_does_not_make_one(clone):
    """A report.md of someone else's, or of an earlier version, is not ours to remove."""
    folder = clone / "thesis"
    folder.mkdir()
    (folder / "report.md").write_text("mine")
    with pytest.raises(
        MachineError, match=r"no \.tonegap-pr-report.*remove it yourself.*--out DIR"
    ):
        write_report("HEAD", folder)
    assert (folder / "report.md").read_text() == "mine"


def test_an_earlier_report_is_replaced(clone):
    """Also one that was left half made, and where a link leads to it."""
    folder = clone / "plots-diff"
    pull_request._empty(folder)
    (folder / "old.png").touch()
    link = clone / "link"
    link.symlink_to(folder)
    pull_request._empty(link)
    assert link.is_symlink()
    assert [path.name for path in folder.iterdir()] == [".tonegap-pr-report"]


@pytest.mark.parametrize("out", ["a-file", "a-file/inside"])
def test_a_file_in_the_folders_place_is_named(clone, out):
    """A slip of the keyboard is one line, and the file stays."""
    (clone / "a-file").write_text("mine")
    with pytest.raises(MachineError, match=rf"{clone / out} cannot be made .*--out DIR"):
        write_report("HEAD", clone / out)
    assert (clone / "a-file").read_text() == "mine"


def test_a_branch_named_workspace_is_a_base(clone):
    """To DVC the word means the present files, which never differ from themselves."""
    subprocess.run(["git", "branch", "workspace"], check=True)
    params = clone / "params.yaml"
    params.write_text(re.sub(r"epochs: \d+", "epochs: 999", params.read_text()))
    report = write_report("workspace", clone / "plots-diff").read_text()
    assert "Compared with `workspace`" in report
    assert "train.epochs" in report


def test_an_unknown_base_is_named(clone):
    """A base that git does not know is one line with what to do."""
    with pytest.raises(MachineError, match=r"'no-such' is no commit .* BASE="):
        write_report("no-such", clone / "plots-diff")
