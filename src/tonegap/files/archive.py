"""The pipeline's own image archive: one deterministic, uncompressed zip.

One file instead of 16,577 makes DVC's bookkeeping ten times faster, and equal images
give equal bytes: entries are sorted, time stamps fixed, nothing is compressed.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tonegap.errors import DataError
from tonegap.files.atomic import replacing

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
_REGULAR_FILE = 0o100644 << 16
# What Python's zip reader raises on damaged archives.
_DAMAGE = (
    zipfile.BadZipFile,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    zlib.error,
)


class ImageArchive:
    """Read access to an archive written by :func:`write_archive`."""

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self._archive = archive
        self._path = path

    def names(self) -> list[str]:
        """Entry names, in the order of the archive (sorted)."""
        return self._archive.namelist()

    def read(self, name: str) -> bytes:
        """Return the content of one entry.

        Raises
        ------
        DataError
            If the entry is absent or fails its checksum.
        """
        try:
            return self._archive.read(name)
        except KeyError:
            raise DataError(
                f"{self._path} has no entry {name}; run the fetch stage again"
            ) from None
        except _DAMAGE as error:
            raise DataError(
                f"{self._path}: entry {name} is damaged ({error}); run the fetch stage again"
            ) from None


def write_archive(path: Path, entries: Iterable[tuple[str, bytes]]) -> int:
    """Write entries in the order given, which must be sorted by name; return their number.

    Raises
    ------
    ValueError
        If names are not strictly ascending: the archive would not be deterministic.
    """
    count, previous = 0, ""
    with (
        replacing(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive,
    ):
        for name, content in entries:
            if name <= previous:
                raise ValueError(f"entries must ascend by name: {name!r} after {previous!r}")
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.create_system = 3  # Unix, on every system
            entry.external_attr = _REGULAR_FILE
            archive.writestr(entry, content)
            count, previous = count + 1, name
    return count


@contextmanager
def open_archive(path: Path) -> Iterator[ImageArchive]:
    """Open an archive for reading.

    Raises
    ------
    DataError
        If the file is absent or is not a zip.
    """
    if not path.is_file():
        raise DataError(f"the image archive is not at {path}; run `dvc repro`")
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGE as error:
        raise DataError(
            f"{path} is not a readable zip ({error}); run the fetch stage again"
        ) from None
    with archive:
        yield ImageArchive(archive, path)
