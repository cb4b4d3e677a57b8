"""Stage ``hash``: fingerprints of every image, one decode each, on all cores."""

from __future__ import annotations

import multiprocessing
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path

from tonegap.errors import DataError, MachineError
from tonegap.files import layout
from tonegap.files.archive import ImageArchive, open_archive
from tonegap.files.parameters import read_params
from tonegap.files.tables import write_csv
from tonegap.fingerprint import Fingerprint, fingerprint, fingerprint_table, unreadable
from tonegap.fingerprint.decoding import MAX_PIXELS

_NAME = re.compile(r"[0-9a-f]{32}\.jpg")
# What zipfile raises for an entry whose header was damaged: unknown compression, encryption, ...
_DAMAGE = (DataError, NotImplementedError, RuntimeError, ValueError, zlib.error)
_CHUNK = 32  # images per task: seconds of work are lost at most when a worker dies
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
        Workers; None chooses by cores and by number of images. The table does not
        depend on it.

    Raises
    ------
    DataError
        If the archive cannot be read, or holds anything but ``<md5hash>.jpg``. A single
        damaged entry is recorded as unreadable instead.
    MachineError
        If a worker dies, for instance for lack of memory.
    """
    with _opened(raw) as archive:
        names = archive.names()
    _require_own_names(names, raw)
    wanted = processes or _default_processes(len(names))
    rows = (
        _in_processes(raw, names, max_pixels, wanted)
        if wanted > 1
        else _here(raw, names, max_pixels)
    )
    write_csv(fingerprint_table(rows), index)


def from_workspace() -> None:
    """Run the stage on the repository's own files."""
    run(raw=layout.RAW, index=layout.INDEX, max_pixels=read_params().fetch.max_pixels)


@contextmanager
def _opened(raw: Path) -> Iterator[ImageArchive]:
    """Open the archive; a damaged directory raises more kinds of errors than BadZipFile."""
    with ExitStack() as stack:
        try:
            archive = stack.enter_context(open_archive(raw))
        except _DAMAGE as error:
            if isinstance(error, DataError):
                raise
            raise DataError(
                f"{raw} is not a readable zip ({error}); run the fetch stage again"
            ) from None
        yield archive


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


def _here(raw: Path, names: Sequence[str], max_pixels: int) -> Iterator[Fingerprint]:
    with _opened(raw) as archive:
        for name in names:
            yield _measure(archive, name, max_pixels)


def _in_processes(
    raw: Path, names: Sequence[str], max_pixels: int, processes: int
) -> Iterator[Fingerprint]:
    """Yield in order; workers read the archive themselves, so only names and rows travel."""
    chunks = iter([names[start : start + _CHUNK] for start in range(0, len(names), _CHUNK)])
    context = multiprocessing.get_context("spawn")  # fork would copy threads' locks
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        waiting: list[Future[list[Fingerprint]]] = []
        try:
            while True:
                ahead = islice(chunks, 2 * processes - len(waiting))
                waiting += [pool.submit(_chunk, raw, chunk, max_pixels) for chunk in ahead]
                if not waiting:
                    return
                yield from waiting.pop(0).result()
        except BrokenProcessPool:
            raise MachineError(
                "a worker of the hash stage was killed, most likely for lack of memory; "
                "lower fetch.max_pixels or close other programs, then run it again"
            ) from None


def _chunk(raw: Path, names: Sequence[str], max_pixels: int) -> list[Fingerprint]:
    return list(_here(raw, names, max_pixels))


def _measure(archive: ImageArchive, name: str, max_pixels: int) -> Fingerprint:
    md5hash = Path(name).stem
    try:
        content = archive.read(name)
    except _DAMAGE as problem:
        return unreadable(md5hash, b"", f"its entry in {layout.RAW.name} is damaged: {problem}")
    return fingerprint(md5hash, content, max_pixels)
