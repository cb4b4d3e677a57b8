"""Stage ``hash``: fingerprints of every image, one decode each, on all cores."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from tonegap.errors import DataError
from tonegap.files.archive import ImageArchive, open_archive
from tonegap.files.tables import write_csv
from tonegap.fingerprint.decoding import MAX_PIXELS
from tonegap.fingerprint.measures import ImageFile, fingerprint_all
from tonegap.fingerprint.table import fingerprint_table
from tonegap.parallel import cores, in_order

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
        Number of processes, including this one; None chooses by cores and by number of
        images. The table does not depend on it.

    Raises
    ------
    DataError
        If the archive cannot be read, or holds anything but ``<md5hash>.jpg``. A single
        damaged entry is recorded as unreadable instead.
    MachineError
        If a worker dies, for example because memory runs out.
    """
    with open_archive(raw) as archive:
        names = archive.names()
        _require_own_names(names, raw)
        rows = in_order(
            partial(fingerprint_all, max_pixels=max_pixels),
            _tasks(archive, names),
            processes or (cores() if len(names) >= _WORTH_A_POOL else 1),
            worker="of the hash stage",
            remedy="lower fetch.max_pixels or close other programs",
        )
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


def _tasks(archive: ImageArchive, names: Sequence[str]) -> Iterator[list[ImageFile]]:
    """Yield batches of images, limited in number and in bytes (one image may exceed the limit)."""
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
