"""Run a study: run the missing cells, and none twice, even after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol, runtime_checkable

import psutil
from filelock import Timeout

from tonegap.errors import StudyError
from tonegap.files.checkout import remove_copy
from tonegap.files.repository import experiments, git, head
from tonegap.study.outcome import Outcome
from tonegap.study.plan import Cell, Study
from tonegap.study.records import (
    copies_folder,
    experiment_ref,
    require_committed,
    study_lock,
    study_state,
)
from tonegap.study.state import CellState

_LOOK_S = 2.0
"""`study status` holds the study's lock for a moment to see whether it is free."""


@runtime_checkable
class Engine(Protocol):
    """An engine runs cells and reports how each ended."""

    def run(self, cells: Sequence[Cell]) -> Generator[Outcome, None, None]:
        """Run cells, in any order and number at once; when closed, stop the running ones."""
        ...


def run_study(
    root: Path, study: Study, engine: Engine, ended: Callable[[Outcome], None]
) -> list[CellState]:
    """Run every cell that is not done.

    Parameters
    ----------
    root, study, engine
        The repository, the study, and the engine that runs it.
    ended
        Called with the outcome of each cell.

    Returns
    -------
    list of CellState
        The study's state afterwards, read again from git, not from the engine.

    Raises
    ------
    StudyError
        If the study is already running, or code or data are not committed.
    """
    require_committed(root)
    baseline = head(root)
    try:
        with study_lock(root, study.name).acquire(timeout=_LOOK_S), _interruptible():
            _run_missing(root, study, engine, ended)
            # By the code that ran, whatever was committed or checked out meanwhile.
            return study_state(root, study, commit=baseline)
    except Timeout:
        raise StudyError(
            f"another process runs the study {study.name!r} in this clone; wait for it, "
            f"`tonegap study status {study.name}` shows how far it is"
        ) from None


def _run_missing(
    root: Path, study: Study, engine: Engine, ended: Callable[[Outcome], None]
) -> None:
    # A killed run may have had more copies than this one makes.
    remove_copy(copies_folder(root, study.name).resolve())
    states = study_state(root, study)
    missing = [state.cell for state in states if state.status != "done"]
    for cell in missing:
        _set_aside(root, cell)
    # Without a finished cell the stages that all cells share have yet to run: one cell goes
    # first, and the others take its images from the cache.
    alone = 0 if len(missing) < len(states) else 1
    for batch in filter(None, (missing[:alone], missing[alone:])):
        # Closed at once when `ended` fails, as where nobody reads the output any more: left to
        # the garbage collector the engine would go on.
        with closing(engine.run(batch)) as outcomes:
            for outcome in outcomes:
                ended(outcome)


def _set_aside(root: Path, cell: Cell) -> None:
    """Rename an outdated experiment of this baseline: DVC rejects a second of the same name."""
    baseline = head(root)
    for experiment in experiments(root):
        if experiment.name == cell.name and experiment.baseline == baseline:
            ref = experiment_ref(baseline, cell.name)
            git(root, "update-ref", f"{ref}-replaced-{experiment.commit[:7]}", experiment.commit)
            git(root, "update-ref", "-d", ref, experiment.commit)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Treat a request to terminate like an interrupt, so that engines stop their processes."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def visible_gpus() -> list[str]:
    """Return the available CUDA devices, without loading torch into this process."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name for name in chosen.split(",") if name]
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return []
    return listed.stdout.split() if listed.returncode == 0 else []


def leftovers(root: Path) -> list[Path]:
    """Return temporary copies of killed experiments in which no process works."""
    folder = (root / ".dvc/tmp/exps/standalone").resolve()
    if not folder.is_dir():
        return []
    busy: set[Path] = set()
    for process in psutil.process_iter(["cwd"]):
        cwd = process.info["cwd"]
        if cwd:
            busy.update(p for p in [Path(cwd), *Path(cwd).parents] if p.parent == folder)
    return sorted(path for path in folder.iterdir() if path.is_dir() and path not in busy)
