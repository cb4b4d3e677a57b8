"""The pull request report: what it shows of two sides, on a clone without data or cache."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from tonegap.errors import MachineError, ParameterError
from tonegap.pull_request import report as report_module
from tonegap.pull_request.base import find_base
from tonegap.pull_request.gate import read_gate
from tonegap.pull_request.report import compare, empty, write_report
from tonegap.pull_request.reproduction import Reproduced


def git(folder, *arguments):
    command = ["git", "-c", "user.name=tester", "-c", "user.email=tester@example.org", *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def clone(repository, tmp_path):
    """Clone what is committed, as a reviewer's machine would have it."""
    folder = tmp_path / "clone"
    git(repository, "clone", "--quiet", str(repository), str(folder))
    git(folder, "checkout", "--quiet", "-B", "main")
    return folder


@pytest.fixture
def undrawn(monkeypatch):
    """Draw no plots, which take most of a report's time."""
    monkeypatch.setattr(report_module, "draw_differences", lambda *_: [])


@pytest.fixture
def words(monkeypatch, undrawn):
    """Ask DVC for no differences either: what remains is the gate and what is said of it."""
    nothing = subprocess.CompletedProcess([], 0, stdout="")
    monkeypatch.setattr(report_module, "dvc", lambda *_: nothing)


def compared(clone, base, problem=""):
    """Compare the checkout with a base as both are; nothing is reproduced."""
    found = find_base(clone, base)
    folder = clone / "plots-diff"
    empty(folder)
    return compare(
        clone, found, Reproduced(found.commit, problem), read_gate(clone / "gate.yaml"), folder
    )


def edit(clone, **values):
    """Change the errors in metrics/evaluate.json."""
    path = clone / "metrics/evaluate.json"
    document = json.loads(path.read_text())
    for name, value in values.items():
        document["mse"][name] += value
    path.write_text(json.dumps(document))


def noise(clone, **bands):
    """Write noise bands of the errors."""
    metrics = {f"mse.{name}": {"sd": 0.0, "n": 9, "band": band} for name, band in bands.items()}
    document = {"schema": "tonegap-noise-1", "design": {}, "metrics": metrics}
    (clone / "metrics/noise.json").write_text(json.dumps(document))


def silent(_line):
    pass


def test_changed_numbers_are_shown(clone):
    """A changed metric stands in the table with its change, and the study's boxes are drawn."""
    path = clone / "metrics/evaluate.json"
    document = json.loads(path.read_text())
    document["mse"]["dark"] += 0.5
    document["mse_pca"]["dark"] += 1e-9
    path.write_text(json.dumps(document))
    params = clone / "params.yaml"
    params.write_text(re.sub(r"epochs: \d+", "epochs: 999", params.read_text()))
    report = compared(clone, "HEAD").path.read_text()
    lines = report[report.index("### Metrics") :].splitlines()
    row = next(line for line in lines if "`mse.dark`" in line)
    assert float(row.split("|")[5]) == pytest.approx(0.5, abs=1e-3)
    assert "train.epochs" in report
    # Both sides are named as people name them, and rounding is no change.
    heads = [line for line in report.splitlines() if re.match(r"\| (Path|file|metric) ", line)]
    assert ["HEAD" in [cell.strip() for cell in line.split("|")] for line in heads] == [True] * 3
    assert "mse_pca" not in report
    assert "Left out: 1 values that changed by less than 1e-05." in report
    assert "The boxes are equal on both sides" in report
    pictures = {picture.name for picture in (clone / "plots-diff").glob("*.png")}
    assert {"study_mse.png", "study_sigma.png"} <= pictures
    assert (clone / "plots-diff/index.html").is_file()


def test_no_change_is_said(clone):
    """A branch that changed no number says so; a commit is named by its first letters."""
    commit = git(clone, "rev-parse", "HEAD")
    written = compared(clone, commit)
    report = written.path.read_text()
    assert not written.fails
    assert "**The gate passes.**" in report
    assert report.count("No change.") == 2
    assert f"Compared with `{commit}` ({commit[:10]})" in report
    assert commit not in (clone / "plots-diff/index.html").read_text()


def test_a_folder_of_other_files_is_left_alone(clone):
    """The report's folder is made anew: a slip of the keyboard must not remove the source."""
    with pytest.raises(MachineError, match="--out DIR"):
        write_report(clone, "HEAD", clone / "src", silent)
    assert (clone / "src/tonegap").is_dir()


def test_a_file_named_like_a_report_does_not_make_one(clone):
    """A report.md of someone else's, or of an earlier version, is not ours to remove."""
    folder = clone / "thesis"
    folder.mkdir()
    (folder / "report.md").write_text("mine")
    with pytest.raises(
        MachineError, match=r"no \.tonegap-pr-report.*remove it yourself.*--out DIR"
    ):
        write_report(clone, "HEAD", folder, silent)
    assert (folder / "report.md").read_text() == "mine"


def test_an_earlier_report_is_replaced(clone):
    """Also one that was left half made, and where a link leads to it."""
    folder = clone / "plots-diff"
    empty(folder)
    (folder / "old.png").touch()
    link = clone / "link"
    link.symlink_to(folder)
    empty(link)
    assert link.is_symlink()
    assert [path.name for path in folder.iterdir()] == [".tonegap-pr-report"]


