"""Jobs of a Slurm cluster, through submitit: submitted, found again after a kill, watched.

A job is known by the file that its submission leaves, which holds its cell, and its end by
the file that it writes. Slurm is asked only which jobs it still has (``squeue``), so that
clusters without accounting will do.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tonegap.errors import MachineError, StudyError, first_line
from tonegap.study.cluster import ClusterCell, run_cluster_cell

DEFAULT_MINUTES = 24 * 60
"""Time limit of a job unless ``time`` is given; submitit's own would be five minutes."""

_GRACE_S = 20.0
"""How long the file of a job that has left the queue may take to appear on this machine."""

_SILENCE_S = 600.0
"""How long Slurm may fail to answer before waiting for it ends."""


class SubmititQueue:
    """The part of Slurm's queue that belongs to one study.

    Parameters
    ----------
    folder
        Where jobs keep their logs and results; every node must see it.
    cluster
        ``slurm``, or ``local`` for processes on this machine.
    at_once
        Jobs at once.
    options
        Options by submitit's names without the prefix.

    Raises
    ------
    MachineError
        If submitit is not installed or Slurm is not on this machine.
    StudyError
        If an option is unknown.
    """

    def __init__(
        self, folder: Path, cluster: str, at_once: int, options: Mapping[str, Any]
    ) -> None:
        self.folder = folder.resolve()
        self.cluster = cluster
        self.at_once = at_once
        self._executor = self._make_executor(options)
        self._missing_since: dict[str, float] = {}
        self._answered = time.monotonic()

    def start(self, cells: Sequence[ClusterCell]) -> list[Any]:
        """Submit cells, one job each in their order; a cell whose job is alive keeps it."""
        jobs: dict[str, Any] = self._found_again(cells)
        new = [cell for cell in cells if cell.name not in jobs]
        if new:
            jobs.update(zip([cell.name for cell in new], self._submit(new), strict=True))
        return [jobs[cell.name] for cell in cells]

    def room(self, running: int) -> int:
        """How many more cells to submit now: Slurm itself keeps to the number at once."""
        return self.at_once - running if self.cluster == "local" else sys.maxsize

    def ended(self, jobs: Sequence[Any]) -> list[Any]:
        """Jobs that have written their result, or have left the queue without."""
        if self.cluster == "local":
            return [job for job in jobs if job.done()]
        finished = [job for job in jobs if job.paths.result_pickle.exists()]
        return finished + self._lost([job for job in jobs if job not in finished])

    def reason(self, job: Any) -> str:
        """Give what an ended job returned, or why it could not: empty where it succeeded."""
        if self.cluster == "slurm" and not job.paths.result_pickle.exists():
            return (
                f"job {job.job_id} ended without a result: it was cancelled or killed, or its "
                f"node failed (log: {job.paths.stderr})"
            )
        failure = job.exception()
        if failure is None:
            return str(job.result())
        lines = [line.strip() for line in str(failure).splitlines()]
        telling = [line for line in lines if "Error" in line][-1:] or lines[:1]
        return f"job {job.job_id}: {' '.join(telling)} (log: {job.paths.stderr})"

    def cancel(self, jobs: Sequence[Any]) -> None:
        """Cancel jobs that have not ended."""
        for job in jobs:
            job.cancel(check=False)

    def _make_executor(self, options: Mapping[str, Any]) -> Any:
        try:
            import submitit  # noqa: PLC0415  an extra of its own
        except ImportError:
            raise MachineError(
                "the slurm engine needs submitit: pip install 'tonegap[slurm]'"
            ) from None
        try:
            executor = submitit.AutoExecutor(folder=self.folder, cluster=self.cluster)
        except RuntimeError as error:
            raise MachineError(
                f"Slurm cannot be reached: {error} Run this where sbatch and srun are on PATH"
            ) from None
        try:
            executor.update_parameters(**self._parameters(options))
        except (NameError, AssertionError, ValueError) as error:
            raise StudyError(f"--slurm: {first_line(error)}") from None
        return executor

    def _parameters(self, options: Mapping[str, Any]) -> dict[str, Any]:
        chosen = dict(options)
        minutes = chosen.pop("time", DEFAULT_MINUTES)
        if not isinstance(minutes, int):
            raise StudyError(f"--slurm time={minutes}: expected minutes, a whole number")
        if self.cluster == "slurm":
            chosen.setdefault("array_parallelism", self.at_once)
        prefixed = {f"{self.cluster}_{key}": value for key, value in chosen.items()}
        return {"name": "tonegap", "timeout_min": minutes, **prefixed}

    def _submit(self, cells: Sequence[ClusterCell]) -> list[Any]:
        from submitit.core.utils import FailedJobError  # noqa: PLC0415

        try:
            jobs: list[Any] = self._executor.map_array(run_cluster_cell, cells)
        except FailedJobError as error:
            last = [line.strip() for line in str(error).splitlines() if line.strip()][-1]
            raise MachineError(f"Slurm refused the jobs: {last}") from None
        return jobs

    def _found_again(self, cells: Sequence[ClusterCell]) -> dict[str, Any]:
        """Give the live jobs that an earlier, killed process submitted for these very cells.

        Live jobs of this folder that do something else are cancelled: they have the name of
        one of these cells but other parameters, or code that is not there any more.
        """
        wanted = {cell.name: cell for cell in cells}
        found: dict[str, Any] = {}
        for job in self._live_jobs():
            cell = _cell_of(job)
            if cell is None or (cell.name in wanted and wanted[cell.name] != cell):
                job.cancel(check=False)
            elif cell.name in wanted:
                found[cell.name] = job
        return found

    def _live_jobs(self) -> list[Any]:
        """Jobs in the queue that were submitted from this folder."""
        import submitit  # noqa: PLC0415

        alive = sorted(self._alive() or ())
        live: list[Any] = [submitit.SlurmJob(self.folder, job_id) for job_id in alive]
        return [job for job in live if job.paths.submitted_pickle.is_file()]

    def _lost(self, jobs: Sequence[Any]) -> list[Any]:
        alive = self._alive()
        if alive is None:
            return []
        now = time.monotonic()
        gone = [job for job in jobs if job.job_id not in alive]
        self._missing_since = {job.job_id: self._missing_since.get(job.job_id, now) for job in gone}
        return [job for job in gone if now - self._missing_since[job.job_id] > _GRACE_S]

    def _alive(self) -> set[str] | None:
        """Jobs of this user that Slurm has; None while it does not answer.

        Raises
        ------
        MachineError
            If it has not answered for long.
        """
        if self.cluster == "local":
            return set()
        done = subprocess.run(
            ["squeue", "--me", "--noheader", "--array", "--format=%i"],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            self._answered = time.monotonic()
            return set(done.stdout.split())
        if time.monotonic() - self._answered > _SILENCE_S:
            raise MachineError(
                f"squeue has failed for {_SILENCE_S / 60:.0f} minutes: {done.stderr.strip()}; jobs "
                "that run go on, and the study finds them again when it is run again"
            )
        return None


def _cell_of(job: Any) -> ClusterCell | None:
    """Read which cell a job runs; None where its submission cannot be read any more."""
    try:
        (cell,) = job.submission().args
    except (AssertionError, AttributeError, ImportError, EOFError, ValueError, OSError):
        return None
    except pickle.UnpicklingError:
        return None
    return cell if isinstance(cell, ClusterCell) else None
