"""Read zips of unknown origin without trusting what they declare.

An archive whose entries overlap is rejected as a whole. Nothing is ever extracted: entries
are read one by one, in memory, within limits, and their names are only compared. These
entries are rejected:

==============================  ========================================================
entry                           reason
==============================  ========================================================
name leads out of the archive   an archive that tries this is not to be trusted with more
symbolic link, device           its content is a path, not an image
encrypted                       cannot be read without a password
declares too many bytes         ``max_bytes``
shrinks too much                a bomb: photographs hardly shrink when compressed
yields more than declared       the declaration lied
fails its checksum, damaged     not the bytes that were packed
==============================  ========================================================
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from tonegap.errors import DataError, one_line
from tonegap.files.offers import Offer, Skip

MAX_ENTRIES: Final = 1_000_000
_MAX_SHRINKAGE: Final = 100  # declared size over packed size; bitmaps of plain colour stay below
_SMALL: Final = 100_000  # bytes that are harmless at any shrinkage
_ENCRYPTED: Final = 0x1
_CHUNK: Final = 1 << 16


def zip_offers(path: Path, max_bytes: int) -> Iterator[Offer | Skip]:
    """Yield the archive's files in its own order; read each one only when it is needed.

    Parameters
    ----------
    path
        The zip.
    max_bytes
        Larger entries are skipped, whether by their declared or by their real size.

    Raises
    ------
    DataError
        If the file cannot be read as a zip at all.
    """
    with _opened(path) as archive:
        for entry in archive.infolist():
            if not entry.filename.endswith("/"):
                yield _offer(archive, entry, max_bytes)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(
            f"{path} cannot be read as a zip ({one_line(error)}); give a folder or a whole zip "
            "of images"
        ) from None
    with archive:
        if len(archive.infolist()) > MAX_ENTRIES:
            raise DataError(
                f"{path} lists {len(archive.infolist())} files, more than {MAX_ENTRIES}; "
                "unpack what you need and give the folder"
            )
        _require_apart(archive, path)
        yield archive


def _require_apart(archive: zipfile.ZipFile, path: Path) -> None:
    """Reject entries that share their packed bytes: a zip bomb."""
    packed, present = sum(entry.compress_size for entry in archive.infolist()), path.stat().st_size
    if packed > present:
        raise DataError(
            f"{path} lists {packed} packed bytes but has {present}: its files overlap or are cut "
            "off; give a folder or a whole zip of images"
        )


def _offer(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, max_bytes: int) -> Offer | Skip:
    reason = _refusal(entry, max_bytes) if entry.filename else "it has no name"
    if reason:
        return Skip(entry.filename, reason)
    return Offer(entry.filename, lambda: _content(archive, entry, max_bytes))


def _refusal(entry: zipfile.ZipInfo, max_bytes: int) -> str | None:
    """Return why an entry is not even opened, or None."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if _leads_out(entry.filename):
        return "its name leads out of the archive"
    if kind not in {0, stat.S_IFREG}:
        return "it is a symbolic link or a device, not a file"
    if entry.flag_bits & _ENCRYPTED:
        return "it is encrypted"
    if entry.file_size > max_bytes:
        return f"it is too large ({entry.file_size} bytes, {max_bytes} allowed: fetch.max_bytes)"
    if entry.file_size > max(_SMALL, _MAX_SHRINKAGE * entry.compress_size):
        sizes = f"{entry.file_size} bytes in {entry.compress_size}"
        return f"no photograph and no table packs so well ({sizes})"
    return None


def _leads_out(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in name or "\x00" in name


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, max_bytes: int) -> bytes | Skip:
    content = bytearray()
    limit = min(max_bytes, entry.file_size)
    try:
        with archive.open(entry) as stream:
            while chunk := stream.read(_CHUNK):
                content += chunk
                if len(content) > limit:
                    return Skip(entry.filename, "it holds more bytes than it declares")
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        return Skip(entry.filename, f"it is damaged ({error})")
    except (NotImplementedError, RuntimeError) as error:  # zipfile's words for what it cannot do
        return Skip(entry.filename, f"it cannot be unpacked ({error})")
    return bytes(content)
