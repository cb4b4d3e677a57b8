"""Engine ``inprocess``: many models in one process, each saved as a real DVC experiment.

On a fast GPU a model trains in seconds, and starting Python, loading torch, compiling
and moving images would take longer than training. Here that is paid once. The runs work
in one clone inside ``.dvc/tmp``, which shares the workspace's cache and leaves its files
alone; what a run yields is committed there and fetched as an experiment ref.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.utils.hydra import apply_overrides

from tonegap.errors import TonegapError
from tonegap.files import layout
from tonegap.files.parameters import read_yaml
from tonegap.files.repository import git, head, stage_environment
from tonegap.stages import evaluate, train
from tonegap.study.outcome import Outcome
from tonegap.study.overrides import dvc_arguments
from tonegap.study.plan import Cell
from tonegap.study.records import note_attempt
from tonegap.training.precision import choose_arithmetic
from tonegap.training.workbench import Workbench

_CLONE = Path(".dvc/tmp/tonegap/inprocess")
_BY_HAND = ("train", "evaluate")


class InProcessEngine:
    """One process that trains cell after cell.

    Parameters
    ----------
    started
        Called with a cell when its run starts.
    """

    def __init__(self, started: Callable[[Cell], None]) -> None:
        self.started = started
        self._bench: Workbench | None = None

    def run(self, cells: Sequence[Cell]) -> Iterator[Outcome]:
        """Run cells in their order."""
        root, baseline = Path.cwd(), head()
        os.environ.update(stage_environment())
        with _clone(root, baseline) as clone:
            for cell in cells:
                self.started(cell)
                note_attempt(cell.name, alive=True, root=root)
                start = monotonic()
                reason = self._attempt(cell, root, clone, baseline, len(cells))
                note_attempt(cell.name, alive=False, reason=reason, root=root)
                yield Outcome(cell, reason, monotonic() - start)

    def _attempt(self, cell: Cell, root: Path, clone: Path, baseline: str, expected: int) -> str:
        try:
            with contextlib.chdir(clone):
                self._run_cell(cell, baseline, expected)
        except (TonegapError, DvcException) as error:
            return " ".join(str(error).split())
        ref = f"refs/exps/{baseline[:2]}/{baseline[2:]}/{cell.name}"
        git("fetch", "--quiet", str(clone), f"+{ref}:{ref}", root=root)
        return ""

    def _run_cell(self, cell: Cell, baseline: str, expected: int) -> None:
        """Run one cell in the current folder, the clone."""
        git("reset", "--quiet", "--hard", baseline)
        arguments = dvc_arguments(cell.overrides, read_yaml(layout.PARAMS))
        apply_overrides(layout.PARAMS, arguments[1::2])
        with Repo() as repo:
            repo.reproduce(["split"])
        for leftover in (layout.TRAIN_METRICS, layout.EVALUATE_PLOTS):
            shutil.rmtree(leftover, ignore_errors=True)  # DVC clears a stage's outputs, too
        train.from_workspace(self._workbench(cell, expected))
        evaluate.from_workspace()
        with Repo() as repo:
            for stage in _BY_HAND:
                repo.commit(stage, force=True)
            repo.experiments.save(name=cell.name, force=True)

    def _workbench(self, cell: Cell, expected: int) -> Workbench:
        arithmetic = choose_arithmetic(cell.params.train.device, cell.params.train.precision)
        if self._bench is None or self._bench.arithmetic != arithmetic:
            self._bench = Workbench(arithmetic, expected_runs=expected)
        return self._bench


@contextmanager
def _clone(root: Path, baseline: str) -> Iterator[Path]:
    """Clone the repository, with its cache and its local settings; remove it at the end."""
    clone = (root / _CLONE).resolve()
    shutil.rmtree(clone, ignore_errors=True)
    git("clone", "--quiet", "--shared", "--no-checkout", str(root), str(clone))
    git("checkout", "--quiet", "--detach", baseline, root=clone)
    local = root / ".dvc" / "config.local"
    if local.is_file():
        shutil.copy(local, clone / ".dvc" / "config.local")
    with Repo(str(root)) as repo, Repo(str(clone)) as copy, copy.config.edit("local") as config:
        config["cache"]["dir"] = repo.cache.local_cache_dir
    try:
        yield clone
    finally:
        shutil.rmtree(clone, ignore_errors=True)
