"""Atomic writes: a file is either replaced as a whole or left unchanged.

DVC links outputs to its cache, so writing into a file in place would silently corrupt the
cache. Moving a new file over the old name does not.
"""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tonegap.errors import MachineError

_MEGABYTE = 1_000_000
# What the user can fix; any other failure to write is a bug, and keeps its traceback.
_MENDABLE = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS),
    *(errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG),
)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling of ``path`` to write to; move it into place on success.

    The sibling has the file's suffix, because some writers choose the format by it.
    On failure the sibling is removed and ``path`` stays unchanged.

    Raises
    ------
    MachineError
        If the disk is full or refuses the write.
    """
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex}.tmp{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _flush_to_disk(temporary)
        temporary.replace(path)
    except OSError as error:
        if error.errno not in _MENDABLE:
            raise
        raise MachineError(
            f"{path} cannot be written ({error.strerror}) and is unchanged; free some space or "
            "fix its permissions, then run it again"
        ) from None
    finally:
        with suppress(OSError):  # the original error says more
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write ``content`` to ``path`` atomically, as UTF-8 with newline line ends."""
    write_bytes(path, content.encode("utf-8"))


def require_free_space(folder: Path, needed_bytes: int, what: str) -> None:
    """Refuse to start a write that the disk cannot hold.

    Parameters
    ----------
    folder
        Where the write goes; its nearest existing parent is measured.
    needed_bytes
        Bytes that the write needs at most.
    what
        Name of the write, for the message.

    Raises
    ------
    MachineError
        If fewer bytes are free.
    """
    place = folder
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < needed_bytes:
        raise MachineError(
            f"{what} needs {needed_bytes / _MEGABYTE:.0f} MB but {place} has "
            f"{free / _MEGABYTE:.0f} MB free; a full disk would truncate files: "
            "free some space, or point TONEGAP_CACHE at another disk"
        )


def _flush_to_disk(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
