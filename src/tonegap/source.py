"""Choose the data set that a branch assesses, store its images and list them in images.txt.

Nothing is changed before the new table is read, checked and validated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd

from tonegap.errors import DataError, IntegrityError
from tonegap.files.annotations import parse_text_table, read_annotations
from tonegap.files.at_hand import images_at_hand
from tonegap.files.cache import user_cache
from tonegap.files.data_pin import pin_phantom, pin_table
from tonegap.files.download import Patience, download_file
from tonegap.files.image_intake import Intake, identify_images, take_images
from tonegap.files.manifest import (
    Manifest,
    file_urls,
    read_manifest,
    with_images_at_hand,
    write_manifest,
)
from tonegap.files.obtain import obtain, write_missing
from tonegap.files.parameters import read_params
from tonegap.files.pictures import PRIVATE
from tonegap.files.store import ImageStore, md5_of
from tonegap.files.tables import write_csv
from tonegap.files.tally import in_words
from tonegap.foreign_table import ColumnNames, canonical_table
from tonegap.params import FetchParams
from tonegap.tables import inert, trimmed, validate_annotations
from tonegap.workspace import Workspace

FITZPATRICK17K_MD5: Final = "75556ecbd0bd6227050112565c24b991"
FITZPATRICK17K_URL: Final = (
    "https://raw.githubusercontent.com/mattgroh/fitzpatrick17k/"
    "fac223ae67788c7cd48c9384b673919b84efcce3/fitzpatrick17k.csv"
)
SKIPPED: Final = Path("data/given_skipped.csv")
NOT_DOWNLOADED: Final = Path("data/not_downloaded.csv")
_LARGEST_TABLE: Final = 200_000_000  # bytes


@dataclass(frozen=True)
class Chosen:
    """The result of a change of data set.

    Attributes
    ----------
    name
        The data set.
    rows
        Rows of its table.
    listed
        Images in images.txt.
    added
        Listed images that are new in images.txt.
    at_hand
        How many images the runs will see, by group.
    taken
        Outcome for the user's files.
    skipped
        Table of the skipped files (name, reason), or None if none was skipped.
    """

    name: str
    rows: int
    listed: int
    added: int
    at_hand: str
    taken: Intake = field(default_factory=Intake)
    skipped: Path | None = None

    def lines(self) -> list[str]:
        """Describe it in words."""
        lines = [f"data.dvc points at {self.name}: {self.rows} annotated images"]
        taken = self.taken
        if taken.verified or taken.unverified or taken.repeated or taken.skipped:
            lines.append(
                f"images found: {taken.verified} verified by md5, {taken.unverified} with another "
                f"md5 (stored separately), {taken.repeated} repeated, {len(taken.skipped)} skipped"
            )
        lines += [f"  {count} skipped: {why}" for why, count in taken.reasons().most_common()]
        if self.skipped:
            lines.append(f"  each with its reason in {self.skipped}")
        lines += _listing(self.listed, self.added)
        if self.listed:
            lines.append(f"pictures of patients go to the DVC remote {PRIVATE} alone")
        return [*lines, f"runs will see {self.at_hand}"]


@dataclass(frozen=True)
class Downloaded:
    """The result of a download.

    Attributes
    ----------
    listed, added
        As in :class:`Chosen`.
    failed
        Images that are still missing, by status.
    """

    listed: int
    added: int
    failed: Counter[str]

    def lines(self) -> list[str]:
        """Describe it in words."""
        lines = _listing(self.listed, self.added)
        if self.failed:
            count = sum(self.failed.values())
            reasons = in_words(self.failed)
            lines.append(f"{count} not downloaded: {reasons} ({NOT_DOWNLOADED} lists all)")
        return lines


def _listing(listed: int, added: int) -> list[str]:
    lines = [f"{Workspace.manifest} lists {listed} images, {added} of them new"]
    if added:
        lines.append(f"commit data.dvc and {Workspace.manifest}: they are the version of the data")
    return lines


def use_phantom(repository: Path) -> Chosen:
    """Switch back to the embedded phantom.

    Raises
    ------
    MachineError
        If DVC fails.
    """
    pin_phantom(repository)
    rows = len(read_annotations(repository / Workspace.annotations))
    return Chosen("the phantom", rows, 0, 0, images_at_hand(repository))


def use_fitzpatrick17k(
    repository: Path,
    annotations: Path | str | None = None,
    images: Sequence[Path] = (),
) -> Chosen:
    """Point the branch at Fitzpatrick17k.

    Parameters
    ----------
    repository
        Root of the repository.
    annotations
        The table, a file or a url; None means the public one at its pinned commit. Any other
        must equal the public one, byte for byte.
    images
        Folders and zips of its images.

    Raises
    ------
    IntegrityError
        If the table has another md5. data.dvc is then unchanged.
    DataError
        If the table or a source of images cannot be read.
    MachineError
        If DVC fails, or a disk refuses.
    """
    given = annotations or FITZPATRICK17K_URL
    content = _table_bytes(given)
    if (found := md5_of(content)) != FITZPATRICK17K_MD5:
        raise IntegrityError(
            f"{given} is not the Fitzpatrick17k table: its md5 is {found}, expected "
            f"{FITZPATRICK17K_MD5}; data.dvc is unchanged; take the table from "
            f"{FITZPATRICK17K_URL}, or use `tonegap source table` for another data set"
        )
    table = validate_annotations(parse_text_table(content, str(given)), str(given))
    taken = _take(repository, table, images)
    url = given if isinstance(given, str) and _is_url(given) else FITZPATRICK17K_URL
    return _pin(repository, "Fitzpatrick17k", content, table, taken, url=url)


def use_table(
    repository: Path,
    table: Path | str,
    columns: ColumnNames | None = None,
    images: Sequence[Path] = (),
) -> Chosen:
    """Point the branch at any other data set.

    Parameters
    ----------
    repository, images
        As in :func:`use_fitzpatrick17k`.
    table
        The table, a file or a url.
    columns
        The columns that the study needs; None if the table has tonegap's own columns.
        With ``columns``, images are identified by name, and their md5 becomes the key.

    Raises
    ------
    DataError
        If a column is missing, or a value breaks a rule. data.dvc is then unchanged.
    MachineError
        If DVC fails, or a disk refuses.
    """
    name = Path(str(table)).name
    raw = _table_bytes(table)
    frame = parse_text_table(raw, name)
    if columns is None:
        neat = validate_annotations(trimmed(frame), name)
        taken = _take(repository, neat, images)
        content = raw if neat.equals(frame.reset_index(drop=True)) else _csv(neat)
    else:
        frame = _trimmed_names(frame, name)
        canonical_table(frame, columns, {}, name)  # before any image is stored
        limits = read_params(repository / Workspace.params).fetch
        md5s, taken = identify_images(
            images,
            columns.identifiers(frame),
            _store(),
            max_bytes=limits.max_bytes,
            max_pixels=limits.max_pixels,
        )
        neat = canonical_table(frame, columns, md5s, name)
        content = _csv(neat)
    return _pin(repository, name, content, neat, taken)


def download_images(
    *,
    annotations: Path,
    manifest: Path,
    failures: Path,
    params: FetchParams,
    store_root: Path | None = None,
    patience: Patience | None = None,
    trusted: Collection[str] = (),
) -> Downloaded:
    """Download the images that the store lacks from their urls, and list them in images.txt.

    Downloaded images are listed even if others fail. The next call resumes a killed one.

    Parameters
    ----------
    annotations
        The annotation table.
    manifest
        The list of images; rewritten.
    failures
        Written: an outcome for each image that is still missing; removed if there is none.
    params
        The section ``fetch``; its switch ``download`` concerns the stage ``fetch`` alone.
    store_root
        Folder of the image store; None means the user's own.
    patience
        Pauses between attempts; None means the usual ones.
    trusted
        Addresses that may be asked though they are not public. For tests only.

    Raises
    ------
    DataError
        If the table or the list cannot be read.
    MachineError
        If a disk is too small or refuses.
    """
    table = read_annotations(annotations)
    before = read_manifest(manifest)
    store = _store(store_root)
    store.tidy()
    failed = obtain(
        file_urls(table),
        lambda name: (
            store.holds(name) or (params.accept_unverified and store.unverified(name) is not None)
        ),
        store,
        params,
        ask=True,
        patience=patience,
        trusted=trusted,
    )
    write_missing(failed, failures)
    images = with_images_at_hand(before, table, store)
    if images != before:
        write_manifest(images, manifest)
    added = _added(before, images)
    return Downloaded(len(images), added, Counter(row.status for row in failed))


def _csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False, lineterminator="\n").encode()


def _trimmed_names(frame: pd.DataFrame, origin: str) -> pd.DataFrame:
    """Strip blanks from the ends of column names, where they are invisible.

    Raises
    ------
    DataError
        If two names are then the same.
    """
    names = frame.columns.str.strip()
    if names.has_duplicates:
        twice = inert(names[names.duplicated()][0])
        raise DataError(
            f"{origin} has two columns {twice!r} that differ only in blanks; rename one of them"
        )
    return frame.set_axis(names, axis=1)


def _take(repository: Path, table: pd.DataFrame, images: Sequence[Path]) -> Intake:
    limits = read_params(repository / Workspace.params).fetch
    return take_images(
        images,
        table,
        _store(),
        max_bytes=limits.max_bytes,
        max_pixels=limits.max_pixels,
    )


def _store(root: Path | None = None) -> ImageStore:
    return ImageStore(root or user_cache() / "images")


def _pin(
    repository: Path,
    name: str,
    content: bytes,
    table: pd.DataFrame,
    taken: Intake,
    *,
    url: str | None = None,
) -> Chosen:
    """List the images in the store and point the branch at the table."""
    path = repository / Workspace.manifest
    before = read_manifest(path) if path.exists() else {}
    images = with_images_at_hand(before, table, _store())
    pin_table(repository, content, images, url)
    return Chosen(
        name,
        len(table),
        len(images),
        _added(before, images),
        images_at_hand(repository),
        taken,
        _note_skipped(taken, repository),
    )


def _added(before: Manifest, after: Manifest) -> int:
    return sum(before.get(name, "") != sha256 for name, sha256 in after.items())


def _note_skipped(taken: Intake, repository: Path) -> Path | None:
    path = repository / SKIPPED
    if not taken.skipped:
        path.unlink(missing_ok=True)
        return None
    cells = [(inert(skip.name), inert(skip.reason)) for skip in taken.skipped]
    write_csv(pd.DataFrame(cells, columns=["name", "reason"]), path)
    return SKIPPED


def _is_url(given: Path | str) -> bool:
    return isinstance(given, str) and given.lower().startswith(("http://", "https://"))


def _table_bytes(given: Path | str) -> bytes:
    if isinstance(given, str) and _is_url(given):
        return download_file(given, _LARGEST_TABLE)
    path = Path(given)
    if not path.is_file():
        raise DataError(f"there is no table at {path}; pass a CSV file or its http(s) url")
    if path.stat().st_size > _LARGEST_TABLE:
        raise DataError(f"{path} has more than {_LARGEST_TABLE} bytes; is it the table?")
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"the table {path} cannot be read ({error.strerror}); fix its permissions, or give "
            "another"
        ) from None
