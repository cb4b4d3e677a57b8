"""Published lists of duplicates and of clean images, on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tonegap.duplicates.candidates import PAIR_COLUMNS
from tonegap.duplicates.listed import listed_images, listed_pairs
from tonegap.duplicates.pairs import merge_pairs
from tonegap.errors import DataError
from tonegap.files.tables import read_csv


@dataclass(frozen=True)
class KnownLists:
    """All lists of a folder.

    Attributes
    ----------
    pairs : DataFrame
        Copies of each other, as :func:`~tonegap.duplicates.listed.listed_pairs` gives them.
    keep : frozenset of str, or None
        Images that some keep list names; None where there is no such list.
    drop : frozenset of str
        Images that some drop list names.
    """

    pairs: pd.DataFrame
    keep: frozenset[str] | None
    drop: frozenset[str]


def read_known_lists(folder: Path) -> KnownLists:
    """Read every CSV file in ``keep``, ``drop`` and ``duplicates`` below a folder.

    Raises
    ------
    DataError
        If a file holds no such list; the message names it.
    """
    tables = [read_listed_pairs(path) for path in sorted(folder.glob("duplicates/*.csv"))]
    keep = [read_listed_images(path) for path in sorted(folder.glob("keep/*.csv"))]
    drop = [read_listed_images(path) for path in sorted(folder.glob("drop/*.csv"))]
    return KnownLists(
        pairs=merge_pairs(pd.DataFrame(columns=list(PAIR_COLUMNS)), *tables),
        keep=frozenset().union(*keep) if keep else None,
        drop=frozenset().union(*drop),
    )


def read_listed_pairs(path: Path) -> pd.DataFrame:
    """Read a list of duplicates; :mod:`tonegap.duplicates.listed` describes the forms.

    Raises
    ------
    DataError
        If the file is no table, or holds no such list; the message names the file.
    """
    table = read_csv(path, (), "a list of duplicates")
    try:
        return listed_pairs(table)
    except DataError as problem:
        raise DataError(f"{path}: {problem}") from None


def read_listed_images(path: Path) -> frozenset[str]:
    """Read a list of images to keep or to leave out, as md5hashes.

    Raises
    ------
    DataError
        If the file is no table, or holds no such list; the message names the file.
    """
    table = read_csv(path, (), "a list of images")
    try:
        return listed_images(table)
    except DataError as problem:
        raise DataError(f"{path}: {problem}") from None
