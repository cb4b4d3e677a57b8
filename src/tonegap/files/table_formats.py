"""Tables as people have them: CSV of any delimiter and encoding, Excel, Parquet, JSON lines, gzip.

Every cell becomes text, so that identifiers keep their leading zeros; only empty cells are missing.
Numbers of Excel, Parquet and JSON are written as Python writes them, such as ``3`` and ``3.0``.
"""

from __future__ import annotations

import csv
import io
import json
import math
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

import pandas as pd

from tonegap.errors import DataError, one_line
from tonegap.files.annotations import table_of_lines, table_of_rows

DELIMITERS: Final = (",", ";", "\t", "|")
LARGEST_TABLE: Final = 200_000_000  # bytes, unpacked

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_PARQUET: Final = b"PAR1"
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_WORKBOOK: Final = "xl/workbook.xml"
_SEEN: Final = 20  # rows from which the delimiter is judged


class ReadTable(NamedTuple):
    """A table, and what a user should know about how it was read.

    Attributes
    ----------
    frame
        Every cell text or missing; the index is called :data:`~tonegap.tables.LINES`.
    notes
        Sentences, none for a CSV file in UTF-8.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()


def read_table(content: bytes, origin: str) -> ReadTable:
    """Read a table of any of the formats, which its first bytes tell apart.

    Parameters
    ----------
    content
        The file's bytes.
    origin
        Its name, for messages.

    Raises
    ------
    DataError
        If it is no table, or of a format that needs a package which is not installed.
    """
    if content.startswith(_GZIP):
        return read_table(_unpacked(content, origin), origin)
    if content.startswith(_PARQUET):
        return _parquet(content, origin)
    if content.startswith(_ZIP):
        return _workbook(content, origin)
    if content.startswith(_OLD_EXCEL):
        raise DataError(f"{origin} is a workbook of old Excel (.xls); save it as .xlsx or CSV")
    text, notes = _decoded(content, origin)
    if text.lstrip()[:1] in {"{", "["}:
        return ReadTable(_json(text, origin), notes)
    return ReadTable(_delimited(text, origin), notes)


def _unpacked(content: bytes, origin: str) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        table = unpacker.decompress(content, LARGEST_TABLE)
    except zlib.error as error:
        raise DataError(f"{origin} is a damaged gzip file ({error}); download it again") from None
    if unpacker.unconsumed_tail:
        raise DataError(f"{origin} unpacks to more than {LARGEST_TABLE} bytes; is it the table?")
    if not unpacker.eof:
        raise DataError(f"{origin} is a gzip file that is cut off; download it again")
    return table


def _decoded(content: bytes, origin: str) -> tuple[str, tuple[str, ...]]:
    """Decode text; anything but UTF-8 is told."""
    if content.startswith(_UTF16):
        return content.decode("utf-16", "replace"), (f"{origin} was read as UTF-16",)
    if b"\x00" in content:
        raise DataError(
            f"{origin} cannot be read as a table (it holds NUL bytes); give CSV, Excel, Parquet or "
            "JSON lines"
        )
    try:
        return content.decode("utf-8-sig"), ()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        note = (
            f"{origin} is not UTF-8 (line {line}) and was read as Windows-1252; save it as UTF-8 "
            "if letters with accents look wrong"
        )
        return content.decode("cp1252", "replace"), (note,)


def _delimited(text: str, origin: str) -> pd.DataFrame:
    lines = io.StringIO(text, newline="")
    return table_of_lines(lines, origin, _delimiter(text))


def _delimiter(text: str) -> str:
    """Return the delimiter that parts the first row into the most cells; a comma if none does."""
    head = text.lstrip("\r\n").splitlines(keepends=True)[:_SEEN]
    return max(DELIMITERS, key=lambda sign: _first_cells(head, sign))


def _first_cells(head: Sequence[str], delimiter: str) -> int:
    try:
        return len(next(csv.reader(head, delimiter=delimiter), []))
    except csv.Error:
        return 0


def _json(text: str, origin: str) -> pd.DataFrame:
    """Read one object a line, or one array of objects."""
    try:
        whole = json.loads(text) if text.lstrip().startswith("[") else None
        lines = [line for line in text.splitlines() if line.strip()]
        objects = whole if whole is not None else [json.loads(line) for line in lines]
    except ValueError as error:
        raise DataError(
            f"{origin} cannot be read as JSON lines ({one_line(error)}); expected one object a line"
        ) from None
    if not all(isinstance(each, dict) for each in objects):
        raise DataError(f"{origin} is JSON, but not one object per row")
    names = list(dict.fromkeys(str(name) for each in objects for name in each))
    rows = ([each.get(name) for name in names] for each in objects)
    return _table(names, rows, origin)


def _workbook(content: bytes, origin: str) -> ReadTable:
    try:
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise DataError(f"{origin} is a damaged zip file ({one_line(error)})") from None
    if _WORKBOOK not in names:
        raise DataError(f"{origin} is a zip; unpack it and give the table within")
    try:
        from openpyxl import load_workbook  # noqa: PLC0415  an optional extra
    except ImportError:
        raise _missing(origin, "an Excel workbook", "openpyxl") from None
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        rows = [list(row) for row in sheet.iter_rows(values_only=True)]
        sheets = book.sheetnames
        book.close()
    except Exception as error:  # noqa: BLE001  # openpyxl raises nearly anything on damaged files
        raise DataError(f"{origin} cannot be read as a workbook ({one_line(error)})") from None
    notes = (f"{origin}: only the first of {len(sheets)} sheets, {sheets[0]!r}, was read",)
    return ReadTable(_sheet(rows, origin), notes if len(sheets) > 1 else ())


def _sheet(rows: Sequence[Sequence[object]], origin: str) -> pd.DataFrame:
    """Make a table of a sheet, without empty rows and without empty cells beyond the names."""
    filled = [(n, row) for n, row in enumerate(rows, 1) if any(cell is not None for cell in row)]
    if not filled:
        raise DataError(f"{origin} has no rows in its first sheet; is the table in another?")
    width = max(n for n, cell in enumerate(filled[0][1], 1) if cell is not None)
    surplus = next((n for n, row in filled if any(cell is not None for cell in row[width:])), 0)
    if surplus:
        raise DataError(
            f"{origin}, row {surplus} of the sheet has more cells than the first row has names; "
            "name every column"
        )
    return table_of_rows(((n, _texts(row[:width])) for n, row in filled), origin)


def _parquet(content: bytes, origin: str) -> ReadTable:
    try:
        import pyarrow.parquet as pq  # noqa: PLC0415  an optional extra
    except ImportError:
        raise _missing(origin, "a Parquet file", "pyarrow") from None
    try:
        table = pq.read_table(io.BytesIO(content))
        columns = {name: table.column(name).to_pylist() for name in table.column_names}
    except Exception as error:  # noqa: BLE001  # pyarrow raises nearly anything on damaged files
        raise DataError(f"{origin} cannot be read as Parquet ({one_line(error)[:200]})") from None
    held = {name: cells for name, cells in columns.items() if not _holds_bytes(cells)}
    lost = sorted(set(columns) - set(held))
    notes = tuple(f"{origin}: the column {name!r} holds bytes and was left out" for name in lost)
    rows = (list(row) for row in zip(*held.values(), strict=True))
    return ReadTable(_table(list(held), rows, origin), notes)


def _holds_bytes(cells: Iterable[object]) -> bool:
    first = next((cell for cell in cells if cell is not None), None)
    parts = first.values() if isinstance(first, dict) else [first]
    return any(isinstance(part, bytes) for part in parts)


def _table(names: Sequence[str], rows: Iterable[Sequence[object]], origin: str) -> pd.DataFrame:
    if not names:
        raise DataError(f"{origin} cannot be read as a table (it has no columns)")
    numbered = ((line, _texts(row)) for line, row in enumerate(chain([names], rows), 1))
    return table_of_rows(numbered, origin)


def _texts(row: Iterable[object]) -> list[str]:
    return [_text(cell) for cell in row]


def _text(cell: Any) -> str:
    """Write a typed cell as text; empty if it is missing."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, list | dict):
        return json.dumps(cell, default=str, ensure_ascii=False)
    return str(cell)


def _missing(origin: str, what: str, package: str) -> DataError:
    return DataError(
        f"{origin} is {what}, and reading it needs {package}, which is not installed; run `pip "
        "install 'tonegap[tables]'`, or save the table as CSV"
    )
