"""Stage ``hash``: fingerprints of every image, one decode each, on all cores."""

from __future__ import annotations

import multiprocessing
import os
import re
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain
from pathlib import Path

from threadpoolctl import threadpool_limits

from tonegap.errors import DataError, MachineError
from tonegap.files.archive import ImageArchive, open_archive
from tonegap.files.tables import write_csv
from tonegap.fingerprint.decoding import MAX_PIXELS
from tonegap.fingerprint.measures import Fingerprint, ImageFile, fingerprint_all
from tonegap.fingerprint.table import fingerprint_table

_NAME = re.compile(r"[0-9a-f]{32}\.jpg")
_TASK_IMAGES = 16
_TASK_BYTES = 4_000_000
_WORTH_A_POOL = 600  # starting workers takes as long as this many small images


def run(
    *, raw: Path, index: Path, max_pixels: int = MAX_PIXELS, processes: int | None = None
) -> None:
    """Measure every image of the archive.

    Parameters
    ----------
    raw
        The image archive.
    index
        Written: one row per image, in the archive's order; docs/design.md has the columns.
    max_pixels
        Larger pictures are recorded as unreadable, not decoded.
    processes
        Processes at work, this one included; None chooses by cores and by number of
        images. The table does not depend on it.

    Raises
    ------
    DataError
        If the archive cannot be read, or holds anything but ``<md5hash>.jpg``. A single
        damaged entry is recorded as unreadable instead.
    MachineError
        If a worker dies, for instance for lack of memory.
    """
    with open_archive(raw) as archive:
        names = archive.names()
        _require_own_names(names, raw)
        wanted = processes or _default_processes(len(names))
        # Matrices of an image are small: shared out among threads they take five times as long.
        with threadpool_limits(1):  # type: ignore[no-untyped-call]
            rows = _measured(_tasks(archive, names), max_pixels, wanted)
            table = fingerprint_table(chain.from_iterable(rows))
    write_csv(table, index)


def _require_own_names(names: Sequence[str], raw: Path) -> None:
    foreign = [name for name in names if not _NAME.fullmatch(name)]
    if foreign or len(set(names)) < len(names):
        wrong = ascii(foreign[0])[:80] if foreign else "an entry twice"
        raise DataError(
            f"{raw} holds {wrong}, but the fetch stage writes each image once, as <md5hash>.jpg; "
            "run the fetch stage again"
        )


def _default_processes(images: int) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (cores or 1) if images >= _WORTH_A_POOL else 1


def _tasks(archive: ImageArchive, names: Sequence[str]) -> Iterator[list[ImageFile]]:
    """Read images, a few at a time: a task is bounded in images and, but for one, in bytes."""
    task: list[ImageFile] = []
    for name in names:
        task.append(_read(archive, name))
        if len(task) == _TASK_IMAGES or sum(len(file.content) for file in task) > _TASK_BYTES:
            yield task
            task = []
    yield task


def _read(archive: ImageArchive, name: str) -> ImageFile:
    md5hash = Path(name).stem
    try:
        return ImageFile(md5hash, archive.read(name))
    except DataError as problem:
        return ImageFile(md5hash, b"", f"its entry in the archive is damaged: {problem}")


def _measured(
    tasks: Iterator[list[ImageFile]], max_pixels: int, processes: int
) -> Iterator[list[Fingerprint]]:
    """Yield in order. This process is one of ``processes``: it works while others start."""
    if processes == 1:
        yield from (fingerprint_all(task, max_pixels) for task in tasks)
        return
    context = multiprocessing.get_context("spawn")  # fork would copy threads' locks
    waiting: deque[Future[list[Fingerprint]]] = deque()
    with ProcessPoolExecutor(processes - 1, context, _take_one_thread) as pool:
        try:
            for task in tasks:
                if sum(not future.done() for future in waiting) < 2 * (processes - 1):
                    waiting.append(pool.submit(fingerprint_all, task, max_pixels))
                else:
                    waiting.append(_done(fingerprint_all(task, max_pixels)))
                while waiting and waiting[0].done():
                    yield waiting.popleft().result()
            yield from (future.result() for future in waiting)
        except BrokenProcessPool:
            raise MachineError(
                "a worker of the hash stage was killed, most likely for lack of memory; "
                "lower fetch.max_pixels or close other programs, then run it again"
            ) from None


def _take_one_thread() -> None:
    """Set up a worker: this module's import has loaded numpy, whose threads are limited."""
    threadpool_limits(1)  # type: ignore[no-untyped-call]


def _done(rows: list[Fingerprint]) -> Future[list[Fingerprint]]:
    future: Future[list[Fingerprint]] = Future()
    future.set_result(rows)
    return future
