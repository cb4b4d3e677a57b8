"""Engine ``local``: cells as concurrent ``dvc exp run --temp`` processes on this machine.

DVC's queue is left to people who use it by hand: its record of what ran is lost or wrong
after a kill. Each process here works in its own temporary copy, four at once are safe,
and what is done is read from git afterwards.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from time import monotonic, sleep
from typing import Any

import psutil

from tonegap.files.repository import dvc_command, stage_environment
from tonegap.study.outcome import Outcome
from tonegap.study.overrides import dvc_arguments
from tonegap.study.plan import Cell
from tonegap.study.records import LAST_STAGE, log_path, note_attempt

_PATIENCE_S = 5.0
# DVC waits three seconds for the repository's lock and then gives up: too short where several
# experiments start or are saved at once on a loaded machine. What was trained is in its run cache.
_LOCKED = "Unable to acquire lock"
_LOCK_ATTEMPTS = 20
_LOCK_PAUSE_S = 1.0


class LocalEngine:
    """A pool of experiment processes.

    Parameters
    ----------
    jobs
        Experiments at once.
    base
        Content of params.yaml.
    devices
        CUDA devices to share out, as CUDA_VISIBLE_DEVICES names them; may be empty.
    started
        Called with a cell when its process starts.
    """

    def __init__(
        self,
        jobs: int,
        base: Mapping[str, Any],
        devices: Sequence[str],
        started: Callable[[Cell], None],
    ) -> None:
        self.jobs = jobs
        self.base = base
        self.started = started
        self._slots: SimpleQueue[str | None] = SimpleQueue()
        for slot in range(jobs):
            self._slots.put(devices[slot % len(devices)] if devices else None)
        self._alive: set[subprocess.Popen[bytes]] = set()
        self._stopped = False
        self._starting = Lock()

    def run(self, cells: Sequence[Cell]) -> Iterator[Outcome]:
        """Run cells; yield outcomes as they come. Leaving the iterator stops what runs."""
        self._stopped = False
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
        device = self._slots.get()
        start = monotonic()
        try:
            if self._stopped:
                return Outcome(cell, "it was interrupted", 0.0)
            self.started(cell)
            note_attempt(cell.name, alive=True)
            reason = self._persist(cell, device)
            note_attempt(cell.name, alive=False, reason=reason)
            return Outcome(cell, reason, monotonic() - start)
        finally:
            self._slots.put(device)

    def _persist(self, cell: Cell, device: str | None) -> str:
        """Run one experiment, again where another one held DVC's lock for too long."""
        for _ in range(_LOCK_ATTEMPTS):
            reason = self._execute(cell, device)
            if _LOCKED not in reason or self._stopped:
                break
            sleep(_LOCK_PAUSE_S)
        return reason

    def _execute(self, cell: Cell, device: str | None) -> str:
        """Run one experiment; return why it failed, empty where it did not."""
        log = log_path(cell.name)
        arguments = ["exp", "run", "--temp", "-n", cell.name, LAST_STAGE]
        command = dvc_command(*arguments, *dvc_arguments(cell.overrides, self.base))
        with log.open("wb") as stream:
            with self._starting:
                if self._stopped:
                    return "it was interrupted"
                process = subprocess.Popen(  # noqa: S603  our own interpreter and DVC
                    command,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    env=_environment(device, self.jobs),
                )
                self._alive.add(process)
            try:
                code = process.wait()
            finally:
                self._alive.discard(process)
        return "" if code == 0 else _reason(log, code)

    def _stop_processes(self) -> None:
        """End every experiment with all that it started: DVC alone would orphan its stage."""
        with self._starting:
            self._stopped = True
            running = list(self._alive)
        family: list[psutil.Process] = []
        for process in running:
            with suppress(psutil.NoSuchProcess):
                parent = psutil.Process(process.pid)
                parent.suspend()  # or it might start a stage that this list lacks
                family += [*parent.children(recursive=True), parent]
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.terminate()
                member.resume()
        for member in psutil.wait_procs(family, timeout=_PATIENCE_S)[1]:
            with suppress(psutil.NoSuchProcess):
                member.kill()


def _environment(device: str | None, jobs: int) -> dict[str, str]:
    environment = stage_environment()
    if device is not None:
        environment["CUDA_VISIBLE_DEVICES"] = device
    threads = max(1, (os.cpu_count() or 1) // jobs)
    # More threads than cores would make concurrent experiments wait for each other.
    environment.setdefault("OMP_NUM_THREADS", str(threads))
    return environment


def _reason(log: Path, code: int) -> str:
    """Pick the line of the log that says most: ours, else the last one."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    ours = [line for line in lines if line.startswith("tonegap: error:")]
    last = (ours or lines or ["no output"])[-1].removeprefix("tonegap: error:").strip()
    killed = f"killed by signal {-code}: " if code < 0 else ""
    return f"{killed}{last} (log: {log})"
