"""Three pull requests, each as the workflow runs it, and what the gate decides.

    python benchmarks/three_pull_requests.py --threads 1 2

A clone of the committed state, whose training mix is `mixed`, is the base. Its noise is measured
first, because metrics/noise.json is of the mix in params.yaml: ten models, which takes most of the
time. The pull requests change a sentence, train twice as long, and leave the dark images out of
training. The gate should pass the first two and fail the third, naming `mse.gap`, whatever the
number of threads. The command prints every limit that was judged and ends with code 1 if a decision
is another.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
GAP, DARK = "mse.gap", "mse.dark"
BASE_MIX, WITHOUT_DARK = "mixed", "light"
_CELLS = ("metric", "base", "head", "change", "noise", "budget", "used", "verdict")


@dataclass(frozen=True)
class Change:
    """A pull request: its name, what it does, and how the gate should decide."""

    name: str
    params: Mapping[str, Any]
    passes: bool


@dataclass(frozen=True)
class Decision:
    """What the gate said of a pull request.

    Attributes
    ----------
    change : Change
        The pull request.
    threads : int
        Number of threads of both sides.
    code : int
        How the command ended: 0, or 1 if the gate says no.
    report : str
        The whole report.
    """

    change: Change
    threads: int
    code: int
    report: str

    @property
    def limits(self) -> list[dict[str, str]]:
        """The rows of the gate's table."""
        gate = self.report.partition("### Gate")[2].partition("###")[0]
        rows = [line for line in gate.splitlines() if line.startswith("| `")]
        cells = ([cell.strip(" *`") for cell in row.strip("|").split("|")] for row in rows)
        return [dict(zip(_CELLS, row, strict=True)) for row in cells]

    @property
    def failing(self) -> list[str]:
        """The metrics that fail."""
        return [row["metric"] for row in self.limits if row["verdict"] == "fails"]

    @property
    def change_of(self) -> dict[str, float]:
        """How much each metric of the gate changed."""
        return {row["metric"]: float(row["change"]) for row in self.limits}

    def problem(self) -> str:
        """Return what is not as it should be; empty if all is."""
        if self.change.passes and self.code != 0:
            return f"failed: {', '.join(self.failing)}"
        if not self.change.passes and (self.code != 1 or GAP not in self.failing):
            return f"ended with code {self.code}, failing: {self.failing}"
        if not self.change.params and (any(self.change_of.values()) or "%" in self.metrics):
            return "numbers changed"
        if self.change.name == "longer" and self.change_of[DARK] >= 0:
            return "the error of the dark group did not fall"
        return ""

    @property
    def metrics(self) -> str:
        """The section on metrics."""
        return self.report.partition("### Metrics")[2].partition("###")[0].strip()


def three_changes(params: Mapping[str, Any]) -> tuple[Change, ...]:
    """Give the pull requests to a base with these parameters."""
    return (
        Change("harmless", {}, passes=True),
        Change("longer", {"train.epochs": 2 * params["train"]["epochs"]}, passes=True),
        Change("without_dark", {"data.mix": WITHOUT_DARK}, passes=False),
    )


def decide(clone: Path, changes: tuple[Change, ...], threads: int) -> Iterator[Decision]:
    """Make each pull request to the clone's branch `main` and run what its workflow runs."""
    for change in changes:
        git(clone, "checkout", "--quiet", "--force", "-B", change.name, "main")
        set_params(clone, change.params)
        with (clone / "README.md").open("a") as stream:
            stream.write(f"\nChanged: {change.name}.\n")
        commit(clone, change.name)
        code, printed = run(clone, threads)
        report = clone / "plots-diff/report.md"
        if code > 1 or not report.is_file():
            raise SystemExit(f"{change.name}: no report:\n{printed}")
        yield Decision(change, threads, code, report.read_text())


