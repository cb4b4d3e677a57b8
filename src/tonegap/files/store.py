"""The image store: originals by their md5, shared by clones and experiments.

It lies in the user's cache, outside every repository::

    images/verified/ab/abcd....jpg                  bytes whose md5 is the file's name
    images/unverified/ab/abcd....given.<sha256>.jpg  a copy for that row, with another md5
    images/incoming/<random>                        files being written

A file is checked before it enters, moved in by one rename, and checked again on every
read. A damaged file is reported and removed, never returned. Several processes may write
at once, because equal names mean equal bytes.
"""

from __future__ import annotations

import hashlib
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal

from tonegap.errors import MachineError

Origin = Literal["given", "url"]
Kept = Literal["verified", "unverified"]

_MD5: Final = re.compile(r"[0-9a-f]{32}")
_COPY: Final = re.compile(r"([0-9a-f]{32})\.(given|url)\.([0-9a-f]{64})\.jpg")
_STALE_S: Final = 24 * 3600.0  # after this long, an unfinished file belongs to a process that died


def md5_of(content: bytes) -> str:
    """Return the hexadecimal md5 of ``content``: Fitzpatrick17k's name of an image."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


class ImageStore:
    """A folder of images named by content.

    Parameters
    ----------
    root
        The store's folder; made when the first image enters.

    Attributes
    ----------
    damaged : list of str
        Names of the files found damaged since this object was made; they are removed if
        the disk allows it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.damaged: list[str] = []

    def get(self, md5hash: str, sha256: str | None = None) -> bytes | None:
        """Return an image of a row, or None; a damaged file is removed.

        Parameters
        ----------
        md5hash
            The row, and the md5 of its image.
        sha256
            If given, return the copy of the row with this hash instead.
        """
        if sha256 is None:
            return self._read(self._verified(md5hash), md5hash)
        found = map(self._copy, self._copies(md5hash, sha256))
        return next((content for content in found if content is not None), None)

    def holds(self, md5hash: str, sha256: str | None = None) -> bool:
        """Return True if the store holds an intact image (reads and hashes it); see :meth:`get`."""
        return self.get(md5hash, sha256) is not None

    def size(self, md5hash: str, sha256: str | None = None) -> int:
        """Return the bytes of an image without verifying it; 0 if the store has none."""
        places = [self._verified(md5hash)] if sha256 is None else self._copies(md5hash, sha256)
        try:
            return places[0].stat().st_size if places else 0
        except OSError:
            return 0

    def unverified(self, md5hash: str) -> bytes | None:
        """Return the largest copy of a row with another md5, or None.

        Copies differ in size, so the largest is nearest to the original. Equal sizes are
        ordered by hash, so that the choice never depends on the order of arrival.
        """
        copies = sorted(
            ((content, path) for path in self._copies(md5hash) if (content := self._copy(path))),
            key=lambda pair: (-len(pair[0]), _sha256_in(pair[1])),
        )
        return copies[0][0] if copies else None

    def downloaded_copy(self, md5hash: str) -> bool:
        """Return True if the row's url has returned an intact copy with another md5 (reads it)."""
        return any(".url." in path.name and self._copy(path) for path in self._copies(md5hash))

    def put(self, md5hash: str, content: bytes, origin: Origin) -> Kept:
        """Store an image, among the verified if its md5 is ``md5hash``.

        Raises
        ------
        MachineError
            If the disk refuses.
        """
        if md5_of(content) == md5hash:
            self._write(self._verified(md5hash), content)
            return "verified"
        name = f"{md5hash}.{origin}.{hashlib.sha256(content).hexdigest()}.jpg"
        self._write(self._shard("unverified", md5hash) / name, content)
        return "unverified"

    def tidy(self) -> None:
        """Remove files that a killed process left unfinished more than a day ago."""
        for path in (self.root / "incoming").glob("*"):
            try:
                if time.time() - path.stat().st_mtime > _STALE_S:
                    path.unlink()
            except OSError:  # another process was quicker
                continue

    def _read(self, path: Path, md5hash: str) -> bytes | None:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _refusal(path, error) from None
        if md5_of(content) == md5hash:
            return content
        self._discard(path)
        return None

    def _copy(self, path: Path) -> bytes | None:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _refusal(path, error) from None
        if hashlib.sha256(content).hexdigest() == _sha256_in(path):
            return content
        self._discard(path)
        return None

    def _discard(self, path: Path) -> None:
        self.damaged.append(path.name)
        with suppress(OSError):  # a store that others own can still be used
            path.unlink(missing_ok=True)

    def _copies(self, md5hash: str, sha256: str | None = None) -> list[Path]:
        """Return the copies of a row: all, or those with a hash."""
        shard = self._shard("unverified", md5hash)
        try:  # listed, not globbed: most rows have none, and there are many rows
            names = [path.name for path in shard.iterdir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _refusal(shard, error) from None
        copies = [shard / name for name in sorted(names) if _row_of(name) == md5hash]
        return [path for path in copies if sha256 in {None, _sha256_in(path)}]

    def _verified(self, md5hash: str) -> Path:
        return self._shard("verified", md5hash) / f"{md5hash}.jpg"

    def _shard(self, kind: Kept, md5hash: str) -> Path:
        if not _MD5.fullmatch(md5hash):  # the hash becomes part of a path
            raise ValueError(f"{md5hash!r} is not an md5 in lower-case hexadecimal")
        return self.root / kind / md5hash[:2]

    def _write(self, path: Path, content: bytes) -> None:
        with self._incoming() as temporary:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                # Not flushed to disk one by one: if a power cut loses the bytes, the file
                # fails its check on the next read.
                temporary.write_bytes(content)
                temporary.replace(path)
            except OSError as error:
                raise _refusal(path, error) from None

    @contextmanager
    def _incoming(self) -> Iterator[Path]:
        folder = self.root / "incoming"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _refusal(folder, error) from None
        temporary = folder / uuid.uuid4().hex
        try:
            yield temporary
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _row_of(name: str) -> str | None:
    """Return the row of a copy; None for other files, such as an editor's leftovers."""
    match = _COPY.fullmatch(name)
    return match[1] if match else None


def _sha256_in(path: Path) -> str:
    return path.name.split(".")[2]


def _refusal(path: Path, error: OSError) -> MachineError:
    return MachineError(
        f"the image store cannot use {path} ({error.strerror or error}); free some space, "
        "fix its permissions, or point TONEGAP_CACHE at another folder"
    )
