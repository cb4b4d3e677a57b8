"""A toy pipeline of two stages, whose numbers depend on the machine that ran them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import tonegap.files.repository as commands

# The metric is `scale` of params.yaml plus a thousandth per machine. Runs are logged.
TRAIN = """
echo train >> "$TOY_LOG"
scale=$(sed -n 's/^scale: //p' params.yaml)
echo "$scale.00$TOY_MACHINE" > model.txt
"""
EVALUATE = """
echo evaluate >> "$TOY_LOG"
mkdir -p metrics
printf '{"mse": {"gap": %s}}' "$(cat model.txt)" > metrics/evaluate.json
"""
PIPELINE = """
stages:
  train:
    cmd: sh train.sh
    deps: [train.sh, table.csv]
    params: [scale]
    outs: [model.txt]
  evaluate:
    cmd: sh evaluate.sh
    deps: [evaluate.sh, model.txt]
    metrics: [metrics/evaluate.json: {cache: false}]
"""


class Toy:
    """A repository with that pipeline, reproduced and committed on machine 1."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log = root.with_name(root.name + ".log")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.root / name.replace("__", ".")).write_text(text)

    def commit(self, *paths: str) -> str:
        self.git("add", "--all", *paths)
        self.git("commit", "--quiet", "--no-verify", "--allow-empty", "--message", "toy")
        return self.git("rev-parse", "HEAD")

    def gap(self, revision: str = "") -> float:
        """Give the metric of the checkout or of a revision."""
        path = "metrics/evaluate.json"
        text = (
            self.git("show", f"{revision}:{path}") if revision else (self.root / path).read_text()
        )
        return float(json.loads(text)["mse"]["gap"])

    def runs(self) -> list[str]:
        """Give the stages that ran since the last call."""
        ran = self.log.read_text().split() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return ran


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Path:
    """Make the repository once; tests take copies."""
    toy = Toy(tmp_path_factory.mktemp("toy") / "toy")
    toy.root.mkdir()
    environment = {**os.environ, "TOY_LOG": str(toy.log), "TOY_MACHINE": "1"}
    toy.git("init", "--quiet", "--initial-branch", "main")
    toy.git("config", "user.name", "tester")
    toy.git("config", "user.email", "tester@example.org")
    (toy.root / ".dvc").mkdir()
    (toy.root / ".dvc/config").write_text("[core]\n    analytics = false\n")
    (toy.root / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    table = toy.root.with_name("table.csv")
    table.write_text("a\n1\n")
    subprocess.run(
        commands.dvc_command("import-url", "--quiet", str(table), "table.csv"),
        cwd=toy.root,
        check=True,
    )
    (toy.root / "table.csv.dvc").rename(toy.root / "data.dvc")
    toy.write(train__sh=TRAIN, evaluate__sh=EVALUATE, dvc__yaml=PIPELINE, params__yaml="scale: 2\n")
    subprocess.run(
        commands.dvc_command("repro", "--quiet"), cwd=toy.root, check=True, env=environment
    )
    table.unlink()  # what was imported is in the cache alone
    toy.commit()
    return toy.root


@pytest.fixture
def toy(template, tmp_path, monkeypatch) -> Toy:
    """Give a copy on machine 2: what git holds, and no cache but the imported table's."""
    toy = Toy(tmp_path / "töy repo")
    shutil.copytree(template, toy.root, symlinks=True)
    (toy.root / "model.txt").unlink()
    cache = toy.root / ".dvc/cache"
    shutil.rmtree(cache / "runs")
    for path in [path for path in (cache / "files").rglob("*") if path.is_file()]:
        if path.read_text() != "a\n1\n":
            path.unlink()
    monkeypatch.setenv("TOY_LOG", str(toy.log))
    monkeypatch.setenv("TOY_MACHINE", "2")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    return toy
