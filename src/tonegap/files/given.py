"""Images that the user has: from folders and zips into the image store.

A file belongs to the row whose md5 its bytes have, whatever its name. Only where the
bytes are of no row (a resized copy, say) does the name decide, in one of the forms in
which Fitzpatrick17k is handed around:

- ``<md5hash>.jpg``, the authors' archive;
- the row's ``url_alphanum``, the authors' download script;
- ``<abbr>_f<FST>_<n>_<first 8 of md5hash>.jpg``, the cleaned archive.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

import pandas as pd

from tonegap.errors import DataError
from tonegap.files.foreign_folder import folder_offers
from tonegap.files.foreign_zip import zip_offers
from tonegap.files.offers import Offer, Skip
from tonegap.files.store import ImageStore, md5_of
from tonegap.fingerprint.decoding import UnreadableImageError, decode

_SUFFIXES: Final = frozenset(
    (".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
)
_ARCHIVES: Final = frozenset((".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".xz", ".bz2"))
_CLEANED: Final = re.compile(r".+_f-?\d+_\d+_([0-9a-f]{8})")


@dataclass
class Taken:
    """What became of the files that were given.

    Attributes
    ----------
    verified
        Images taken in with the md5 of their row.
    unverified
        Images taken in, and kept apart, for a row that their name points to.
    repeated
        Images whose row had already been served in this call.
    skipped
        Files that were passed over, with the reason.
    """

    verified: int = 0
    unverified: int = 0
    repeated: int = 0
    skipped: list[Skip] = field(default_factory=list)

    def reasons(self) -> Counter[str]:
        """Count the skipped files by reason, figures and details left out."""
        return Counter(re.sub(r"\s*[(:,].*|\d+", "", skip.reason) for skip in self.skipped)


class RowNames:
    """Names under which the images of a table are handed around."""

    def __init__(self, annotations: pd.DataFrame) -> None:
        self.md5s = frozenset(annotations["md5hash"])
        self._by_name: dict[str, set[str]] = defaultdict(set)
        self._by_prefix: dict[str, set[str]] = defaultdict(set)
        for md5hash, name in zip(annotations["md5hash"], annotations["url_alphanum"], strict=True):
            self._by_prefix[md5hash[:8]].add(md5hash)
            if isinstance(name, str):
                self._by_name[name.lower()].add(md5hash)

    def rows(self, name: str) -> frozenset[str]:
        """Rows (by md5hash) that a file of this name may belong to."""
        stem = PurePosixPath(name).stem.lower()
        if stem in self.md5s:
            return frozenset((stem,))
        if named := self._by_name.get(name.lower()):
            return frozenset(named)
        cleaned = _CLEANED.fullmatch(stem)
        return frozenset(self._by_prefix.get(cleaned[1], ()) if cleaned else ())


def take_images(
    sources: Sequence[Path],
    annotations: pd.DataFrame,
    store: ImageStore,
    *,
    max_bytes: int,
    max_pixels: int,
) -> Taken:
    """Take the images of a table from folders and zips into the store.

    Parameters
    ----------
    sources
        Folders and zips; all are opened before anything is taken.
    annotations
        The validated table.
    store
        Where they go.
    max_bytes, max_pixels
        Larger files and pictures are skipped.

    Raises
    ------
    DataError
        If a source is neither a folder nor a readable zip.
    MachineError
        If the disk refuses.
    """
    names, taken, served = RowNames(annotations), Taken(), set[str]()
    for offer in _all_offers(sources, max_bytes):
        outcome = offer if isinstance(offer, Skip) else _sort(offer, names, max_pixels)
        if isinstance(outcome, Skip):
            taken.skipped.append(outcome)
        else:
            _keep(*outcome, store, taken, served)
    return taken


def identify_images(
    sources: Sequence[Path],
    identifiers: Iterable[str],
    store: ImageStore,
    *,
    max_bytes: int,
    max_pixels: int,
) -> tuple[dict[str, str], Taken]:
    """Take in the images of a table that does not know their md5, by their names.

    Parameters
    ----------
    sources, store, max_bytes, max_pixels
        As in :func:`take_images`.
    identifiers
        Files' names, with or without suffix, case ignored; ``a.jpg`` may be of the row
        ``a.png``. Identifiers that cannot be told apart in this way name no file.

    Returns
    -------
    dict
        md5 by identifier, for the images found. The first file of a name counts, and of
        several images with equal bytes the first: rows are told apart by md5.
    Taken
        The counts, and what was passed over.
    """
    rows = _Identifiers(identifiers)
    found, served, taken = dict[str, str](), set[str](), Taken()
    for offer in _all_offers(sources, max_bytes):
        outcome = offer if isinstance(offer, Skip) else _identify(offer, rows, max_pixels)
        if isinstance(outcome, Skip):
            taken.skipped.append(outcome)
            continue
        identifier, content = outcome
        md5 = md5_of(content)
        if identifier in found or md5 in served:
            taken.repeated += 1
            continue
        found[identifier] = md5
        served.add(md5)
        store.put(md5, content, "given")
        taken.verified += 1
    return found, taken


class _Identifiers:
    """Rows of a table by the names that their files may have."""

    def __init__(self, identifiers: Iterable[str]) -> None:
        self._whole: dict[str, list[str]] = defaultdict(list)
        self._stems: dict[str, list[str]] = defaultdict(list)
        for identifier in identifiers:
            name = PurePosixPath(identifier.lower())
            self._whole[identifier.lower()].append(identifier)
            if name.suffix in _SUFFIXES:
                self._stems[name.stem].append(identifier)

    def rows(self, name: str) -> list[str]:
        """Find the identifiers that a file of this name may belong to."""
        name, stem = name.lower(), PurePosixPath(name.lower()).stem
        return self._whole.get(name) or self._whole.get(stem) or self._stems.get(stem) or []


def _identify(offer: Offer, identifiers: _Identifiers, max_pixels: int) -> tuple[str, bytes] | Skip:
    rows = identifiers.rows(PurePosixPath(offer.name.replace("\\", "/")).name)
    if len(rows) != 1:
        return Skip(offer.name, "its name fits several rows" if rows else "its name is of no row")
    content = _image(offer, max_pixels)
    return content if isinstance(content, Skip) else (rows[0], content)


def _image(offer: Offer, max_pixels: int) -> bytes | Skip:
    content = offer.read()
    if isinstance(content, Skip):
        return content
    try:
        decode(content, max_pixels)
    except UnreadableImageError as problem:
        return Skip(offer.name, f"it is no image ({problem})")
    return content


def _all_offers(sources: Sequence[Path], max_bytes: int) -> Iterator[Offer | Skip]:
    for source in sources:
        _require_source(source)
    for source in sources:
        yield from _offers(source, max_bytes)


def _require_source(source: Path) -> None:
    if not source.exists():
        raise DataError(f"{source} is not there; give a folder or a zip of images")
    if not source.is_dir() and not source.is_file():
        raise DataError(f"{source} is neither a folder nor a file; give a folder or a zip")
    if source.is_file():
        next(zip_offers(source, max_bytes=0), None)  # raises if it is no zip


def _offers(source: Path, max_bytes: int) -> Iterator[Offer | Skip]:
    return folder_offers(source, max_bytes) if source.is_dir() else zip_offers(source, max_bytes)


def _keep(md5hash: str, content: bytes, store: ImageStore, taken: Taken, served: set[str]) -> None:
    key = md5_of(content)  # two resized copies of a row may both stay, twice the same may not
    if key in served:
        taken.repeated += 1
        return
    served.add(key)
    kept = store.put(md5hash, content, "given")
    taken.verified += kept == "verified"
    taken.unverified += kept == "unverified"


def _sort(offer: Offer, names: RowNames, max_pixels: int) -> tuple[str, bytes] | Skip:
    """Say whose image an offer is, or why it is nobody's."""
    name = PurePosixPath(offer.name.replace("\\", "/")).name
    if reason := _no_image_name(name):
        return Skip(offer.name, reason)
    content = offer.read()
    if isinstance(content, Skip):
        return content
    md5 = md5_of(content)
    if md5 in names.md5s:
        return md5, content
    rows = names.rows(name)
    if len(rows) != 1:
        reason = "its name fits several rows" if rows else "neither bytes nor name are of a row"
        return Skip(offer.name, reason)
    try:
        decode(content, max_pixels)
    except UnreadableImageError as problem:
        return Skip(offer.name, f"it is no image ({problem})")
    return next(iter(rows)), content


def _no_image_name(name: str) -> str | None:
    """Why a name is no image's, or None."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in _ARCHIVES:
        return "it is an archive within (unpack it, or give a zip by itself)"
    return None if suffix in _SUFFIXES and not name.startswith("._") else "it has no image's name"
