"""Annotation tables on disk."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Final

import pandas as pd

from tonegap.errors import DataError, one_line
from tonegap.tables import LINES, inert, validate_annotations

_MOST_COLUMNS: Final = 2000
_END: Final = ["\N{END OF TRANSMISSION}"] * 2  # follows the last row; an open quotation hides it


def parse_text_table(content: bytes, origin: str) -> pd.DataFrame:
    """Parse a CSV table with every cell as the text that it is; only empty cells are missing.

    The index, called :data:`~tonegap.tables.LINES`, says on which line each row begins.

    Raises
    ------
    DataError
        If it is no table, or a cell has more than 131,072 characters.
    """
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
    return table_of_lines(text, origin)


def table_of_lines(text: Iterable[str], origin: str, delimiter: str = ",") -> pd.DataFrame:
    """Parse the lines of a table; see :func:`parse_text_table`."""
    try:
        return table_of_rows(_rows(text, delimiter), origin)
    except (ValueError, csv.Error) as error:  # bad encoding: ValueError
        raise DataError(
            f"{origin} cannot be read as a table ({one_line(error)}); expected an annotation "
            "table, CSV in UTF-8"
        ) from None


def table_of_rows(rows: Iterator[tuple[int, list[str]]], origin: str) -> pd.DataFrame:
    """Make a table of rows, each with its line; the first row holds the names of the columns.

    Raises
    ------
    DataError
        If names repeat, or a row has more cells than the first.
    ValueError
        If there is no row.
    """
    names = _names(rows, origin)
    lines, cells = _filled(rows, len(names), origin)
    return pd.DataFrame(cells, pd.Index(lines, name=LINES, dtype="int64"), names, dtype="str")


def _rows(text: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield rows and the lines on which they begin; lines of blanks are no rows.

    Raises
    ------
    ValueError
        If the last quoted cell does not end.
    """
    reader = csv.reader(chain(text, [delimiter.join(_END)]), delimiter=delimiter)
    begin = 1
    for cells in reader:
        if cells == _END:
            return
        if len(cells) > 1 or "".join(cells).strip(" \t"):
            yield begin, cells
        begin = reader.line_num + 1
    raise ValueError("a quotation mark is not closed")


def _names(rows: Iterator[tuple[int, list[str]]], origin: str) -> list[str]:
    _, names = next(rows, (1, []))
    if not names:
        raise ValueError("it has no columns")
    _require_names(names, origin)
    return [name or f"Unnamed: {place}" for place, name in enumerate(names)]


def _filled(
    rows: Iterator[tuple[int, list[str]]], columns: int, origin: str
) -> tuple[list[int], list[list[str | None]]]:
    """Give the line of each row, and its cells; short rows end with missing ones."""
    lines, table = [], []
    for line, cells in rows:
        if len(cells) > columns:
            raise DataError(
                f"{origin}, line {line} has more cells than the first line has names, so its cells "
                "cannot be told to columns; check for commas that are not in quotes"
            )
        lines.append(line)
        table.append([*(cell or None for cell in cells), *[None] * (columns - len(cells))])
    return lines, table


def _require_names(names: list[str], origin: str) -> None:
    """Reject duplicate names, too many, and cells that something other than commas separates."""
    if len(names) > _MOST_COLUMNS:
        raise DataError(f"{origin} has {len(names)} columns, more than {_MOST_COLUMNS}; is it CSV?")
    repeated = [name for name, count in Counter(names).items() if name and count > 1]
    if repeated:
        raise DataError(
            f"{origin} has two columns {inert(repeated[0])!r}; keep the one that "
            "counts and rename or remove the other"
        )
    parted = next((sign for sign in (";", "\t", "|") if sign in names[0]), None)
    if len(names) == 1 and parted:
        raise DataError(
            f"{origin} seems to have {parted!r} between its cells; save it as CSV with commas"
        )


def read_annotations(path: Path) -> pd.DataFrame:
    """Read and validate an annotation table (see :mod:`tonegap.tables`).

    Raises
    ------
    DataError
        If the file is absent, is not a table or breaks a rule; the message names the file,
        and the first column, line and value that break the rule.
    """
    if not path.is_file():
        raise DataError(
            f"the annotation table is not at {path}; run `dvc repro` from the root of the "
            "repository, or choose a data set with `tonegap source`"
        )
    return validate_annotations(parse_text_table(path.read_bytes(), path.name), path.name)
