"""Hooks of git: what `make hooks` installs refuses pictures of patients and checks the code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pre_commit.clientlib import load_config

from tonegap.files.manifest import write_manifest

_CONFIG = ".pre-commit-config.yaml"


@pytest.fixture(scope="module")
def hooks(repository) -> list[dict]:
    return [hook for repo in load_config(repository / _CONFIG)["repos"] for hook in repo["hooks"]]


def test_hooks_are_targets_of_the_makefile(repository, hooks):
    """A hook runs what `make check` runs, in the same environment; nothing is downloaded."""
    targets = set(re.findall(r"^([a-z-]+):", (repository / "Makefile").read_text(), re.MULTILINE))
    run = [hook["entry"].split() for hook in hooks if hook["language"] != "fail"]
    assert {entry[0] for entry in run} == {"make"}
    assert {entry[-1] for entry in run} <= targets
    assert {hook["language"] for hook in hooks} <= {"system", "unsupported", "fail"}


def test_the_guard_comes_before_every_other_hook_of_a_push(hooks):
    """DVC's own hook, appended by `dvc install --use-pre-commit-tool`, would push data."""
    first = next(hook for hook in hooks if "pre-push" in hook["stages"])
    assert first["entry"].endswith(" guard")
    assert first["always_run"]
    assert first["fail_fast"]


class Clone:
    """A clone with the hooks installed, and a place to push to."""

    def __init__(self, repository: Path, folder: Path) -> None:
        self.root = folder / "clone"
        people = {f"GIT_{role}_{kind}": "a@example.org" for role in ("AUTHOR", "COMMITTER")
                  for kind in ("NAME", "EMAIL")}  # fmt: skip
        self.environment = os.environ | people
        subprocess.run(
            ["git", "clone", "--quiet", "--bare", repository, folder / "hub"], check=True
        )
        subprocess.run(["git", "clone", "--quiet", folder / "hub", self.root], check=True)
        shutil.copy(repository / _CONFIG, self.root)
        shutil.copy(repository / "Makefile", self.root)
        (self.root / ".venv").symlink_to(sys.prefix)
        self.run("make", "--silent", "--old-file=env", "hooks")

    def run(self, *command: str, code: int = 0) -> str:
        done = subprocess.run(
            command,
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def push(self, code: int = 0) -> str:
        """Commit everything, which may be refused there, and push it."""
        self.run("git", "add", "--all", "--force", "--", ".", ":!.venv")
        self.run("git", "commit", "--quiet", "--no-verify", "--message", "a commit")
        return self.run("git", "push", "origin", "HEAD:refs/heads/other", code=code)


@pytest.fixture(scope="module")
def clone(repository, tmp_path_factory) -> Clone:
    if not shutil.which("make"):
        pytest.skip("make is not installed, and the hooks run it")
    return Clone(repository, tmp_path_factory.mktemp("hooks"))


def _pictures_remote(clone: Clone, name: str) -> None:
    pin = clone.root / "data.dvc"
    pin.write_text(
        re.sub("pictures_remote:.*", f"pictures_remote: {name}".rstrip(), pin.read_text())
    )


@pytest.mark.slow
def test_a_push_of_phantoms_goes_through(clone):
    """Nobody is shown, so nothing is refused."""
    (clone.root / "notes.txt").write_text("a note")
    assert "any remote may take every file" in clone.push()


@pytest.mark.slow
def test_a_photograph_is_refused_at_the_commit_and_at_the_push(clone):
    """A commit without hooks is caught when it is pushed; the message says what to do."""
    (clone.root / "face.jpg").write_bytes(b"a synthetic picture")
    clone.run("git", "add", "--force", "face.jpg")
    assert "no photograph is committed" in clone.run("git", "commit", "-qm", "a", code=1)
    said = clone.push(code=1)
    assert "face.jpg is a photograph by its name" in said
    assert "git rm --cached face.jpg" in said
    clone.run("git", "reset", "--quiet", "--hard", "HEAD~1")


@pytest.mark.slow
def test_photographs_need_the_private_remote(clone):
    """Not marked: refused, with the file and the remedy. Marked: the push goes through."""
    write_manifest({"a" * 32: None}, clone.root / "images.txt")
    said = clone.push(code=1)
    assert "data/raw.zip may show patients (photographs in images.txt: 1)" in said
    assert "write `pictures_remote: private` below `meta:` in data.dvc" in said
    _pictures_remote(clone, "private")
    assert "DVC refuses to push their pictures until the remote private has a place" in clone.push()
