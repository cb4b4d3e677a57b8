"""Tables as people have them: one meaning in every format, and one line for what is no table."""

from __future__ import annotations

import gzip
import io
import json
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest

from tonegap.errors import DataError
from tonegap.files import table_formats
from tonegap.files.table_formats import read_table

ROWS = [["id", "fst", "a label"], ["001", "3", "x, y"], ["-5", "", 'say "z"']]


def _csv(delimiter=",", encoding="utf-8", end="\n"):
    quoted = [['"' + cell.replace('"', '""') + '"' for cell in row] for row in ROWS]
    return (end.join(delimiter.join(row) for row in quoted) + end).encode(encoding)


def _lines():
    names, *rows = ROWS
    objects = (dict(zip(names, (cell or None for cell in row), strict=True)) for row in rows)
    return "\n".join(json.dumps(each) for each in objects).encode()


def _workbook():
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append([cell or None for cell in row])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _parquet():
    pytest.importorskip("pyarrow")
    names, *rows = ROWS
    frame = pd.DataFrame([[cell or None for cell in row] for row in rows], columns=names)
    stream = io.BytesIO()
    frame.to_parquet(stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    "make",
    [
        _csv,
        lambda: _csv(";"),
        lambda: _csv("\t"),
        lambda: _csv("|"),
        lambda: b"\xef\xbb\xbf" + _csv(),
        lambda: _csv(end="\r\n"),
        lambda: gzip.compress(_csv(";")),
        lambda: _csv(encoding="utf-16"),
        _lines,
        lambda: json.dumps([json.loads(line) for line in _lines().splitlines()]).encode(),
        _workbook,
        _parquet,
    ],
)
def test_every_format_gives_the_same_table(make):
    """Names, leading zeros, commas, quotes and empty cells survive each format."""
    frame = read_table(make(), "t").frame
    assert frame.columns.tolist() == ROWS[0]
    assert frame.fillna("").to_numpy().tolist() == ROWS[1:]
    assert frame["fst"].isna().tolist() == [False, True]


def test_another_encoding_is_told():
    """Windows-1252 is read, and said to have been."""
    frame, notes = read_table("id;n\n1;na\u00efve\n".encode("cp1252"), "t.csv")
    assert frame["n"].tolist() == ["na\u00efve"]
    assert "line 2" in notes[0]
    assert "Windows-1252" in notes[0]


def test_numbers_of_typed_formats_become_text():
    """A float keeps its .0, truth its word, a list its JSON; bytes are named and left out."""
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(
        {"n": [3.0, np.nan], "t": [True, False], "l": [["a"], []], "i": [1, 2], "b": [b"x", None]}
    )
    stream = io.BytesIO()
    frame.to_parquet(stream)
    read, notes = read_table(stream.getvalue(), "t.parquet")
    assert read.fillna("").iloc[0].tolist() == ["3.0", "True", '["a"]', "1"]
    assert read["n"].isna().tolist() == [False, True]
    assert "'b' holds bytes" in notes[0]


def test_a_second_sheet_is_named():
    """Only the first sheet is read, and the user is told."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["id", None])
    book.active.append([None, None])
    book.active.append(["a", None])
    book.create_sheet("more")
    stream = io.BytesIO()
    book.save(stream)
    frame, notes = read_table(stream.getvalue(), "t.xlsx")
    assert frame["id"].tolist() == ["a"]
    assert frame.index.tolist() == [3]
    assert "first of 2 sheets" in notes[0]


@pytest.mark.parametrize(("module", "make"), [("openpyxl", _workbook), ("pyarrow", _parquet)])
def test_a_missing_package_is_one_line_with_the_remedy(monkeypatch, module, make):
    """Without the extra the message says what to install."""
    content = make()
    for name in (module, f"{module}.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DataError, match=rf"{module}.*pip install 'tonegap\[tables\]'") as caught:
        read_table(content, "t")
    assert "\n" not in str(caught.value)


def _zip_of_a_csv():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("t.csv", "a\n1\n")
    return stream.getvalue()


NO_TABLES = {
    "no columns": (b"", b"\n\n", b"[]"),
    "two columns 'a'": (b"a,a\n1,2\n",),
    "line 2 has more cells": (b"a,b\n1,2,3\n",),
    "quotation mark": (b'a\n"1\n',),
    "NUL": (b"\x89PNG\x00\x00",),
    "cut off": (gzip.compress(b"a\n1\n", mtime=0)[:-3],),
    "damaged gzip": (b"\x1f\x8bxxxx",),
    "damaged zip": (b"PK\x03\x04xx",),
    "Parquet": (b"PAR1xx",),
    "old Excel": (b"\xd0\xcf\x11\xe0xx",),
    "JSON lines": (b'{"a": 1}\n{"a": ',),
    "not one object per row": (b"[1, 2]",),
    "unpack it": (_zip_of_a_csv(),),
}


@pytest.mark.parametrize("words", NO_TABLES)
def test_what_is_no_table_is_refused_in_one_line(words):
    """The message names the file and what is wrong."""
    for content in NO_TABLES[words]:
        with pytest.raises(DataError, match=words) as caught:
            read_table(content, "t.bin")
        assert str(caught.value).startswith("t.bin")
        assert "\n" not in str(caught.value)


def test_a_bomb_is_not_unpacked(monkeypatch):
    """A small file that unpacks to a huge one is refused at the limit."""
    monkeypatch.setattr(table_formats, "LARGEST_TABLE", 1000)
    with pytest.raises(DataError, match="unpacks to more than 1000 bytes"):
        read_table(gzip.compress(b"a" * 5000), "t.csv.gz")
