"""images.txt: the images that a commit holds, beside data.dvc, which names the table.

One line per image, sorted::

    <md5hash>             the image with this md5
    <md5hash> <sha256>    a copy with another md5, provided or downloaded for this row

``tonegap source ...`` writes the file; the stage ``fetch`` takes exactly these images.
Phantoms are not listed, because code renders them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pandas as pd

from tonegap.errors import DataError
from tonegap.files.atomic import write_text
from tonegap.files.store import ImageStore
from tonegap.tables import PHANTOM_SCHEME

Manifest = Mapping[str, str | None]
"""sha256 of the copy by md5hash; None for an image with the md5 of its row."""

_LINE: Final = re.compile(r"([0-9a-f]{32})(?: ([0-9a-f]{64}))?")
_HEADER: Final = (
    "# The images that this commit holds, by md5; with the sha256 of a copy whose md5 differs.\n"
    "# `tonegap source ...` writes this file; `fetch` takes exactly these. Phantoms need no line.\n"
)


def read_manifest(path: Path) -> Manifest:
    """Read images.txt.

    Raises
    ------
    DataError
        If the file is missing, or a line is not an image or repeats one; the message names
        the first such line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise DataError(
            f"{path} is missing, so nothing says which images this commit holds; restore it with "
            f"`git checkout {path.name}`, or write it with `tonegap source ...`"
        ) from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}); `git checkout {path.name}`") from None
    images: dict[str, str | None] = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = _LINE.fullmatch(text)
        if match is None or match[1] in images:
            problem = "repeats an image" if match else "is not an md5, or an md5 and a sha256"
            raise DataError(
                f"{path}, line {number} {problem}: {text[:110]!r}; restore the file with "
                f"`git checkout {path.name}`, or delete it and run `tonegap source ...` again"
            )
        images[match[1]] = match[2]
    return images


def write_manifest(images: Manifest, path: Path) -> None:
    """Write images.txt, sorted by md5hash.

    Raises
    ------
    MachineError
        If the disk refuses.
    """
    lines = (f"{md5hash} {sha256 or ''}".rstrip() for md5hash, sha256 in sorted(images.items()))
    write_text(path, _HEADER + "".join(f"{line}\n" for line in lines))


def with_images_at_hand(listed: Manifest, table: pd.DataFrame, store: ImageStore) -> Manifest:
    """Add the table's images that the store holds; drop lines that are of no row.

    A listed image stays listed even if the store lacks it, so that a smaller store never
    silently shrinks the data version. An image with the md5 of its row replaces a copy. Of
    several copies, the store's choice is listed
    (:meth:`~tonegap.files.store.ImageStore.unverified`).

    Parameters
    ----------
    listed
        The images listed so far.
    table
        The annotation table.
    store
        The image store; every image is read and its hash verified.
    """
    images: dict[str, str | None] = {}
    for md5hash in file_urls(table):
        if store.holds(md5hash):
            images[md5hash] = None
        elif md5hash in listed:
            images[md5hash] = listed[md5hash]
        elif (copy := store.unverified(md5hash)) is not None:
            images[md5hash] = hashlib.sha256(copy).hexdigest()
    return images


def newly_listed(before: Manifest, after: Manifest) -> int:
    """Count the images that are new, or are another copy."""
    return sum(before.get(name, "") != sha256 for name, sha256 in after.items())


def usable(listed: Manifest, *, accept_unverified: bool) -> Manifest:
    """Return the listed images that a run uses: copies only where they are accepted."""
    return {name: sha for name, sha in listed.items() if accept_unverified or sha is None}


def file_urls(table: pd.DataFrame) -> dict[str, str | None]:
    """Return the url, or None, of every row whose image is a file: all rows but phantoms."""
    return {
        str(md5hash): url if isinstance(url, str) else None
        for md5hash, url in zip(table["md5hash"], table["url"], strict=True)
        if not is_phantom(url)
    }


def is_phantom(url: object) -> bool:
    """Return True if code renders the image that this url names."""
    return isinstance(url, str) and url.startswith(PHANTOM_SCHEME)
