"""Published lists of duplicates and of clean images, on disk."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from tonegap.duplicates.candidates import PAIR_COLUMNS
from tonegap.duplicates.listed import SUITABILITY, Rows, listed_images, listed_pairs, no_rows
from tonegap.duplicates.pairs import merge_pairs
from tonegap.errors import DataError
from tonegap.files.tables import read_csv

_MD5: Final = re.compile(r"(?:.*[/\\])?[0-9a-f]{32}(?:\.[a-z]{3,4})?", re.IGNORECASE)
_FOLDERS: Final = ("keep", "drop", "duplicates")
_WORDS: Final = {"true": "1", "false": "0", "yes": "1", "no": "0", "1.0": "1", "0.0": "0"}


@dataclass(frozen=True)
class KnownLists:
    """All lists of a folder.

    Attributes
    ----------
    pairs : DataFrame
        Copies of each other, as :func:`~tonegap.duplicates.listed.listed_pairs` returns them.
    keep : frozenset of str, or None
        Images that any keep list names; None if there is no such list.
    drop : frozenset of str
        Images that any drop list names.
    """

    pairs: pd.DataFrame
    keep: frozenset[str] | None
    drop: frozenset[str]


def read_known_lists(folder: Path, rows: Rows = no_rows) -> KnownLists:
    """Read every CSV file in ``keep``, ``drop`` and ``duplicates`` below a folder.

    Parameters
    ----------
    folder
        It may hold a README.md and hidden files besides.
    rows
        Function from a file's name to the md5hashes of its rows, for lists of file names.

    Raises
    ------
    DataError
        If a file holds no such list, is in another place or is of another kind, so that no
        list is silently ignored; the message names it.
    """
    _require_known_places(folder)
    tables = [read_listed_pairs(path, rows) for path in _files(folder / "duplicates")]
    keep = [read_listed_images(path, rows) for path in _files(folder / "keep")]
    drop = [read_listed_images(path, rows) for path in _files(folder / "drop")]
    return KnownLists(
        pairs=merge_pairs(pd.DataFrame(columns=list(PAIR_COLUMNS)), *tables),
        keep=frozenset().union(*keep) if keep else None,
        drop=frozenset().union(*drop),
    )


def read_listed_pairs(path: Path, rows: Rows = no_rows) -> pd.DataFrame:
    """Read a list of duplicates; :mod:`tonegap.duplicates.listed` describes the forms.

    Raises
    ------
    DataError
        If the file is no table, or holds no such list; the message names the file.
    """
    table = _read(path, "a list of duplicates")
    try:
        return listed_pairs(table, rows)
    except DataError as problem:
        raise DataError(f"{path}: {problem}") from None


def read_listed_images(path: Path, rows: Rows = no_rows) -> frozenset[str]:
    """Read a list of images to keep or to leave out, as md5hashes.

    Raises
    ------
    DataError
        If the file is no table, or holds no such list; the message names the file.
    """
    table = _read(path, "a list of images")
    try:
        return listed_images(table, rows)
    except DataError as problem:
        raise DataError(f"{path}: {problem}") from None


def _files(folder: Path) -> list[Path]:
    shown = _shown(folder)
    for path in shown:
        if path.suffix.lower() != ".csv" or not path.is_file():
            raise DataError(f"{path} is not a CSV file, so it would be ignored; move it away")
    return shown


def _require_known_places(folder: Path) -> None:
    for path in _shown(folder):
        if path.name != "README.md" and not (path.name in _FOLDERS and path.is_dir()):
            raise DataError(
                f"{path} would be ignored: lists belong in the folders {_FOLDERS[0]}/, "
                f"{_FOLDERS[1]}/ and {_FOLDERS[2]}/ beside it; move it into one of them, or away"
            )


def _shown(folder: Path) -> list[Path]:
    """List a folder without its hidden files; return nothing if it does not exist."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _read(path: Path, what: str) -> pd.DataFrame:
    """Read a list with hashes and labels normalised; every cell is text or missing."""
    table = read_csv(path, (), what)
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes the surplus for row names
        raise DataError(
            f"{path} has rows with more cells than its first line has names, so its cells cannot "
            "be told to columns; check for commas that are not in quotes"
        )
    nameless = [name for name in map(str, table.columns) if _MD5.fullmatch(name)]
    if nameless:
        raise DataError(
            f"{path} begins with an image, {nameless[0]!r}, where the names of its columns "
            "belong; put a line such as `md5hash` above it"
        )
    for column in table.columns:
        table[column] = table[column].map(_plain, na_action="ignore")
    for column in SUITABILITY:
        if column in table.columns:
            table[column] = _labels(table[column], path)
    return table


def _plain(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    text = cell.strip()
    if text.startswith("[") and text.endswith("]"):  # a list as Python or JSON writes it
        text = re.sub(r"[\[\]'\"]", "", text)
    hashes = all(_MD5.fullmatch(part.strip()) for part in text.split(","))
    return text.lower() if hashes else text


def _labels(labels: pd.Series, path: Path) -> pd.Series:
    """Spell labels of yes and no as 1 and 0; names of conditions stay as they are."""
    spelled = labels.map(lambda label: _WORDS.get(str(label).lower(), label), na_action="ignore")
    if not spelled.dropna().isin(["0", "1"]).all():
        _require_names(labels.dropna(), path)
        return labels
    missing = spelled.isna()
    if missing.any() and not missing.all():
        raise DataError(
            f"{path}, line {int(missing.to_numpy().argmax()) + 2}: {labels.name} is empty, but "
            "others are 0 or 1; decide whether the image is meant"
        )
    return spelled


def _require_names(labels: pd.Series, path: Path) -> None:
    """Reject numbers other than 0 and 1: any share of votes would count as a yes."""
    numbers = labels[pd.to_numeric(labels, errors="coerce").notna()]
    other = numbers[~numbers.isin(["0", "1", "0.0", "1.0"])]
    if len(other):
        raise DataError(
            f"{path}, line {int(other.index[0]) + 2}: {labels.name} is {other.iloc[0]!r}, which "
            "says neither yes (1) nor no (0), and every image would be meant; decide which are, or "
            "rename the column if it holds something else"
        )
