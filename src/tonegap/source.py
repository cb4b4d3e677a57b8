"""Choose the data set that a branch assesses, and take its images into the store.

Nothing is changed before the new table is read, checked and validated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd

from tonegap.errors import DataError, IntegrityError
from tonegap.files import layout
from tonegap.files.annotations import parse_text_table, read_annotations
from tonegap.files.data_pin import pin_phantom, pin_table
from tonegap.files.download import download_file
from tonegap.files.given import Taken, identify_images, take_images
from tonegap.files.parameters import read_params
from tonegap.files.store import ImageStore, md5_of
from tonegap.files.tables import write_csv
from tonegap.foreign_table import ColumnNames, canonical_table
from tonegap.tables import inert, trimmed, validate_annotations

FITZPATRICK17K_MD5: Final = "75556ecbd0bd6227050112565c24b991"
FITZPATRICK17K_URL: Final = (
    "https://raw.githubusercontent.com/mattgroh/fitzpatrick17k/"
    "fac223ae67788c7cd48c9384b673919b84efcce3/fitzpatrick17k.csv"
)
SKIPPED: Final = Path("data/given_skipped.csv")
_LARGEST_TABLE: Final = 200_000_000  # bytes


@dataclass(frozen=True)
class Chosen:
    """What a change of data set did.

    Attributes
    ----------
    name
        The data set.
    rows
        Rows of its table.
    taken
        What became of the files that were given.
    skipped
        Table of the files that were passed over (name, reason), or None if none was.
    """

    name: str
    rows: int
    taken: Taken = field(default_factory=Taken)
    skipped: Path | None = None

    def lines(self) -> list[str]:
        """Say it in words."""
        lines = [f"data.dvc points at {self.name}: {self.rows} annotated images"]
        taken = self.taken
        if taken.verified or taken.unverified or taken.repeated or taken.skipped:
            lines.append(
                f"images given: {taken.verified} verified by md5, {taken.unverified} of another "
                f"md5 (kept apart), {taken.repeated} repeated, {len(taken.skipped)} skipped"
            )
        lines += [f"  {count} skipped: {why}" for why, count in taken.reasons().most_common()]
        if self.skipped:
            lines.append(f"  each with its reason in {self.skipped}")
        if taken.verified or taken.unverified:
            lines.append(
                "where the stage fetch has run before: `dvc repro --force --single-item fetch`"
            )
        return lines


def use_phantom(repository: Path) -> Chosen:
    """Go back to the embedded phantom.

    Raises
    ------
    MachineError
        If DVC fails.
    """
    pin_phantom(repository)
    return Chosen("the phantom", len(read_annotations(repository / layout.ANNOTATIONS)))


def use_fitzpatrick17k(
    repository: Path,
    annotations: Path | str | None = None,
    images: Sequence[Path] = (),
    *,
    store_root: Path | None = None,
) -> Chosen:
    """Point the branch at Fitzpatrick17k.

    Parameters
    ----------
    repository
        Root of the repository.
    annotations
        The table, a file or a url; None is the public one at its pinned commit. Whatever
        is given must be the public one, byte for byte.
    images
        Folders and zips of its images.
    store_root
        Folder of the image store; None is the user's own.

    Raises
    ------
    IntegrityError
        If the table has another md5. data.dvc is then as it was.
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
            f"{FITZPATRICK17K_MD5}; data.dvc is as it was; take the table from "
            f"{FITZPATRICK17K_URL}, or use `tonegap source table` for another data set"
        )
    table = validate_annotations(parse_text_table(content, str(given)), str(given))
    taken = _take(repository, table, images, store_root)
    url = given if isinstance(given, str) and _is_url(given) else FITZPATRICK17K_URL
    pin_table(repository, content, url)
    return _chosen(repository, "Fitzpatrick17k", len(table), taken)


def use_table(
    repository: Path,
    table: Path | str,
    columns: ColumnNames | None = None,
    images: Sequence[Path] = (),
    *,
    store_root: Path | None = None,
) -> Chosen:
    """Point the branch at any other data set.

    Parameters
    ----------
    repository, images, store_root
        As in :func:`use_fitzpatrick17k`.
    table
        The table, a file or a url.
    columns
        Where it keeps what the study needs; None where it has this study's own columns.
        With ``columns``, images are told by their names, and their md5 becomes the key.

    Raises
    ------
    DataError
        If a column is not there, or a value breaks a rule. data.dvc is then as it was.
    MachineError
        If DVC fails, or a disk refuses.
    """
    name = Path(str(table)).name
    raw = _table_bytes(table)
    frame = parse_text_table(raw, name)
    if columns is None:
        neat = validate_annotations(trimmed(frame), name)
        taken = _take(repository, neat, images, store_root)
        content = raw if neat.equals(frame.reset_index(drop=True)) else _csv(neat)
    else:
        frame = _trimmed_names(frame, name)
        canonical_table(frame, columns, {}, name)  # before any image is taken
        limits = read_params(repository / layout.PARAMS).fetch
        md5s, taken = identify_images(
            images,
            columns.identifiers(frame),
            _store(store_root),
            max_bytes=limits.max_bytes,
            max_pixels=limits.max_pixels,
        )
        content = _csv(canonical_table(frame, columns, md5s, name))
    pin_table(repository, content)
    return _chosen(repository, name, len(frame), taken)


def _csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False, lineterminator="\n").encode()


def _trimmed_names(frame: pd.DataFrame, origin: str) -> pd.DataFrame:
    """Take blanks from the ends of column names, where nobody sees them.

    Raises
    ------
    DataError
        If two names are then the same.
    """
    names = frame.columns.str.strip()
    if names.has_duplicates:
        twice = inert(names[names.duplicated()][0])
        raise DataError(f"{origin} has two columns {twice!r}, but for blanks; rename one of them")
    return frame.set_axis(names, axis=1)


def _take(
    repository: Path, table: pd.DataFrame, images: Sequence[Path], store_root: Path | None
) -> Taken:
    limits = read_params(repository / layout.PARAMS).fetch
    return take_images(
        images,
        table,
        _store(store_root),
        max_bytes=limits.max_bytes,
        max_pixels=limits.max_pixels,
    )


def _store(root: Path | None) -> ImageStore:
    return ImageStore(root or layout.user_cache() / "images")


def _chosen(repository: Path, name: str, rows: int, taken: Taken) -> Chosen:
    path = repository / SKIPPED
    if not taken.skipped:
        path.unlink(missing_ok=True)
        return Chosen(name, rows, taken)
    cells = [(inert(skip.name), inert(skip.reason)) for skip in taken.skipped]
    write_csv(pd.DataFrame(cells, columns=["name", "reason"]), path)
    return Chosen(name, rows, taken, SKIPPED)


def _is_url(given: Path | str) -> bool:
    return isinstance(given, str) and given.lower().startswith(("http://", "https://"))


def _table_bytes(given: Path | str) -> bytes:
    if isinstance(given, str) and _is_url(given):
        return download_file(given, _LARGEST_TABLE)
    path = Path(given)
    if not path.is_file():
        raise DataError(f"there is no table at {path}; give a CSV file or its http(s) url")
    if path.stat().st_size > _LARGEST_TABLE:
        raise DataError(f"{path} has more than {_LARGEST_TABLE} bytes; is it the table?")
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"the table {path} cannot be read ({error.strerror}); mend its permissions, or give "
            "another"
        ) from None
