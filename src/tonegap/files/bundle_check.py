"""Read a bundle of unknown origin, and check it. Nothing is unpacked onto the disk."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

import tonegap
from tonegap.errors import DataError
from tonegap.files.bundle import EXPECTED
from tonegap.files.foreign_zip import zip_offers
from tonegap.files.locked import parse_document
from tonegap.files.offers import Skip
from tonegap.interchange.checks import Check, check_members

MAX_BYTES: Final = 256_000_000
"""Of one file."""

MAX_TOTAL: Final = 1_000_000_000
MAX_FILES: Final = 10_000


def check_bundle(path: Path) -> Iterator[Check]:
    """Check a bundle; a zip that is not to be trusted is not looked into any further.

    Parameters
    ----------
    path
        The bundle.
    """
    members: dict[str, bytes] = {}
    problems = tuple(_read(path, members))
    yield Check("archive", f"{path}: {len(members)} files, all names and sizes harmless", problems)
    if not problems:
        yield from check_members(members, EXPECTED, parse_document, tonegap.__version__)


def _read(path: Path, members: dict[str, bytes]) -> Iterator[str]:
    """Read every file into ``members``; yield what is wrong with the zip."""
    if not path.is_file():
        yield f"{path} is not there"
        return
    try:
        hostile = list(_hostile_entries(path))
        yield from hostile or _read_files(path, members)
    except DataError as error:
        yield str(error).partition(";")[0]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        yield f"{path} cannot be read as a zip ({error}); a bundle is a zip"


def _hostile_entries(path: Path) -> Iterator[str]:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    if len(entries) > MAX_FILES:
        yield f"{path} lists {len(entries)} files, more than {MAX_FILES}"
        return
    if sum(entry.file_size for entry in entries) > MAX_TOTAL:
        yield f"{path} unpacks to more than {MAX_TOTAL} bytes"
    seen: set[str] = set()
    for entry in entries:
        name = entry.orig_filename
        if name.casefold() in seen:
            yield f"{name!r} is there twice, so what it holds depends on who reads it"
        seen.add(name.casefold())
        if not _is_plain(name):
            yield f"{name!r} is a folder, leads out of the archive, or is no plain name"
        if entry.file_size > MAX_BYTES:
            yield f"{name!r} unpacks to {entry.file_size} bytes, more than {MAX_BYTES}"


def _is_plain(name: str) -> bool:
    path = PurePosixPath(name)
    hostile = path.is_absolute() or ".." in path.parts or any(sign in name for sign in "\\:")
    return path.as_posix() == name and name.isprintable() and not hostile


def _read_files(path: Path, members: dict[str, bytes]) -> Iterator[str]:
    for offer in zip_offers(path, MAX_BYTES):
        content = offer if isinstance(offer, Skip) else offer.read()
        if isinstance(content, Skip):
            yield f"{content.name!r}: {content.reason}"
        else:
            members[offer.name] = content
