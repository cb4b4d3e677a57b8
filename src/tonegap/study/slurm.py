"""Engine ``slurm``: cells as jobs of a Slurm cluster, through submitit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tonegap.errors import MachineError, StudyError
from tonegap.files.repository import git, head
from tonegap.study.cluster import ClusterCell, experiment_ref, run_cluster_cell
from tonegap.study.outcome import Outcome
from tonegap.study.overrides import dvc_arguments
from tonegap.study.plan import Cell
from tonegap.study.records import note_attempt

_LOGS = Path(".dvc/tmp/tonegap/slurm")
_POLL_S = 2.0


class SlurmEngine:
    """Jobs of one array per batch of cells.

    Parameters
    ----------
    jobs
        Jobs at once.
    base
        Content of params.yaml.
    started
        Called with a cell when its job is submitted.
    hub
        Git repository that the jobs clone and push to, with a DVC remote in its
        configuration; None: this clone and its cache, which the nodes must see under the
        same paths, as on clusters with one file system.
    options
        Slurm's own options by submitit's names without the prefix, such as
        ``partition``, ``gpus_per_node``, ``cpus_per_task``, ``time`` (minutes).
    scratch
        Folder on the nodes for the jobs' clones.
    cluster
        ``slurm``, or ``local`` for submitit's own processes on this machine.
    """

    def __init__(
        self,
        jobs: int,
        base: Mapping[str, Any],
        started: Callable[[Cell], None],
        *,
        hub: str | None = None,
        options: Mapping[str, Any] | None = None,
        scratch: str | None = None,
        cluster: str = "slurm",
    ) -> None:
        self.jobs = jobs
        self.base = base
        self.started = started
        self.hub = hub
        self.options = dict(options or {})
        self.scratch = scratch
        self.cluster = cluster

    def run(self, cells: Sequence[Cell]) -> Iterator[Outcome]:
        """Submit cells and yield outcomes as jobs end. Leaving the iterator cancels jobs."""
        executor = self._executor()
        start = time.monotonic()
        submitted = [self._cluster_cell(cell) for cell in cells]
        jobs = list(zip(cells, executor.map_array(run_cluster_cell, submitted), strict=True))
        for cell in cells:
            self.started(cell)
            note_attempt(cell.name, alive=True)
        try:
            while jobs:
                ended = [pair for pair in jobs if pair[1].done()]
                jobs = [pair for pair in jobs if pair not in ended]
                for cell, job in ended:
                    reason = _reason(job) or self._bring_home(cell)
                    note_attempt(cell.name, alive=False, reason=reason)
                    yield Outcome(cell, reason, time.monotonic() - start)
                if not ended:
                    time.sleep(_POLL_S)
        finally:
            for _, job in jobs:
                job.cancel()

    def _executor(self) -> Any:
        try:
            import submitit  # noqa: PLC0415  an extra of its own
        except ImportError:
            raise MachineError(
                "the slurm engine needs submitit: pip install 'tonegap[slurm]'"
            ) from None
        try:
            executor = submitit.AutoExecutor(folder=_LOGS, cluster=self.cluster)
        except RuntimeError as error:
            raise MachineError(f"Slurm cannot be reached ({error}); is sbatch on PATH?") from None
        prefix = "slurm_" if self.cluster == "slurm" else "local_"
        limits = {"slurm_array_parallelism": self.jobs} if self.cluster == "slurm" else {}
        executor.update_parameters(
            name="tonegap", **limits, **{f"{prefix}{key}": v for key, v in self.options.items()}
        )
        return executor

    def _cluster_cell(self, cell: Cell) -> ClusterCell:
        return ClusterCell(
            name=cell.name,
            arguments=tuple(dvc_arguments(cell.overrides, self.base)),
            hub=self.hub or str(Path.cwd()),
            baseline=head(),
            cache=None if self.hub else str(_cache_folder()),
            scratch=self.scratch,
        )

    def _bring_home(self, cell: Cell) -> str:
        """Fetch the experiment from another hub into this clone; say why it failed."""
        if self.hub is None:
            return ""
        ref = experiment_ref(head(), cell.name)
        try:
            git("fetch", "--quiet", self.hub, f"+{ref}:{ref}")
        except MachineError as error:
            return str(error)
        return ""


def _reason(job: Any) -> str:
    """Give what the job returned, or why it could not."""
    failure = job.exception()
    if failure is None:
        return str(job.result())
    last = [line.strip() for line in str(failure).splitlines() if line.strip()][-1:]
    return f"job {job.job_id} {job.state}: {' '.join(last)} (log: {job.paths.stderr})"


def _cache_folder() -> Path:
    from dvc.repo import Repo  # noqa: PLC0415  loads slowly

    with Repo() as repo:
        if repo.cache.local_cache_dir is None:
            raise StudyError("this repository has no local DVC cache; the slurm engine needs one")
        return Path(repo.cache.local_cache_dir)
