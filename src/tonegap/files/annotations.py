"""Annotation tables on disk."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pandas as pd

from tonegap.errors import DataError, one_line
from tonegap.tables import LINES, inert, validate_annotations

_MOST_COLUMNS: Final = 2000


def parse_text_table(content: bytes, origin: str) -> pd.DataFrame:
    """Parse a CSV table with every cell as the text that it is; only empty cells are missing.

    The index, called :data:`~tonegap.tables.LINES`, says on which line each row begins.

    Raises
    ------
    DataError
        If it is no table.
    """
    try:
        names = _first_row(content)
        _require_names(names, origin)
        frame = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, na_values=[""])
    except (ValueError, csv.Error, pd.errors.ParserError) as error:  # bad encoding: ValueError
        raise DataError(
            f"{origin} cannot be read as a table ({one_line(error)}); expected an annotation "
            "table, CSV in UTF-8"
        ) from None
    if not isinstance(frame.index, pd.RangeIndex):  # pandas takes the surplus for row names
        raise DataError(
            f"{origin} has rows with more cells than its first line has names, so its cells cannot "
            "be told to columns; check for commas that are not in quotes"
        )
    return _numbered(frame, content)


def _numbered(frame: pd.DataFrame, content: bytes) -> pd.DataFrame:
    try:
        lines = list(_lines(content))[1:]  # the first holds the names
    except csv.Error:  # a cell of more than 131,072 characters
        return frame
    return frame.set_axis(pd.Index(lines, name=LINES)) if len(lines) == len(frame) else frame


def _lines(content: bytes) -> Iterator[int]:
    """Yield where each row begins: lines of blanks are no rows, quoted cells may hold breaks."""
    rows = csv.reader(_text(content))
    begin = 1
    for cells in rows:
        if len(cells) > 1 or "".join(cells).strip():
            yield begin
        begin = rows.line_num + 1


def _first_row(content: bytes) -> list[str]:
    return next((row for row in csv.reader(_text(content)) if row), [])


def _text(content: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")


def _require_names(names: list[str], origin: str) -> None:
    """Refuse column names that pandas would silently make the best of, or take ages over."""
    if len(names) > _MOST_COLUMNS:
        raise DataError(f"{origin} has {len(names)} columns, more than {_MOST_COLUMNS}; is it CSV?")
    repeated = [name for name, count in Counter(names).items() if name and count > 1]
    if repeated:
        raise DataError(
            f"{origin} has two columns {inert(repeated[0])!r}; which of them counts is for you to "
            "say: rename or remove the other"
        )
    parted = next((sign for sign in (";", "\t", "|") if names and sign in names[0]), None)
    if len(names) == 1 and parted:
        raise DataError(
            f"{origin} seems to have {parted!r} between its cells; save it as CSV with commas"
        )


def read_annotations(path: Path) -> pd.DataFrame:
    """Read and validate an annotation table (see :mod:`tonegap.tables`).

    Raises
    ------
    DataError
        If the file is absent or is no table; else naming the file, and the first column,
        line and value that break a rule.
    """
    if not path.is_file():
        raise DataError(
            f"the annotation table is not at {path}; run `dvc repro` from the root of the "
            "repository, or choose a data set with `tonegap source`"
        )
    return validate_annotations(parse_text_table(path.read_bytes(), path.name), path.name)
