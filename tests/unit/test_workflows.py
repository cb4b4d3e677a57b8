"""Workflows: no known weakness, and each may do what it needs and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tonegap.calibration.planted import RECIPES

FOLDER = ".github/workflows"
REPORT, COMMENT = "pull-request-report.yml", "pull-request-comment.yml"


def zizmor(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("zizmor")
    return subprocess.run(
        [str(program), "--offline", "--no-progress", "--persona=pedantic", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )


def workflow(repository: Path, name: str) -> dict:
    return YAML(typ="safe").load((repository / FOLDER / name).read_text())


def steps(document: dict) -> list[dict]:
    return [step for job in document["jobs"].values() for step in job["steps"]]


def test_zizmor_finds_nothing(repository):
    """The linter of workflows is content, offline and at its strictest."""
    done = zizmor(repository / FOLDER)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (REPORT, r"@[0-9a-f]{40} # v5.0.0", "@v5"),
        (REPORT, r'make pr-report BASE="\$BASE"', "make BASE=${{ github.head_ref }}"),
        (COMMENT, r"zizmor: ignore\S*", ""),
        (REPORT, r"\n +persist-credentials: false", ""),
    ],
)
def test_zizmor_would_find_something(repository, tmp_path, name, old, new):
    """An action without hash, an injected name, an undeclared trigger or kept token is seen."""
    shutil.copytree(repository / FOLDER, tmp_path / FOLDER)
    path = tmp_path / FOLDER / name
    text, count = re.subn(old, new, path.read_text())
    assert count
    path.write_text(text)
    assert zizmor(tmp_path / FOLDER).returncode != 0


def test_actions_are_pinned_by_hash(repository):
    """A tag may be moved; a commit may not."""
    for path in (repository / FOLDER).glob("*.yml"):
        for step in steps(workflow(repository, path.name)):
            if "uses" in step:
                assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"]), path.name


def test_the_run_of_foreign_code_may_only_read(repository):
    """The report's workflow executes the pull request's code: no token that writes, no secret."""
    document = workflow(repository, REPORT)
    assert document["permissions"] == {}
    assert set(document["on"]) == {"pull_request"}
    for job in document["jobs"].values():
        assert job["permissions"] == {"contents": "read"}
    assert "secrets." not in (repository / FOLDER / REPORT).read_text()


def test_a_failing_gate_still_uploads_its_report(repository):
    """Every step after the gate runs although it failed, and the job fails with it."""
    listed = steps(workflow(repository, REPORT))
    gate = next(i for i, step in enumerate(listed) if "make pr-report" in step.get("run", ""))
    assert len(listed) == gate + 4
    assert all("cancelled()" in step["if"] for step in listed[gate + 1 :])
    assert not any("continue-on-error" in step for step in listed)
    uploads = {
        step["with"]["name"]: step["with"]["path"]
        for step in listed
        if "upload-artifact" in step.get("uses", "")
    }
    assert uploads == {
        "pull-request-report": "plots-diff/report.md",
        "plots-diff": "plots-diff",
    }


def test_the_run_that_may_comment_runs_nothing_foreign(repository):
    """It checks out the default branch, gives no shell a name, and writes comments alone."""
    document = workflow(repository, COMMENT)
    assert document["permissions"] == {}
    (job,) = document["jobs"].values()
    assert job["permissions"] == {"actions": "read", "contents": "read", "pull-requests": "write"}
    for step in job["steps"]:
        assert "${{" not in step.get("run", "")
        if "checkout" in step.get("uses", ""):
            assert not {"ref", "repository"} & set(step["with"])
    trigger = (document["on"])["workflow_run"]
    assert trigger["workflows"] == [workflow(repository, REPORT)["name"]]


def test_the_names_of_artifacts_agree(repository):
    """What one workflow uploads is what the other looks for."""
    import comment  # noqa: PLC0415
    import untrusted_report  # noqa: PLC0415

    uploads = {
        step["with"]["name"]: step["with"]["path"]
        for step in steps(workflow(repository, REPORT))
        if "upload-artifact" in step.get("uses", "")
    }
    assert set(uploads) == {comment.REPORT, comment.PLOTS}
    assert Path(uploads[comment.REPORT]).name == untrusted_report.NAME


def test_every_recipe_is_calibrated_at_night(repository):
    """A new recipe is added to the workflow, too; what lies outside its goal fails the job."""
    [job] = workflow(repository, "calibration.yml")["jobs"].values()
    assert sorted(job["strategy"]["matrix"]["recipe"]) == sorted(RECIPES)
    [run] = [step["run"] for step in job["steps"] if "calibrate" in step.get("run", "")]
    assert 'grep -F "(outside"' in run
