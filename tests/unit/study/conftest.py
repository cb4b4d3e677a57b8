"""A toy repository whose experiments are made by git alone, in milliseconds."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tonegap.files.parameters import read_yaml
from tonegap.study.files import read_study
from tonegap.study.plan import Cell, Study, overridden
from tonegap.study.records import experiment_ref

GRID = {"data.mix": ["light", "dark"], "data.seed": [0, 1]}


class Toy:
    """A repository with code, data pin, parameters and a study ``toy`` of four cells."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True
        ).stdout.strip()

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "toy")
        return self.git("rev-parse", "HEAD")

    def study(self) -> Study:
        return read_study(self.root, "toy")

    def save(self, cell: Cell, **params: object) -> str:
        """Commit what a finished run would; ``params`` change its parameters."""
        overrides = {**cell.overrides, **{k.replace("__", "."): v for k, v in params.items()}}
        values = overridden(read_yaml(self.root / "params.yaml"), overrides, "toy")
        head = self.git("rev-parse", "HEAD")
        with (self.root / "params.yaml").open("w") as stream:
            YAML(typ="safe", pure=True).dump(values, stream)
        self.write("metrics/evaluate.json", json.dumps({"mse": {"gap": 0.0}}))
        commit = self.commit()
        self.git("update-ref", experiment_ref(head, cell.name), commit)
        self.git("reset", "--quiet", "--hard", head)
        return commit

    def experiments(self) -> set[str]:
        refs = self.git("for-each-ref", "--format=%(refname)", "refs/exps").split()
        return {ref.split("/")[4] for ref in refs}


@pytest.fixture
def toy(repository, tmp_path, monkeypatch) -> Toy:
    """Give the toy repository, and git somebody who commits."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "tester")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "tester@example.org")
    toy = Toy(tmp_path / "toy")
    toy.write("studies/toy.yaml", json.dumps({"grid": GRID}))
    toy.write("data.dvc", "outs: []\n")
    toy.write("src/tonegap/stages/train.py", "one = 1\n")
    toy.write("lists/clean.csv", "md5hash\naa\n")
    toy.write(".gitignore", "/.dvc/tmp/\n")
    shutil.copy(repository / "params.yaml", toy.root)
    shutil.copy(repository / "dvc.yaml", toy.root)
    toy.git("init", "--quiet", "--initial-branch", "main")
    toy.commit()
    return toy
