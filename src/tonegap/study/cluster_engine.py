"""Cells as jobs of a cluster, whatever its scheduler.

A scheduler is a :class:`Queue`. A run of the study that was killed leaves its jobs alive; the
next run finds them again, with what they have pushed meanwhile, and submits the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from tonegap.errors import MachineError
from tonegap.files.checkout import cache_folder
from tonegap.files.repository import head
from tonegap.study.cluster import ClusterCell
from tonegap.study.hub import bring_home, done_at_hub, hub_address, require_baseline
from tonegap.study.outcome import Outcome
from tonegap.study.overrides import dvc_arguments
from tonegap.study.plan import Cell
from tonegap.study.records import note_attempt

_POLL_S = 1.0


@runtime_checkable
class Queue(Protocol):
    """The part of a scheduler's queue that belongs to one study.

    Jobs are whatever the queue takes them for; the engine only hands them back.
    """

    def start(self, cells: Sequence[ClusterCell]) -> list[Any]:
        """Submit cells; return a job for each. A cell whose job is alive already keeps it."""
        ...

    def room(self, running: int) -> int:
        """Return how many more cells to submit now, when so many run."""
        ...

    def ended(self, jobs: Sequence[Any]) -> list[Any]:
        """Return the jobs that run no more."""
        ...

    def reason(self, job: Any) -> str:
        """Return why an ended job failed, in one line; empty if it succeeded."""
        ...

    def cancel(self, jobs: Sequence[Any]) -> None:
        """Cancel jobs that have not ended."""
        ...


class ClusterEngine:
    """Submits cells to a queue and watches their jobs.

    Parameters
    ----------
    root
        The repository.
    queue
        Where jobs are submitted.
    base
        Content of params.yaml.
    started
        Called with a cell when its job is submitted, or found alive.
    hub
        Git repository that the jobs clone and push to, with a DVC remote in its
        configuration; None: this clone and its cache, which the nodes must see under the
        same paths, as on clusters with one file system.
    scratch
        Folder on the nodes for the jobs' clones.
    """

    def __init__(
        self,
        root: Path,
        queue: Queue,
        base: Mapping[str, Any],
        started: Callable[[Cell], None],
        *,
        hub: str | None = None,
        scratch: str | None = None,
    ) -> None:
        self.root = root.resolve()
        self.queue = queue
        self.base = base
        self.started = started
        self.hub = hub_address(hub) if hub else None
        self.scratch = scratch
        self.baseline = head(self.root)

    def run(self, cells: Sequence[Cell]) -> Generator[Outcome, None, None]:
        """Submit cells and yield outcomes as jobs end. Leaving the iterator cancels jobs."""
        if self.hub:
            require_baseline(self.root, self.hub, self.baseline)
        waiting = []
        for cell in cells:
            if self.hub and done_at_hub(self.root, self.hub, self.baseline, cell):
                yield Outcome(cell, "", 0.0)
            else:
                waiting.append(cell)
        yield from self._watch(waiting)

    def _watch(self, waiting: list[Cell]) -> Iterator[Outcome]:
        running: list[tuple[Cell, Any]] = []
        begin = time.monotonic()
        try:
            while waiting or running:
                room = self.queue.room(len(running))
                batch, waiting = waiting[:room], waiting[room:]
                running += self._start(batch)
                ended = self.queue.ended([job for _, job in running])
                for cell, job in [pair for pair in running if pair[1] in ended]:
                    running.remove((cell, job))
                    yield self._outcome(cell, job, time.monotonic() - begin)
                if not ended:
                    time.sleep(_POLL_S)
        finally:
            self.queue.cancel([job for _, job in running])

    def _start(self, cells: Sequence[Cell]) -> list[tuple[Cell, Any]]:
        jobs = self.queue.start([self._cluster_cell(cell) for cell in cells]) if cells else []
        for cell in cells:
            self.started(cell)
            note_attempt(self.root, cell.name, alive=True)
        return list(zip(cells, jobs, strict=True))

    def _outcome(self, cell: Cell, job: Any, seconds: float) -> Outcome:
        reason = self.queue.reason(job) or self._bring_home(cell)
        note_attempt(self.root, cell.name, alive=False, reason=reason)
        return Outcome(cell, reason, seconds)

    def _cluster_cell(self, cell: Cell) -> ClusterCell:
        return ClusterCell(
            name=cell.name,
            arguments=tuple(dvc_arguments(cell.overrides, self.base)),
            hub=self.hub or str(self.root),
            baseline=self.baseline,
            cache=None if self.hub else str(cache_folder(self.root)),
            scratch=self.scratch,
        )

    def _bring_home(self, cell: Cell) -> str:
        """Fetch the experiment from another hub into this clone; say why it failed."""
        try:
            if self.hub and not bring_home(self.root, self.hub, self.baseline, cell.name):
                return f"the hub {self.hub} has lost the experiment that the job pushed"
        except MachineError as error:
            return str(error)
        return ""
