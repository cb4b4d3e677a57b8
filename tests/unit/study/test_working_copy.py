"""Copies of the repository: on their commit, without the user's edits, gone afterwards."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from dvc.repo import Repo

from tonegap.files import checkout
from tonegap.files.checkout import cache_folder
from tonegap.files.repository import git
from tonegap.study.working_copy import fetch_experiment, reset, working_copy


@pytest.fixture
def project(toy):
    """Make DVC know the toy repository, in a folder with spaces and other letters."""
    toy.write(".dvc/config", "")
    toy.write(".dvc/.gitignore", "cache\nconfig.local\n")
    toy.write(".dvc/config.local", "[core]\n    autostage = true\n")
    toy.commit()
    moved = toy.root.with_name("mit Leerzeichen und Straße")
    toy.root.rename(moved)
    return moved


def test_a_copy_has_what_is_committed_and_shares_the_cache(project):
    """The user's edits, index and branch are neither taken nor touched."""
    baseline = git(project, "rev-parse", "HEAD").strip()
    (project / "params.yaml").write_text("edited")
    before = git(project, "status", "--porcelain", "--branch")
    with working_copy(project, baseline, project / ".dvc/tmp/copies/0") as copy:
        assert "edited" not in (copy / "params.yaml").read_text()
        assert git(copy, "rev-parse", "HEAD").strip() == baseline
        assert cache_folder(copy).resolve() == cache_folder(project) == project / ".dvc/cache"
        with Repo(str(copy)) as repo:
            assert repo.config["core"]["autostage"]
        assert git(copy, "status", "--porcelain") == ""
    assert not copy.parent.exists()
    assert git(project, "status", "--porcelain", "--branch") == before
    assert (project / "params.yaml").read_text() == "edited"


def test_a_first_run_finds_a_cache_to_write_to(project):
    """A fresh clone has no cache; DVC makes no folders behind a link that leads nowhere."""
    assert not (project / ".dvc/cache").exists()
    with working_copy(project, "HEAD", project / ".dvc/tmp/copies/0") as copy:
        os.makedirs(cache_folder(copy) / "files/md5", exist_ok=True)  # noqa: PTH103 - as DVC does
    assert (project / ".dvc/cache/files/md5").is_dir()


def test_a_run_leaves_nothing_to_the_next_but_images(project):
    """Tracked files come back, untracked go; what git ignores is spared, DVC knows its hashes."""
    with working_copy(project, "HEAD", project / ".dvc/tmp/copies/0") as copy:
        (copy / "params.yaml").write_text("edited")
        (copy / "new").mkdir()
        (copy / "new/file").touch()
        (copy / ".dvc/tmp/kept").mkdir(parents=True)
        reset(copy, "HEAD")
        assert git(copy, "status", "--porcelain") == ""
        assert not (copy / "new").exists()
        assert (copy / ".dvc/tmp/kept").is_dir()


def test_an_experiment_comes_home(project):
    """Its ref and commit arrive; a ref of that name is replaced."""
    ref = f"refs/exps/aa/{38 * 'b'}/toy"
    git(project, "update-ref", ref, "HEAD")
    with working_copy(project, "HEAD", project / ".dvc/tmp/copies/0") as copy:
        git(copy, "commit", "--quiet", "--allow-empty", "-m", "experiment")
        git(copy, "update-ref", ref, "HEAD")
        commit = git(copy, "rev-parse", "HEAD")
        fetch_experiment(copy, ref, project)
    assert git(project, "rev-parse", ref) == commit
    assert git(project, "log", "-1", "--format=%s", ref) == "experiment\n"


def test_what_a_killed_run_left_is_ended_and_removed(project):
    """A process whose parent was killed alone must not work in the copy of another run."""
    folder = project / ".dvc/tmp/copies/0"
    (folder / "old").mkdir(parents=True)
    command = [sys.executable, "-c", "import time; time.sleep(100)", "dvc"]
    orphan, other = (subprocess.Popen(command, cwd=cwd) for cwd in (folder / "old", project))
    try:
        with working_copy(project, "HEAD", folder) as copy:
            assert not (copy / "old").exists()
            assert orphan.poll() is not None
            assert other.poll() is None
    finally:
        for process in (orphan, other):
            process.kill()
            process.wait()
    assert not folder.exists()


def test_a_copy_goes_although_a_process_still_writes_into_it(project, monkeypatch):
    """A file that appears while the folder is being removed is removed with the next try."""
    baseline = git(project, "rev-parse", "HEAD").strip()
    remove, late = checkout.shutil.rmtree, ["late"]

    def interrupted(folder, **options):
        remove(folder, **options)
        if late:
            folder.mkdir()
            (folder / late.pop()).write_text("written at the last moment")

    with working_copy(project, baseline, project / ".dvc/tmp/copies/0") as copy:
        monkeypatch.setattr(checkout.shutil, "rmtree", interrupted)
    assert not late
    assert not copy.parent.exists()
