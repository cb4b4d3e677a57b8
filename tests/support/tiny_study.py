"""Clones of the working tree with a tiny phantom, for tests that run studies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock
from ruamel.yaml import YAML
from tiny_pipeline import TINY, write_params

from tonegap.phantom.recipes import annotation_table

GRID = {"data.mix": ["light", "dark"], "data.seed": [0, 1]}
CELLS = tuple(f"tiny-{mix}-s{seed}" for mix in GRID["data.mix"] for seed in GRID["data.seed"])


class StudyClone:
    """A clone in which commands run with its own code, its own caches and one thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(folder / "src"),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "TONEGAP_CACHE": str(folder.with_name(folder.name + "-cache")),
            "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "PASSIVE",
            **{
                f"GIT_{role}_{kind}": value
                for role in ("AUTHOR", "COMMITTER")
                for kind, value in (("NAME", "tester"), ("EMAIL", "tester@example.org"))
            },
        }

    def command(self, *arguments: str) -> list[str]:
        """Give a command line: ``tonegap`` and ``dvc`` are this Python's."""
        if arguments[0] in ("tonegap", "dvc"):
            return [sys.executable, "-m", *arguments]
        return list(arguments)

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run a command to its end and give all it printed; its exit code must be ``code``."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == code, f"{arguments} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def start(self, *arguments: str, output: Path) -> subprocess.Popen:
        """Start a command in a process group of its own."""
        with output.open("w") as stream:
            return subprocess.Popen(
                self.command(*arguments),
                cwd=self.folder,
                env=self.environment,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def write_study(self, name: str, grid: dict, settings: dict | None = None) -> None:
        """Add a study file; studies need no commit."""
        text = json.dumps({"grid": grid, "set": settings or {}})
        (self.folder / "studies" / f"{name}.yaml").write_text(text)

    def experiments(self) -> dict[str, str]:
        """Give the commits of all experiments, by name."""
        lines = self.run(
            "git", "for-each-ref", "--format=%(refname) %(objectname)", "refs/exps"
        ).splitlines()
        pairs = (line.split() for line in lines)
        return {
            ref.split("/")[4]: commit
            for ref, commit in pairs
            if not ref.startswith("refs/exps/exec/")
        }

    def at(self, commit: str, path: str) -> str:
        """Give the content of a file that git tracks."""
        return self.run("git", "show", f"{commit}:{path}")

    def tree(self, name: str) -> str:
        """Give git's hash of everything that an experiment's commit holds."""
        return self.run("git", "rev-parse", f"{self.experiments()[name]}^{{tree}}").strip()

    def results(self, name: str) -> dict:
        """Give the parameters, numbers and output hashes of an experiment."""
        commit = self.experiments()[name]
        yaml = YAML(typ="safe")
        stages = yaml.load(self.at(commit, "dvc.lock"))["stages"]
        return {
            "params": yaml.load(self.at(commit, "params.yaml")),
            "evaluation": json.loads(self.at(commit, "metrics/evaluate.json")),
            "losses": json.loads(self.at(commit, "metrics/train/metrics.json")),
            "outputs": {
                out["path"]: out["md5"]
                for stage in ("split", "train", "evaluate")
                for out in stages[stage]["outs"]
            },
        }


class Clones:
    """Maker of clones for one test session.

    Parameters
    ----------
    repository
        The checkout under test; what is not committed there is committed in the clones.
    session
        pytest's base folder of this test process.
    """

    def __init__(self, repository: Path, session: Path) -> None:
        # The processes of pytest-xdist prepare one clone for all of them.
        among_others = "PYTEST_XDIST_WORKER" in os.environ
        self.repository = repository
        self.shared = session.parent if among_others else session

    def make(self, folder: Path) -> StudyClone:
        """Give a fresh clone in a folder."""
        return tiny_study(self.repository, self.shared, folder)


def tiny_study(repository: Path, shared: Path, folder: Path) -> StudyClone:
    """Give a fresh clone with a tiny phantom whose images are prepared.

    Parameters
    ----------
    repository
        The checkout under test; what is not committed there is committed in the clone.
    shared
        Folder that the test processes share: the clone is prepared there once.
    folder
        Where the fresh clone goes.
    """
    prepared = shared / "tiny_study"
    with FileLock(shared / "tiny_study.lock"):
        if not (prepared / ".ready").is_file():
            shutil.rmtree(prepared, ignore_errors=True)
            _prepare(repository, StudyClone(prepared))
            (prepared / ".ready").touch()
    shutil.copytree(prepared, folder, symlinks=True)
    (folder / ".ready").unlink()
    clone = StudyClone(folder)
    clone.run("git", "update-index", "-q", "--refresh")
    return clone


def _prepare(repository: Path, clone: StudyClone) -> None:
    """Clone, make everything tiny, run the stages that all cells share, commit."""
    folder = clone.folder
    subprocess.run(["git", "clone", "--quiet", str(repository), str(folder)], check=True)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(repository / "src", folder / "src", dirs_exist_ok=True, ignore=ignored)
    for name in ("dvc.yaml", "images.txt"):
        shutil.copy(repository / name, folder)
    write_params(repository, folder, TINY)
    table = annotation_table("default", n_light=30, n_dark=30, n_other=6, seed=3)
    table.to_csv(folder / "src/tonegap/phantom/annotations.csv", index=False)
    clone.write_study("tiny", GRID)
    clone.run("git", "checkout", "--quiet", "-B", "main")
    clone.run("dvc", "repro", "--quiet", "prepare")
    clone.run("git", "add", "--all")
    clone.run("git", "commit", "--quiet", "--message", "tiny")
