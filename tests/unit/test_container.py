"""Dockerfile and dev container name what is there, and leave out what may show patients."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from ruamel.yaml import YAML

from tonegap.workspace import Workspace


@pytest.fixture(scope="module")
def steps(repository) -> list[tuple[str, str]]:
    """Give the Dockerfile's instructions: word and arguments, continued lines joined."""
    text = (repository / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


@pytest.fixture(scope="module")
def allowed(repository) -> set[str]:
    """Give what .dockerignore lets into an image, file or folder; all else stays out."""
    lines = (repository / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    assert rules[0] == "*"
    return {rule[1:] for rule in rules if rule.startswith("!")}


def _arguments(steps, word: str) -> list[str]:
    return [arguments for step, arguments in steps if step == word]


def test_what_is_copied_is_there_and_allowed(repository, steps, allowed):
    """A COPY of a file that is absent or ignored would stop the build."""
    sources = [name for copied in _arguments(steps, "COPY") for name in copied.split()[1:-1]]
    assert "requirements.lock" in sources
    for name in set(sources) - {"."}:
        assert (repository / name).is_file()
        assert name in allowed
    assert all((repository / name).exists() for name in allowed)


def test_the_makefile_does_the_work(repository, steps):
    """Commands of the image are targets of the Makefile, and packages come before code."""
    targets = set(re.findall(r"^([a-z-]+):", (repository / "Makefile").read_text(), re.MULTILINE))
    run = " ".join(_arguments(steps, "RUN"))
    called = re.findall(r"\bmake ([a-z-]+)", run)
    assert called == ["packages", "env"]
    (command,) = _arguments(steps, "CMD")
    assert {*called, json.loads(command)[1]} <= targets
    words = [word for word, _ in steps]
    packages = next(number for number, step in enumerate(steps) if "make packages" in step[1])
    assert steps.index(("COPY", "--chown=tonegap . .")) > packages > words.index("USER")


def test_its_python_is_one_that_tonegap_runs_on(repository, steps):
    """The base image's version is within requires-python; the user is not root."""
    (base,) = _arguments(steps, "FROM")
    version = re.fullmatch(r"python:(3\.\d+)-slim-\w+", base)
    needed = re.search(r'requires-python = "(.+)"', (repository / "pyproject.toml").read_text())
    assert version
    assert needed
    assert SpecifierSet(needed[1]).contains(f"{version[1]}.0")
    assert _arguments(steps, "USER") == ["1000"]
    assert _arguments(steps, "ARG") == ["TORCH=cpu"]


@pytest.mark.parametrize(
    "name", ["data", "models", "results", "private", ".git", ".venv", ".dvc/cache", ".dvc/tmp"]
)
def test_no_picture_enters_an_image(allowed, name):
    """What git ignores is not named, nor is a folder above it without an exception."""
    assert name not in allowed
    above = Path(name).parent.as_posix()
    assert above == "." or above not in allowed or above == ".dvc"


def test_everything_that_the_pipeline_reads_enters_the_image(repository, allowed):
    """`make repro` runs without a clone too: no dependency that git tracks is left out."""
    stages = YAML(typ="safe").load((repository / "dvc.yaml").read_text())["stages"]
    needed = {str(dep) for stage in stages.values() for dep in stage["deps"]}
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=repository, capture_output=True, text=True, check=True
    ).stdout.split()
    for dep in needed:
        if any(name == dep or name.startswith(f"{dep}/") for name in tracked):
            assert any(f"{dep}/".startswith(f"{entry}/") for entry in allowed), dep
    assert {str(Workspace.pipeline), str(Workspace.params), "dvc.lock", ".dvc/config"} <= allowed


def test_the_dev_container_is_this_image(repository, steps):
    """It builds the same Dockerfile, works in the same folder, and keeps the environment apart."""
    place = repository / ".devcontainer"
    settings = json.loads((place / "devcontainer.json").read_text())
    (folder,) = _arguments(steps, "WORKDIR")
    assert (place / settings["build"]["dockerfile"]).resolve() == repository / "Dockerfile"
    assert settings["workspaceFolder"] == folder
    assert f"target={folder}," in settings["workspaceMount"]
    # A clone's own .venv belongs to another machine.
    assert any(f"target={folder}/.venv," in mount for mount in settings["mounts"])
    wanted = json.loads((repository / ".vscode/extensions.json").read_text())["recommendations"]
    assert settings["customizations"]["vscode"]["extensions"] == wanted
