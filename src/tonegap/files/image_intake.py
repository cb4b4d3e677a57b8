"""Take the user's images from folders and zips into the image store.

A file belongs to the row whose md5 its bytes have, whatever its name. If the bytes match
no row (a resized copy, for example), the name decides. These are the names under which
Fitzpatrick17k circulates:

- ``<md5hash>.jpg``, the authors' archive (the suffix does not matter);
- the row's ``url_alphanum``, the authors' download script;
- ``<abbr>_f<FST>_<n>_<first 8 of md5hash>.jpg``, the cleaned archive.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

import pandas as pd

from tonegap.errors import DataError
from tonegap.files.foreign_folder import folder_offers
from tonegap.files.foreign_zip import zip_offers
from tonegap.files.offers import Offer, Skip
from tonegap.files.row_names import IMAGE_SUFFIXES, Identifiers, RowNames
from tonegap.files.store import ImageStore, md5_of
from tonegap.fingerprint.decoding import UnreadableImageError, decode

OF_NO_ROW: Final = "its name is of no row"
MATCHES_NO_ROW: Final = "neither bytes nor name match a row"

_ARCHIVES: Final = frozenset((".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".xz", ".bz2"))


@dataclass
class Intake:
    """What became of the user's files.

    Attributes
    ----------
    verified
        Images stored with the md5 of their row.
    unverified
        Images stored separately, for the row that their name points to.
    repeated
        Images whose row had already been served in this call.
    skipped
        Files that were skipped, with the reason.
    by_name
        True if the images of ``verified`` were taken by their names, and their own md5s became
        the keys.
    """

    verified: int = 0
    unverified: int = 0
    repeated: int = 0
    skipped: list[Skip] = field(default_factory=list)
    by_name: bool = False

    @property
    def taken(self) -> int:
        """Number of files that belong to a row."""
        return self.verified + self.unverified + self.repeated

    def reasons(self) -> Counter[str]:
        """Count the skipped files by reason, without numbers and details."""
        return Counter(re.sub(r"\s*[(:,].*|\d+", "", skip.reason) for skip in self.skipped)


def take_images(
    sources: Sequence[Path],
    annotations: pd.DataFrame,
    store: ImageStore,
    *,
    max_bytes: int,
    max_pixels: int,
) -> Intake:
    """Take the images of a table from folders and zips into the store.

    Parameters
    ----------
    sources
        Folders (which may hold zips) and zips; all are opened before anything is stored.
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
        If the disk refuses a write.
    """
    names, taken, served = RowNames(annotations), Intake(), set[str]()
    for offer in all_offers(sources, max_bytes):
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
) -> tuple[dict[str, str], Intake]:
    """Take the images of a table without md5s into the store, by their names.

    Parameters
    ----------
    sources, store, max_bytes, max_pixels
        As in :func:`take_images`.
    identifiers
        Files' names, with or without folders and suffix, case ignored; ``a.jpg`` may belong
        to the row ``a.png``. Ambiguous identifiers match no file.

    Returns
    -------
    dict
        md5 by identifier, for the images found. Of several images with equal bytes the
        first counts: the md5 identifies a row. If different pictures match the name of one
        row, none counts: tonegap cannot tell the mask from the photograph.
    Intake
        The counts, and what was skipped.
    """
    rows = Identifiers((identifier, identifier) for identifier in identifiers)
    files, taken = defaultdict[str, list[_NamedFile]](list), Intake(by_name=True)
    for offer in all_offers(sources, max_bytes):
        outcome = offer if isinstance(offer, Skip) else _identify(offer, rows, store, max_pixels)
        if isinstance(outcome, Skip):
            taken.skipped.append(outcome)
        else:
            files[outcome.row].append(outcome)
    found, served = dict[str, str](), set[str]()
    for row, candidates in files.items():
        md5 = _chosen(candidates, taken)
        if md5 in served:
            taken.repeated += 1
        elif md5 is not None:
            found[row] = md5
            served.add(md5)
            taken.verified += 1
    return found, taken


class _NamedFile(NamedTuple):
    """A stored picture, with the row that its name matches."""

    row: str
    name: str
    md5: str
    exact: bool


def _identify(
    offer: Offer, identifiers: Identifiers, store: ImageStore, max_pixels: int
) -> _NamedFile | Skip:
    match = identifiers.match(offer.name)
    if not match.rows:
        return Skip(offer.name, _no_image_name(_bare(offer)) or OF_NO_ROW)
    if len(match.rows) > 1:
        return Skip(offer.name, "its name fits several rows")
    content = _image(offer, max_pixels)
    if isinstance(content, Skip):
        return content
    md5 = md5_of(content)
    store.put(md5, content, "given")
    return _NamedFile(match.rows[0], offer.name, md5, match.exact)


def _chosen(candidates: Sequence[_NamedFile], taken: Intake) -> str | None:
    """Return the md5 of a row's picture; None if several, such as a mask, have its name."""
    best = [file for file in candidates if file.exact] or list(candidates)
    for file in candidates:
        if file.exact != best[0].exact:
            reason = f"another file has the name of its row more exactly: {best[0].name}"
            taken.skipped.append(Skip(file.name, reason))
    other = next((file for file in best if file.md5 != best[0].md5), None)
    if other is None:
        taken.repeated += len(best) - 1
        return best[0].md5
    for file in best:
        rival = other if file.md5 == best[0].md5 else best[0]
        reason = f"another picture has its name: {rival.name} (give only the folder that is meant)"
        taken.skipped.append(Skip(file.name, reason))
    return None


