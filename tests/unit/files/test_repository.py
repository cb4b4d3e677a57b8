from __future__ import annotations

import os
import subprocess

import pytest

from tonegap.errors import MachineError
from tonegap.files.repository import (
    changed_files,
    configured,
    dvc,
    git,
    object_ids,
    require_own_repository,
    stage_environment,
    telling_line,
)

DVC = "ERROR: failed to reproduce 'train': failed to run: tonegap stage train, exited with 1"


@pytest.fixture
def repository_of(tmp_path, monkeypatch):
    """Give an empty repository, and git no configuration but its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    git(tmp_path, "init", "--quiet")
    return tmp_path


def test_objects_are_told_by_content_whatever_their_names(repository_of):
    """Folders and names with blanks and other letters; what a commit lacks is left out."""
    for name in ("lists/one.csv", "a b/été.txt", "plain"):
        path = repository_of / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    git(repository_of, "add", "--all")
    git(repository_of, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "x")
    paths = ["a b/été.txt", "absent", "lists", "plain"]
    expected = {
        path: git(repository_of, "rev-parse", f"HEAD:{path}").strip()
        for path in paths
        if path != "absent"
    }
    assert object_ids(repository_of, "HEAD", paths) == expected
    assert changed_files(repository_of, paths) == []
    (repository_of / "lists/two.csv").touch()
    assert changed_files(repository_of, paths) == ["lists/two.csv"]


@pytest.mark.parametrize("known", [(), ("name",), ("email",), ("name", "email")])
def test_what_git_lacks_of_an_identity_is_given(repository_of, known):
    """DVC makes commits; half an identity is completed, one's own is kept."""
    for part in known:
        git(repository_of, "config", f"user.{part}", "mine@here")
    environment = stage_environment(repository_of)
    subprocess.run(
        ["git", "commit", "--quiet", "--allow-empty", "-m", "x"],
        cwd=repository_of,
        env=environment,
        check=True,
    )
    name, email = git(repository_of, "log", "-1", "--format=%an %ae").split()
    assert name == ("mine@here" if "name" in known else "tonegap")
    assert email == ("mine@here" if "email" in known else "tonegap@localhost")
    assert configured(repository_of, "user.no_such") == ""


def test_the_cache_is_the_same_from_every_folder(repository_of, monkeypatch):
    """Stages work in copies, from which a relative path would lead elsewhere."""
    monkeypatch.setenv("TONEGAP_CACHE", "mine/cache")
    monkeypatch.chdir(repository_of)
    assert stage_environment(repository_of)["TONEGAP_CACHE"] == str(repository_of / "mine/cache")
    monkeypatch.delenv("TONEGAP_CACHE")
    assert "TONEGAP_CACHE" not in stage_environment(repository_of)


def test_git_that_is_not_there_is_named(tmp_path, monkeypatch):
    """Experiments cannot be without it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match="git is not installed"):
        git(tmp_path, "--version")
    assert configured(tmp_path, "user.name") == ""


def test_dvc_that_fails_says_where_why_and_what_to_do(tmp_path):
    """All callers have the same message; an exit code that was foreseen is none."""
    with pytest.raises(MachineError) as caught:
        dvc(tmp_path, "status", remedy="go to a repository")
    assert str(caught.value).startswith(f"`dvc status` failed in {tmp_path}: ERROR: you are not")
    assert str(caught.value).endswith("; go to a repository")
    with (tmp_path / "log").open("w") as log:
        done = dvc(tmp_path, "status", accept=(0, 253), log=log)
    assert (done.returncode, done.stdout) == (253, "")
    assert "not inside of a DVC repository" in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (f"epoch 1\ntonegap: error: loss is not finite\n{DVC}", "loss is not finite"),
        (f"Traceback:\n  x\nmodel.NoLayer\nValueError: two\n{DVC}\n", "ValueError: two"),
        (
            f"torch.OutOfMemoryError: CUDA out of memory\n{DVC}",
            "torch.OutOfMemoryError: CUDA out of memory",
        ),
        ("ValueError: first\nDuring handling\nKeyError: 'second'", "KeyError: 'second'"),
        (f"Errors are counted below\n{DVC}", DVC),
        (
            "ERROR: unexpected error - disk full\n\nHaving any troubles? Hit us up at ...",
            "ERROR: unexpected error - disk full",
        ),
        ("Killed\n", "Killed"),
        ("\n \n", "no output"),
    ],
)
def test_the_line_that_says_most(output, line):
    """Ours, else Python's, else DVC's, else the last."""
    assert telling_line(output) == line


def test_a_folder_within_a_larger_repository_is_refused(repository_of):
    """Experiments belong to a repository: tonegap's own, not one above it."""
    (repository_of / "dvc.yaml").touch()
    require_own_repository(repository_of)
    inner = repository_of / "inner"
    inner.mkdir()
    require_own_repository(inner)  # no clone at all: others say so
    (inner / "dvc.yaml").touch()
    with pytest.raises(MachineError, match=r"inside the git repository .*clone tonegap outside"):
        require_own_repository(inner)
