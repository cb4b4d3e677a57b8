"""Apply a function to many values in several processes, in order and in bounded memory.

joblib orders results too, but reads all tasks and keeps all results of a slow consumer: images
would fill the memory.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Final, TypeVar

from threadpoolctl import ThreadpoolController, threadpool_limits

from tonegap.errors import MachineError

_QUEUED: Final = 2  # chunks per worker that have not been worked on
_AHEAD: Final = 8  # chunks per process that have been handed out and not been yielded

Value = TypeVar("Value")
Result = TypeVar("Result")


def cores() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_order(
    function: Callable[[Value], Result],
    values: Iterable[Value],
    processes: int,
    *,
    chunk: int = 1,
    worker: str,
    remedy: str = "close other programs",
    setup: Callable[[], object] | None = None,
) -> Iterator[Result]:
    """Yield ``function(value)`` in the order of the values.

    This process is one of ``processes``: it works while others start. Each keeps to one thread;
    matrices of an image are small, and shared out among threads they take five times as long.
    Values are read as results are consumed, so that neither piles up.

    Parameters
    ----------
    function
        A function of a module, with values and results that can be pickled.
    values
        What to apply it to.
    processes
        Processes at work. Results do not depend on it.
    chunk
        Values handed to a process at a time.
    worker, remedy
        What a worker does, and what to do when one is killed; for the message.
    setup
        Called once in each worker before its first value.

    Raises
    ------
    MachineError
        If a worker dies, for instance for lack of memory.
    """
    libraries = ThreadpoolController()  # type: ignore[no-untyped-call]

    def work_here(part: list[Value]) -> list[Result]:
        with libraries.limit(limits=1):
            return _apply(function, part)

    if processes == 1:
        for value in values:
            yield from work_here([value])
        return
    workers = processes - 1
    context = multiprocessing.get_context("spawn")  # fork would copy threads' locks
    waiting: deque[Future[list[Result]]] = deque()
    with ProcessPoolExecutor(workers, context, _prepare, (function, setup)) as pool:
        try:
            for part in _parts(values, chunk):
                if sum(not future.done() for future in waiting) < _QUEUED * workers:
                    waiting.append(pool.submit(_apply, function, part))
                else:
                    waiting.append(_done(work_here(part)))
                while waiting and (waiting[0].done() or len(waiting) >= _AHEAD * processes):
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        except BrokenProcessPool:
            raise MachineError(
                f"a worker {worker} was killed, most likely for lack of memory; {remedy}, then "
                "run it again"
            ) from None
        finally:
            for future in waiting:
                future.cancel()


def _parts(values: Iterable[Value], size: int) -> Iterator[list[Value]]:
    rest = iter(values)
    while part := list(islice(rest, size)):
        yield part


def _prepare(_function: Callable[..., object], setup: Callable[[], object] | None) -> None:
    """Set up a worker: receiving the function has loaded the libraries that are limited here."""
    if setup is not None:
        setup()
    threadpool_limits(1)  # type: ignore[no-untyped-call]


def _apply(function: Callable[[Value], Result], part: list[Value]) -> list[Result]:
    return [function(value) for value in part]


def _done(results: list[Result]) -> Future[list[Result]]:
    future: Future[list[Result]] = Future()
    future.set_result(results)
    return future