@pytest.mark.parametrize("out", ["a-file", "a-file/inside"])
def test_a_file_in_the_folders_place_is_named(clone, out):
    """A slip of the keyboard is one line, and the file stays."""
    (clone / "a-file").write_text("mine")
    with pytest.raises(MachineError, match=rf"{clone / out} cannot be made .*--out DIR"):
        write_report(clone, "HEAD", clone / out, silent)
    assert (clone / "a-file").read_text() == "mine"


def test_a_branch_named_workspace_is_a_base(clone):
    """To DVC the word means the present files, which never differ from themselves."""
    git(clone, "branch", "workspace")
    params = clone / "params.yaml"
    params.write_text(re.sub(r"epochs: \d+", "epochs: 999", params.read_text()))
    report = compared(clone, "workspace").path.read_text()
    assert "Compared with `workspace`" in report
    assert "train.epochs" in report


def test_an_unknown_base_is_named(clone):
    """A base that git does not know is one line with what to do."""
    with pytest.raises(MachineError, match=r"'no-such' is no commit .* BASE="):
        write_report(clone, "no-such", clone / "plots-diff", silent)


def test_the_gate_says_no(clone, undrawn):
    """A rise beyond budget and noise fails; the report is whole, and says how to accept it."""
    (clone / "gate.yaml").write_text("mse.gap: {may_rise: 0.01}\nmse.dark: {may_rise: 0.01}\n")
    edit(clone, gap=0.05, dark=0.05)
    noise(clone, gap=0.02, dark=0.2)
    written = compared(clone, "HEAD")
    report = written.path.read_text()
    assert written.fails
    assert "**The gate fails**: `mse.gap` rose by 0.05, 0.03 of it beyond noise" in report
    rows = [line for line in report.splitlines() if "may rise by 0.01" in line]
    assert [row.split("|")[-2].strip() for row in rows] == ["**fails**", "**within noise**"]
    assert "raise the budget in `gate.yaml` in this same pull request" in report
    sizes = {
        line.split("|")[2].strip(): line.split("|")[-2].strip()
        for line in report[report.index("### Metrics") :].splitlines()
        if "`mse." in line
    }
    assert sizes == {"`mse.gap`": "**larger**", "`mse.dark`": "smaller"}
    assert "### Plots" in report


def test_without_noise_bands_the_budget_counts_alone(clone, words):
    """That is said, and so is what the change does to the gate itself."""
    (clone / "metrics/noise.json").unlink(missing_ok=True)
    (clone / "gate.yaml").write_text("mse.gap: {may_rise: 0.01}\n")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "-m", "gate")
    (clone / "gate.yaml").write_text("mse.gap: {may_rise: 0.04}\n")
    edit(clone, gap=0.05)
    written = compared(clone, "HEAD")
    report = written.path.read_text()
    assert written.fails
    assert "No noise band is known" in report
    assert "**This change edits `gate.yaml`**: `mse.gap may_rise`: 0.01 → 0.04." in report


def test_a_budget_of_no_metric_is_reported_and_an_error(clone, words):
    """The rest of the report is written, the name is met with the nearest."""
    (clone / "gate.yaml").write_text("mse.gpa: {may_rise: 0.01}\n")
    written = compared(clone, "HEAD")
    assert "did you mean 'mse.gap'" in written.problem
    assert written.problem in written.path.read_text()
    assert "### Plots" in written.path.read_text()


def test_a_malformed_gate_is_refused_before_the_work(clone):
    """Minutes of training are not spent to then meet a slip of the keyboard."""
    (clone / "gate.yaml").write_text("mse.gap: {may_raise: 0.01}\n")
    with pytest.raises(ParameterError, match="may_rise"):
        write_report(clone, "HEAD", clone / "plots-diff", silent)


def test_numbers_that_were_not_reproduced_are_marked(clone, words):
    """A reader sees whose numbers they are, and why."""
    report = compared(clone, "HEAD", problem="too old").path.read_text()
    assert "**The base was not reproduced**" in report
    assert "too old" in report


def test_the_base_is_where_the_change_left_it(clone):
    """Commits that the base branch made since are not taken for the change's."""
    git(clone, "checkout", "--quiet", "-b", "topic")
    git(clone, "commit", "--quiet", "--allow-empty", "-m", "topic")
    fork = git(clone, "rev-parse", "main")
    git(clone, "checkout", "--quiet", "main")
    git(clone, "commit", "--quiet", "--allow-empty", "-m", "later")
    git(clone, "checkout", "--quiet", "topic")
    base = find_base(clone, "main")
    assert (base.commit, base.label) == (fork, fork[:10])
    assert "where this change left `main`" in base.words


def test_a_base_without_common_history_is_named(clone):
    """A shallow clone, or a wrong branch, is one line with what to do."""
    git(clone, "checkout", "--quiet", "--orphan", "other")
    git(clone, "commit", "--quiet", "-m", "other")
    with pytest.raises(MachineError, match=r"'main' and this checkout have no commit in common"):
        find_base(clone, "main")
