"""Phantoms drawn in order, on all cores where there are enough of them."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Final

from tonegap.errors import DataError, MachineError
from tonegap.phantom.render import jpeg_from_url

_CHUNK: Final = 16  # phantoms per task: a third of a second
_WORTH_A_POOL: Final = 200  # starting workers takes as long as drawing this many

Drawn = bytes | DataError


def draw(urls: Sequence[str], processes: int | None = None) -> Iterator[Drawn]:
    """Draw phantoms, in the order of their urls and in bounded memory.

    Parameters
    ----------
    urls
        ``phantom:`` urls.
    processes
        Workers; None chooses by cores and by number of urls. What is drawn does not
        depend on it.

    Yields
    ------
    bytes or DataError
        The JPEG file, or what is wrong with the url.

    Raises
    ------
    MachineError
        If a worker dies, for instance for lack of memory.
    """
    wanted = processes or _default_processes(len(urls))
    return _in_processes(urls, wanted) if wanted > 1 else map(_draw, urls)


def _default_processes(count: int) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (cores or 1) if count >= _WORTH_A_POOL else 1


def _in_processes(urls: Sequence[str], processes: int) -> Iterator[Drawn]:
    chunks = iter([urls[start : start + _CHUNK] for start in range(0, len(urls), _CHUNK)])
    context = multiprocessing.get_context("spawn")  # fork would copy threads' locks
    waiting: deque[Future[list[Drawn]]] = deque()
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        try:
            while True:
                ahead = islice(chunks, 2 * processes - len(waiting))
                waiting.extend(pool.submit(_draw_all, chunk) for chunk in ahead)
                if not waiting:
                    return
                yield from waiting.popleft().result()
        except BrokenProcessPool:
            raise MachineError(
                "a worker that draws phantoms was killed, most likely for lack of memory; close "
                "other programs, then run it again"
            ) from None


def _draw_all(urls: Sequence[str]) -> list[Drawn]:
    return [_draw(url) for url in urls]


def _draw(url: str) -> Drawn:
    try:
        return jpeg_from_url(url)
    except DataError as problem:
        return problem
