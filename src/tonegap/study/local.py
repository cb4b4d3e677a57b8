"""Engine ``local``: cells as concurrent ``dvc exp run`` processes on this machine.

DVC's queue is not used: its record of what ran is lost or wrong after a kill. Each process
works in its own copy (see :mod:`tonegap.study.working_copy`), and git shows afterwards which cells
are done.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from time import monotonic, sleep
from typing import Any

import psutil

from tonegap.errors import MachineError
from tonegap.files.repository import dvc_command, head, stage_environment, telling_line
from tonegap.study.outcome import INTERRUPTED, Outcome
from tonegap.study.overrides import dvc_arguments
from tonegap.study.plan import Cell
from tonegap.study.records import (
    LAST_STAGE,
    copies_folder,
    experiment_ref,
    log_path,
    note_attempt,
)
from tonegap.study.working_copy import fetch_experiment, reset, working_copy

_PATIENCE_S = 5.0
# DVC waits three seconds for a lock and then gives up: too short on a loaded machine. What was
# trained is in its run cache.
_LOCKED = "Unable to acquire lock"
_LOCK_ATTEMPTS = 20
_LOCK_PAUSE_S = 1.0


@dataclass(frozen=True)
class _Slot:
    """The resources of one experiment: a copy of the repository, and possibly a device."""

    copy: Path
    device: str | None


class LocalEngine:
    """A pool of experiment processes.

    Parameters
    ----------
    root
        The repository.
    study
        Name of the study, which names the copies.
    jobs
        Number of concurrent experiments.
    base
        Content of params.yaml.
    devices
        CUDA devices to share out, as CUDA_VISIBLE_DEVICES names them; may be empty.
    started
        Called with a cell when its process starts.
    """

    def __init__(
        self,
        root: Path,
        study: str,
        jobs: int,
        *,
        base: Mapping[str, Any],
        devices: Sequence[str],
        started: Callable[[Cell], None],
    ) -> None:
        self.study = study
        self.jobs = jobs
        self.base = base
        self.devices = devices
        self.started = started
        # A commit made while the study runs must not change what the remaining cells run.
        self._root = root.resolve()
        self._baseline = head(self._root)
        self._slots: SimpleQueue[_Slot] = SimpleQueue()
        self._alive: set[subprocess.Popen[bytes]] = set()
        self._stopped = False
        self._starting = Lock()

    def run(self, cells: Sequence[Cell]) -> Generator[Outcome, None, None]:
        """Run cells; yield outcomes as they arrive. Closing the iterator stops running cells."""
        self._stopped = False
        with ExitStack() as copies:
            self._slots = self._make_slots(min(self.jobs, len(cells)), copies)
            yield from self._run_in_slots(cells)

    def _make_slots(self, count: int, copies: ExitStack) -> SimpleQueue[_Slot]:
        slots: SimpleQueue[_Slot] = SimpleQueue()
        for number in range(count):
            folder = copies_folder(self._root, self.study) / str(number)
            copy = copies.enter_context(working_copy(self._root, self._baseline, folder))
            device = self.devices[number % len(self.devices)] if self.devices else None
            slots.put(_Slot(copy, device))
        return slots

    def _run_in_slots(self, cells: Sequence[Cell]) -> Generator[Outcome, None, None]:
        with ThreadPoolExecutor(self.jobs) as pool:
            waiting: set[Future[Outcome]] = {pool.submit(self._run_cell, cell) for cell in cells}
            try:
                while waiting:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    for future in done:
                        yield future.result()
            finally:
                for future in waiting:
                    future.cancel()
                self._stop_processes()

    def _run_cell(self, cell: Cell) -> Outcome:
        slot = self._slots.get()
        start = monotonic()
        try:
            if self._stopped:
                return Outcome(cell, INTERRUPTED, 0.0)
            self.started(cell)
            note_attempt(self._root, cell.name, alive=True)
            reason = self._persist(cell, slot)
            note_attempt(self._root, cell.name, alive=False, reason=reason)
            return Outcome(cell, reason, monotonic() - start)
        finally:
            self._slots.put(slot)

    def _persist(self, cell: Cell, slot: _Slot) -> str:
        """Run one experiment; retry if another process held DVC's lock for too long."""
        for _ in range(_LOCK_ATTEMPTS):
            reason = self._attempt(cell, slot)
            if _LOCKED not in reason or self._stopped:
                break
            sleep(_LOCK_PAUSE_S)
        return reason

    def _attempt(self, cell: Cell, slot: _Slot) -> str:
        """Run one experiment and fetch it; return why it failed, or an empty string."""
        try:
            reset(slot.copy, self._baseline)
            reason = self._execute(cell, slot)
            if not reason:
                ref = experiment_ref(self._baseline, cell.name)
                fetch_experiment(slot.copy, ref, self._root)
        except MachineError as error:
            reason = str(error)
        # Experiments that were running when the study stopped failed because of that.
        return INTERRUPTED if reason and self._stopped else reason

    def _execute(self, cell: Cell, slot: _Slot) -> str:
        """Run one experiment; return why it failed, or an empty string."""
        log = log_path(self._root, cell.name)
        arguments = ["exp", "run", "-n", cell.name, LAST_STAGE]
        command = dvc_command(*arguments, *dvc_arguments(cell.overrides, self.base))
        with log.open("wb") as stream:
            with self._starting:
                if self._stopped:
                    return INTERRUPTED
                process = subprocess.Popen(  # noqa: S603  our own interpreter and DVC
                    command,
                    cwd=slot.copy,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    env=_environment(self._root, slot.device, self.jobs),
                )
                self._alive.add(process)
            try:
                code = process.wait()
            finally:
                self._alive.discard(process)
        return "" if code == 0 else _reason(self._root, log, code)

    def _stop_processes(self) -> None:
        """End every experiment with all its child processes: DVC alone would orphan its stage.

        A second interrupt kills without waiting.
        """
        with self._starting:
            self._stopped = True
            running = list(self._alive)
        family: list[psutil.Process] = []
        try:
            for process in running:
                family += _halted_family(process)
            for member in family:
                with suppress(psutil.NoSuchProcess):
                    member.terminate()
                    member.resume()
            psutil.wait_procs(family, timeout=_PATIENCE_S)
        finally:
            for member in family:
                with suppress(psutil.NoSuchProcess):
                    member.kill()
            for process in running:
                process.kill()


def _halted_family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return a process and all its descendants; halt it first, so that it starts no others."""
    try:
        parent = psutil.Process(process.pid)
        parent.suspend()
        return [*parent.children(recursive=True), parent]
    except psutil.NoSuchProcess:
        return []


def _environment(root: Path, device: str | None, jobs: int) -> dict[str, str]:
    environment = stage_environment(root)
    if device is not None:
        environment["CUDA_VISIBLE_DEVICES"] = device
    threads = max(1, (os.cpu_count() or 1) // jobs)
    # More threads than cores would make concurrent experiments wait for each other.
    environment.setdefault("OMP_NUM_THREADS", str(threads))
    return environment


def _reason(root: Path, log: Path, code: int) -> str:
    """Describe the first error, how the process ended, and where its log is."""
    killed = f"killed by signal {-code}: " if code < 0 else ""
    return f"{killed}{telling_line(log.read_text(errors='replace'))} (log: {log.relative_to(root)})"
