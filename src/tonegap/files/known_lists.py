"""Published lists of duplicates and of clean images, on disk."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tonegap.duplicates.listed import listed_images, listed_pairs
from tonegap.errors import DataError
from tonegap.files.tables import read_csv


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
