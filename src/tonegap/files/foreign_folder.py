"""Read folders of unknown origin: only regular files inside the folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from tonegap.errors import DataError
from tonegap.files.offers import Offer, Skip

# Do not wait on a pipe that replaces the file between the check and the opening.
_READ_ONLY = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)


def folder_offers(root: Path, max_bytes: int) -> Iterator[Offer | Skip]:
    """Yield the files under a folder, sorted by name within each level.

    Symbolic links are followed only to files inside the folder, so that a foreign folder
    cannot make private files of this machine part of a data set.

    Parameters
    ----------
    root
        The folder.
    max_bytes
        Larger files are skipped.

    Raises
    ------
    DataError
        If the folder cannot be listed.
    """
    try:
        inside = root.resolve(strict=True)
        os.scandir(inside).close()
    except OSError as error:
        raise DataError(
            f"the folder {root} cannot be read ({error.strerror}); choose another"
        ) from None
    unread = list[OSError]()
    for folder, subfolders, names in os.walk(inside, onerror=unread.append):
        here = Path(folder)
        subfolders.sort()
        for name in sorted(subfolders):
            if (here / name).is_symlink():
                yield Skip(_shown(here / name, inside), "it is a link to a folder")
        for name in sorted(names):
            yield _offer(here / name, inside, max_bytes)
    for refusal in unread:
        yield Skip(
            _shown(Path(refusal.filename), inside), f"it cannot be read ({refusal.strerror})"
        )


def _offer(path: Path, inside: Path, max_bytes: int) -> Offer | Skip:
    name = _shown(path, inside)
    try:
        target = path.resolve(strict=True)
        facts = target.stat()
    except (OSError, RuntimeError):  # RuntimeError: links in a circle, in Python 3.11 and 3.12
        return Skip(name, "it is a broken link")
    if not target.is_relative_to(inside):
        return Skip(name, "it is a link that leads out of the folder")
    if not stat.S_ISREG(facts.st_mode):
        return Skip(name, "it is a pipe, socket or device, not a file")
    return Offer(name, lambda: _content(target, name, max_bytes))


def _content(path: Path, name: str, max_bytes: int) -> bytes | Skip:
    try:
        with os.fdopen(os.open(path, _READ_ONLY), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return Skip(name, "it is a pipe, socket or device, not a file")
            content = stream.read(max_bytes + 1)
    except OSError as error:
        return Skip(name, f"it cannot be read ({error.strerror})")
    if len(content) > max_bytes:
        return Skip(name, f"it is too large (more than {max_bytes} bytes: fetch.max_bytes)")
    return content


def _shown(path: Path, inside: Path) -> str:
    return path.relative_to(inside).as_posix()
