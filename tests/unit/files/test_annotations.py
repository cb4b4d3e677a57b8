"""Annotation tables on disk: what pandas would silently make the best of is refused."""

from __future__ import annotations

import pytest

from tonegap.errors import DataError
from tonegap.files.annotations import parse_text_table, read_annotations
from tonegap.tables import ANNOTATION_COLUMNS

NAMES = ",".join(ANNOTATION_COLUMNS)
ROW = f"{'a' * 32},1,-1,psoriasis,inflammatory,non-neoplastic,,http://a.org/1.jpg,1.jpg"
TABLE = f"{NAMES}\n{ROW}\n"


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode(),
        b"\xef\xbb\xbf" + TABLE.encode(),  # a byte order mark
        TABLE.replace("\n", "\r\n").encode(),
        f"\n{TABLE}\n\n".encode(),
        TABLE.replace("psoriasis", '"psoriasis"').encode(),
        f"{NAMES},\n{ROW},\n".encode(),  # as some spreadsheet programs write it
    ],
)
def test_harmless_variants_are_the_same_table(tmp_path, content):
    """Byte order marks, line ends, blank lines, quotes and a trailing comma change nothing."""
    path = tmp_path / "annotations.csv"
    path.write_bytes(content)
    row = read_annotations(path)[list(ANNOTATION_COLUMNS)].iloc[0].fillna("")
    assert ",".join(row) == ROW


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (TABLE.replace(",", ";"), "';' between its cells"),
        (TABLE.replace(",", "\t"), "between its cells"),
        (f"{NAMES},label\n{ROW},x\n", "two columns 'label'"),
        (f"{NAMES}\n{ROW},x\n", "more cells than"),
        (",".join(f"c{n}" for n in range(100_000)), "100000 columns"),
        (f"{NAMES}\n" + '"', "cannot be read as a table"),
        (f'{NAMES}\n{ROW}\n"{ROW}', "a quotation mark is not closed"),
        (f"{NAMES}\n{ROW}\n\n{ROW},x\n", r"a\.csv, line 4 has more cells than"),
        ("", "no column"),
        (f"{'x' * 200_000}\n1\n", "cannot be read as a table"),
    ],
)
def test_misread_tables_are_refused_in_one_short_line(content, words):
    """Nothing is guessed: which cell is of which column must be certain."""
    with pytest.raises(DataError, match="(?i)" + words) as caught:
        parse_text_table(content.encode(), "a.csv")
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


def test_utf_16_is_refused(tmp_path):
    """Another encoding is named as such."""
    path = tmp_path / "a.csv"
    path.write_bytes(TABLE.encode("utf-16"))
    with pytest.raises(DataError, match=r"a\.csv.*UTF-8"):
        read_annotations(path)


def test_the_line_named_is_the_line_of_the_file(tmp_path):
    """Blank lines and cells of several lines count as an editor counts them."""
    bad = ROW.replace(ROW.split(",", maxsplit=1)[0], "no md5")
    path = tmp_path / "a.csv"
    path.write_text(f'{NAMES},note\n\n{ROW},"two\nlines"\n  \n{bad},\n', "utf-8")
    with pytest.raises(DataError, match=r"a\.csv, line 6: md5hash is 'no md5'"):
        read_annotations(path)


@pytest.mark.parametrize("cell", ["=1", "+1", "-x", "@x", " =1", "\uff1d1", "\t", "  ", "a\u2028b"])
@pytest.mark.parametrize("column", ["label", "nine_partition_label", "three_partition_label"])
def test_labels_are_plain_text(tmp_path, cell, column):
    """Formulas, blanks and odd line breaks are refused with the line and the column."""
    at = ANNOTATION_COLUMNS.index(column)
    cells = ROW.split(",")
    path = tmp_path / "a.csv"
    path.write_text(f"{NAMES}\n{','.join([*cells[:at], cell, *cells[at + 1 :]])}\n", "utf-8")
    with pytest.raises(DataError, match=rf"a\.csv, line 2: {column} is"):
        read_annotations(path)
