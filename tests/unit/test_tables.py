"""The rules of annotation tables, and foreign text made inert."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonegap.errors import DataError
from tonegap.tables import ANNOTATION_COLUMNS, inert, validate_annotations


def _table(**changes: object) -> pd.DataFrame:
    """Three good rows; ``changes`` replace cells of the second, on line 3 of a file."""
    table = pd.DataFrame(
        {
            "md5hash": [digit * 32 for digit in "abc"],
            "fitzpatrick_scale": ["1", "6", "-1"],
            "fitzpatrick_centaur": ["-1", "5", "2"],
            "label": ["psoriasis", "NA", "acne"],
            "nine_partition_label": ["inflammatory"] * 3,
            "three_partition_label": ["non-neoplastic"] * 3,
            "qc": [None, "1 Diagnostic", None],
            "url": ["https://example.org/a.jpg", None, "phantom:v1?x=1"],
            "url_alphanum": ["a.jpg", "b.jpg", None],
        },
        dtype="str",
    )
    for column, value in changes.items():
        table.loc[1, column] = value
    return table


def test_a_good_table_passes_unchanged():
    """Validation returns the rows as they are, further columns included."""
    table = _table().assign(age="50")
    pd.testing.assert_frame_equal(validate_annotations(table, "a.csv"), table)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("md5hash", "b" * 31, "32 lower-case hexadecimal"),
        ("md5hash", "B" * 32, "32 lower-case hexadecimal"),
        ("md5hash", "b" * 32 + "\n", "32 lower-case hexadecimal"),
        ("md5hash", "../" + "b" * 29, "32 lower-case hexadecimal"),
        ("md5hash", None, "empty"),
        ("fitzpatrick_scale", "7", "1 to 6"),
        ("fitzpatrick_scale", "0", "1 to 6"),
        ("fitzpatrick_scale", "3.5", "1 to 6"),
        ("fitzpatrick_centaur", None, "empty"),
        ("label", None, "empty"),
        ("label", "=HYPERLINK(1)", "formula"),
        ("three_partition_label", " @SUM", "formula"),
        ("nine_partition_label", "a\x07b", "one line of plain text"),
        ("label", "x" * 201, "at most 200"),
        ("url", "https://a\nb", "one line of plain text"),
        ("qc", "+1", "formula"),
    ],
)
def test_a_bad_cell_is_named(column, value, words):
    """Column, line and value are in the message, on one line."""
    with pytest.raises(DataError, match=rf"a\.csv, line 3: {column} is .*{words}") as caught:
        validate_annotations(_table(**{column: value}), "a.csv")
    assert "\n" not in str(caught.value)


def test_a_repeated_md5_is_named():
    """Two rows of one md5 cannot be told apart."""
    with pytest.raises(DataError, match=r"line 2: md5hash is 'aaaa.* must occur once"):
        validate_annotations(_table(md5hash="a" * 32), "a.csv")


@pytest.mark.parametrize("column", ANNOTATION_COLUMNS)
def test_a_missing_column_is_named(column):
    """Each column is needed."""
    with pytest.raises(DataError, match=f"lacks the column '{column}'"):
        validate_annotations(_table().drop(columns=column), "a.csv")


def test_no_rows_is_an_error():
    """A table of nothing is refused."""
    with pytest.raises(DataError, match="no rows"):
        validate_annotations(_table().iloc[:0], "a.csv")


@given(st.text())
def test_inert_text_runs_nowhere(text):
    """Whatever comes in, one line comes out that begins like no formula."""
    safe = inert(text)
    assert safe.lstrip()[:1] not in tuple("=+-@")
    assert not any(character < " " or character == "\x7f" for character in safe)


def test_inert_leaves_plain_text():
    """Ordinary details are not changed."""
    assert inert("HTTP 404") == "HTTP 404"
    assert inert("=1+1\n@x") == "'=1+1 @x"


def test_inert_text_is_short_and_can_be_written():
    """Names in other encodings are escaped, line breaks of all kinds go, excess is cut."""
    assert inert("caf\udce9") == "caf\\udce9"
    assert inert("a\u2028b\x85c\u202ed") == "a b c d"
    assert inert("\uff1dcmd()") == "'\uff1dcmd()"
    assert len(inert("x" * 10**6)) < 310


def test_thousands_of_columns_do_not_fill_the_screen():
    """A message lists a dozen columns at the most."""
    wide = pd.DataFrame([["x"] * 500], columns=[f"column {n}" for n in range(500)])
    with pytest.raises(DataError, match="and more") as caught:
        validate_annotations(wide, "w.csv")
    assert len(str(caught.value)) < 600