def _image(offer: Offer, max_pixels: int) -> bytes | Skip:
    content = offer.read()
    if isinstance(content, Skip):
        return Skip(offer.name, content.reason)
    return _no_image(offer, content, max_pixels) or content


def _no_image(offer: Offer, content: bytes, max_pixels: int) -> Skip | None:
    try:
        decode(content, max_pixels)
    except UnreadableImageError as problem:
        return Skip(offer.name, f"it is not an image ({problem})")
    return None


def image_names(sources: Sequence[Path], max_bytes: int) -> list[str]:
    """Return the names of the files that may be images, without reading them."""
    offers = (offer for offer in all_offers(sources, max_bytes) if isinstance(offer, Offer))
    return [offer.name for offer in offers if _no_image_name(_bare(offer)) is None]


def all_offers(sources: Sequence[Path], max_bytes: int) -> Iterator[Offer | Skip]:
    """Yield the files of folders (and of the zips within) and of zips.

    Raises
    ------
    DataError
        If a source is neither a folder nor a readable zip.
    """
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
        next(zip_offers(source, max_bytes=0), None)  # raises if it is not a zip


def _offers(source: Path, max_bytes: int) -> Iterator[Offer | Skip]:
    if source.is_file():
        yield from zip_offers(source, max_bytes)
        return
    for offer in folder_offers(source, max_bytes):
        if isinstance(offer, Offer) and offer.name.lower().endswith(".zip"):
            yield from _offers_of_zip(source / offer.name, offer.name, max_bytes)
        else:
            yield offer


def _offers_of_zip(path: Path, name: str, max_bytes: int) -> Iterator[Offer | Skip]:
    """Yield the files of a zip that lies in a folder, under the zip's own name there."""
    try:
        for offer in zip_offers(path, max_bytes):
            yield replace(offer, name=f"{name}/{offer.name}")
    except DataError:
        yield Skip(name, "it cannot be read as a zip (pass it by itself to see why)")


def _keep(md5hash: str, content: bytes, store: ImageStore, taken: Intake, served: set[str]) -> None:
    key = md5_of(content)  # two resized copies of a row may both stay, twice the same may not
    if key in served:
        taken.repeated += 1
        return
    served.add(key)
    kept = store.put(md5hash, content, "given")
    taken.verified += kept == "verified"
    taken.unverified += kept == "unverified"


def _sort(offer: Offer, names: RowNames, max_pixels: int) -> tuple[str, bytes] | Skip:
    """Return the row that an offer belongs to, or why it belongs to none."""
    rows = names.rows(offer.name)
    reason = _no_image_name(_bare(offer))
    if reason and not rows:
        return Skip(offer.name, reason)
    content = offer.read()
    if isinstance(content, Skip):
        return Skip(offer.name, content.reason)
    md5 = md5_of(content)
    if md5 in names.md5s:
        return md5, content
    if len(rows) != 1:
        reason = "its name fits several rows" if rows else MATCHES_NO_ROW
        return Skip(offer.name, reason)
    return _no_image(offer, content, max_pixels) or (next(iter(rows)), content)


def _bare(offer: Offer) -> str:
    return PurePosixPath(offer.name.replace("\\", "/")).name


def _no_image_name(name: str) -> str | None:
    """Return why a name is not that of an image, or None."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in _ARCHIVES:
        return "it is an archive inside (unpack it, or pass a zip by itself)"
    return (
        None
        if suffix in IMAGE_SUFFIXES and not name.startswith("._")
        else "its name is not that of an image"
    )
