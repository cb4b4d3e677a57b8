"""Engine ``inprocess``: many models in one process, each saved as a real DVC experiment.

On a fast GPU a model trains in seconds, and starting Python, loading torch, compiling
and moving images would take longer than training. Here this cost is paid once. The runs work
in one clone inside ``.dvc/tmp``, which shares the workspace's cache but not its files. There,
DVC decides as usual what must run, restores what the run cache knows and writes dvc.lock.
The only difference: instead of starting a stage's command, it runs the stage in this process.
The results are committed in the clone and fetched as an experiment ref.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import dvc.stage.run as stage_commands
from dvc.repo import Repo
from dvc.utils.hydra import apply_overrides

import tonegap
from tonegap.errors import StudyError, TonegapError, named_line, one_line
from tonegap.files.atomic import write_text
from tonegap.files.data_pin import PIN
from tonegap.files.parameters import read_yaml
from tonegap.files.repository import git, head, stage_environment
from tonegap.pipeline import run_stage
from tonegap.study.outcome import Outcome
from tonegap.study.overrides import dvc_arguments
from tonegap.study.plan import Cell, Study
from tonegap.study.records import (
    LAST_STAGE,
    copies_folder,
    experiment_ref,
    log_path,
    note_attempt,
)
from tonegap.study.working_copy import fetch_experiment, reset, working_copy
from tonegap.training.precision import choose_arithmetic
from tonegap.training.workbench import Workbench
from tonegap.workspace import Workspace


class InProcessEngine:
    """One process that trains cell after cell.

    Parameters
    ----------
    root
        The repository.
    study
        The study. Its full size decides whether to compile, not the number of runs left, so
        that a run gives the same numbers before and after an interruption.
    started
        Called with a cell when its run starts.
    """

    def __init__(self, root: Path, study: Study, started: Callable[[Cell], None]) -> None:
        self.root = root.resolve()
        self.study = study
        self.started = started
        self._bench: Workbench | None = None
        # A commit made while the study runs must not name code that is not running.
        self._baseline = head(self.root)

    def run(self, cells: Sequence[Cell]) -> Generator[Outcome, None, None]:
        """Run cells in their order."""
        root = self.root
        _require_own_code(root)
        os.environ.update(stage_environment(root))
        folder = copies_folder(root, self.study.name) / "inprocess"
        with working_copy(root, self._baseline, folder) as clone:
            for cell in cells:
                self.started(cell)
                note_attempt(root, cell.name, alive=True)
                start = monotonic()
                reason = self._attempt(cell, root, clone)
                note_attempt(root, cell.name, alive=False, reason=reason)
                yield Outcome(cell, reason, monotonic() - start)

    def _attempt(self, cell: Cell, root: Path, clone: Path) -> str:
        """Run one cell; return why it failed, or an empty string."""
        log = log_path(root, cell.name)
        log.unlink(missing_ok=True)
        try:
            self._run_cell(cell, Workspace(clone))
            ref = experiment_ref(self._baseline, cell.name)
            fetch_experiment(clone, ref, root)
        # In its own process, an error or sys.exit would end only this cell.
        except (Exception, SystemExit) as error:  # noqa: BLE001
            write_text(log, traceback.format_exc())
            return f"{_reason(error)} (log: {log.relative_to(root)})"
        return ""

    def _run_cell(self, cell: Cell, at: Workspace) -> None:
        """Run one cell in a clone."""
        reset(at.root, self._baseline)
        arguments = dvc_arguments(cell.overrides, read_yaml(at.params))
        apply_overrides(at.params, arguments[1::2])
        stages_here = _stages_run_here(lambda name: self._run_stage(name, cell, at))
        # DVC's run cache reads the names in dvc.lock as paths below the current folder.
        with chdir(at.root), Repo() as repo, stages_here:
            # A table of the user's own is in the cache alone; `dvc exp run` checks it out, too.
            repo.checkout([PIN.as_posix()], force=True, allow_missing=True)
            repo.reproduce([LAST_STAGE])
            results = [out.fs_path for out in repo.index.outs if not out.use_cache and out.exists]
        # What `dvc exp run` commits. `dvc exp save` would commit a temporary file of DVC's own,
        # and take stages that did not run for up to date.
        git(at.root, "add", "--update")
        git(at.root, "add", "--", *results)
        message = f"dvc: commit experiment {cell.name}"
        git(
            at.root,
            "-c",
            "commit.gpgSign=false",
            "commit",
            "--no-verify",
            "--allow-empty",
            "-m",
            message,
        )
        git(at.root, "update-ref", experiment_ref(self._baseline, cell.name), "HEAD")

    def _run_stage(self, name: str, cell: Cell, at: Workspace) -> None:
        reused = {"workbench": self._workbench(cell)} if name == "train" else {}
        run_stage(name, at, **reused)

    def _workbench(self, cell: Cell) -> Workbench:
        arithmetic = choose_arithmetic(cell.params.train.device, cell.params.train.precision)
        if self._bench is None or self._bench.arithmetic != arithmetic:
            self._bench = Workbench(arithmetic, expected_runs=len(self.study.cells))
        return self._bench


@contextmanager
def _stages_run_here(run: Callable[[str], None]) -> Iterator[None]:
    """Have DVC call ``run`` with a stage's name where it would start ``tonegap stage NAME``."""
    start_command = stage_commands.cmd_run

    def run_here(stage: Any, *arguments: Any, **options: Any) -> None:
        if stage.cmd == f"tonegap stage {stage.name}":
            run(stage.name)
        else:
            start_command(stage, *arguments, **options)  # type: ignore[no-untyped-call]

    stage_commands.cmd_run = run_here
    try:
        yield
    finally:
        stage_commands.cmd_run = start_command


def _require_own_code(root: Path) -> None:
    """Reject code of another copy: dvc.lock would name code that did not run."""
    mine, named = Path(tonegap.__file__).resolve().parent, (root / "src" / "tonegap").resolve()
    if mine != named:
        raise StudyError(
            f"this process runs the code in {mine}, but the study's experiments would name that in "
            f"{named}; run `PYTHONPATH=src python -m tonegap study run ...` or use --engine local"
        )


def _reason(error: BaseException) -> str:
    """Describe the first error in one line: DVC wraps the errors of a stage."""
    while error.__cause__ is not None and not isinstance(error, TonegapError):
        error = error.__cause__
    if isinstance(error, SystemExit):
        return f"the model's code called sys.exit({error.code!r})"
    return one_line(error) if isinstance(error, TonegapError) else named_line(error)