def run(clone: Path, threads: int) -> tuple[int, str]:
    """Run the workflow's command; its environment is this one. Return how it ended."""
    command = (
        "make",
        "--silent",
        "--old-file=env",
        "pr-report",
        f"BASE={git(clone, 'rev-parse', 'main')}",
    )
    done = subprocess.run(
        command,
        cwd=clone,
        env=_environment(clone, threads),
        capture_output=True,
        text=True,
        check=False,
    )
    failed = re.search(r"\[Makefile:\d+: pr-report\] Error (\d+)", done.stderr)
    return int(failed[1]) if failed else done.returncode, done.stdout + done.stderr


def _environment(clone: Path, threads: int) -> dict[str, str]:
    """Give an environment with the clone's code, a cache of its own and a number of threads."""
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(clone / "src"),
        "TONEGAP_CACHE": str(clone.with_name(clone.name + "-cache")),
        "OMP_NUM_THREADS": str(threads),
    }


def git(folder: Path, *arguments: str) -> str:
    """Run git and return what it printed."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(clone: Path, message: str) -> None:
    """Commit every change of a clone."""
    author = ("-c", "user.name=tester", "-c", "user.email=tester@example.org")
    git(clone, "add", "--all")
    git(clone, *author, "commit", "--quiet", "--no-verify", "--message", message)


def set_params(clone: Path, values: Mapping[str, Any]) -> None:
    """Set dotted parameters; comments stay."""
    yaml, path = YAML(), clone / "params.yaml"
    yaml.preserve_quotes, yaml.width = True, 1_000
    params = yaml.load(path.read_text())
    for dotted, value in values.items():
        section, key = dotted.split(".")
        params[section][key] = value
    with path.open("w") as stream:
        yaml.dump(params, stream)


def main() -> None:
    """Decide on the defaults, once per number of threads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--jobs", type=int, default=2, help="models at once, for the noise")
    options, problems = parser.parse_args(), []
    with tempfile.TemporaryDirectory(prefix="tonegap-pull-requests-") as folder:
        base = _base(Path(folder) / "base", options.jobs)
        params = YAML(typ="safe").load((base / "params.yaml").read_text())
        for threads in options.threads:
            clone = Path(folder) / f"threads-{threads}"  # with a cache of its own
            git(ROOT, "clone", "--quiet", "--branch", "main", str(base), str(clone))
            for decision in decide(clone, three_changes(params), threads):
                problems += _print(decision)
    sys.exit(1 if problems else 0)


def _base(clone: Path, jobs: int) -> Path:
    """Clone what is committed, choose the mix, measure the noise, commit."""
    git(ROOT, "clone", "--quiet", str(ROOT), str(clone))
    git(clone, "checkout", "--quiet", "-B", "main")
    set_params(clone, {"data.mix": BASE_MIX})
    commit(clone, "base")
    for arguments in (("run", "noise", "-j", str(jobs)), ("noise",)):
        command = [sys.executable, "-m", "tonegap", "study", *arguments]
        subprocess.run(command, cwd=clone, env=_environment(clone, threads=1), check=True)
    commit(clone, "noise")
    print(json.dumps(_bands(clone)))
    return clone


def _bands(clone: Path) -> dict[str, float]:
    """Give the noise bands of the metrics that the gate limits."""
    measured = json.loads((clone / "metrics/noise.json").read_text())["metrics"]
    limited = YAML(typ="safe").load((clone / "gate.yaml").read_text())
    return {name: measured[name]["band"] for name in limited}


def _print(decision: Decision) -> list[str]:
    """Print a decision as Markdown; return what is wrong with it."""
    word = "passes" if decision.code == 0 else "fails"
    print(f"\n{decision.change.name}, {decision.threads} threads: the gate {word}")
    for row in decision.limits:
        print("  " + "  ".join(row[cell] for cell in _CELLS))
    problem = decision.problem()
    if problem:
        print(f"  NOT AS IT SHOULD BE: {problem}")
    return [problem] if problem else []


if __name__ == "__main__":
    main()
