"""The model is an artifact that other projects fetch by name and version."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from gto.constants import assert_name_is_valid
from ruamel.yaml import YAML

from tonegap.files.store import md5_of
from tonegap.workspace import Workspace

CONTENT = b"the weights of a released model"


@pytest.fixture(scope="module")
def artifacts(repository) -> dict:
    return YAML(typ="safe").load((repository / "dvc.yaml").read_text())["artifacts"]


def test_its_name_is_one_that_tags_can_hold(artifacts):
    """GTO, which names versions by git tags, takes the name; the file is the model's."""
    for name in artifacts:
        assert_name_is_valid(name)
    assert artifacts["vae"]["path"] == Workspace.weights.as_posix()
    assert artifacts["vae"]["type"] == "model"


def _do(folder: Path, *command: str) -> None:
    people = {f"GIT_{role}_{kind}": "a@example.org" for role in ("AUTHOR", "COMMITTER")
              for kind in ("NAME", "EMAIL")}  # fmt: skip
    subprocess.run(command, cwd=folder, env=os.environ | people, check=True)


def test_a_registered_version_is_delivered(repository, tmp_path):
    """`dvc artifacts get CLONE vae` brings the bytes of the tagged version, not of later ones."""
    clone, remote, python = tmp_path / "clone", tmp_path / "remote", sys.executable
    subprocess.run(["git", "clone", "--quiet", repository, clone], check=True)
    _do(clone, python, "-m", "dvc", "remote", "add", "--quiet", "-d", "lab", str(remote))
    md5 = md5_of(CONTENT)
    place = remote / "files/md5" / md5[:2] / md5[2:]
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT)
    lock = clone / "dvc.lock"
    before = lock.read_text()
    entry = rf"(path: {Workspace.weights}\n +hash: md5\n +md5: )\w+(\n +size: )\d+"
    lock.write_text(re.sub(entry, rf"\g<1>{md5}\g<2>{len(CONTENT)}", before))
    _do(clone, "git", "commit", "--quiet", "--all", "--message", "a released model")
    _do(clone, str(Path(python).with_name("gto")), "register", "vae", "--version", "v1.0.0")
    lock.write_text(before)
    _do(clone, "git", "commit", "--quiet", "--all", "--message", "a later model")
    _do(tmp_path, python, "-m", "dvc", "artifacts", "get", str(clone), "vae", "-o", "model")
    assert (tmp_path / "model").read_bytes() == CONTENT
