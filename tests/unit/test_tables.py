"""The rules of annotation tables, and foreign text made inert."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonegap.errors import DataError
from tonegap.tables import (
    ANNOTATION_COLUMNS,
    ColumnNames,
    canonical_table,
    identifier_md5,
    inert,
    skin_type_text,
    validate_annotations,
)


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


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("3.0", "3"), ("6", "6"), ("IV", "4"), ("vi", "6"), (None, "-1"), (" ", "-1"), ("-1", "-1")],
)
def test_skin_types_in_other_spellings(cell, expected):
    """Floats, Roman numerals and empty cells are understood."""
    assert skin_type_text(cell) == expected


NAMES = ColumnNames("img_id", "fitspatrick", "diagnostic", url="where")
FOREIGN = pd.DataFrame(
    {
        "img_id": ["p1.png", "p2.png"],
        "fitspatrick": ["2.0", None],
        "diagnostic": ["BCC", " NEV "],
        "where": [None, "https://example.org/p2.png"],
    },
    dtype="str",
)


def test_another_table_becomes_canonical():
    """Columns are renamed, levels fall back on the finer one, keys are md5s."""
    table = canonical_table(FOREIGN, NAMES, {"p1.png": "d" * 32}, "pad.csv")
    assert tuple(table.columns) == ANNOTATION_COLUMNS
    assert table["md5hash"].tolist() == ["d" * 32, identifier_md5("p2.png")]
    assert table["fitzpatrick_scale"].tolist() == ["2", "-1"]
    assert table["fitzpatrick_centaur"].tolist() == ["-1", "-1"]
    assert table["three_partition_label"].tolist() == ["BCC", "NEV"]
    assert table["url_alphanum"].tolist() == ["p1.png", "p2.png"]
    assert table["url"].isna().tolist() == [True, False]


def test_blanks_at_the_ends_of_cells_are_no_part_of_them():
    """Files are found, conditions are not counted twice, and a blank url is none."""
    frame = FOREIGN.assign(img_id=["p1.png ", "p2.png"], where=["  ", " https://e.org/p2.png"])
    table = canonical_table(frame, NAMES, {"p1.png": "d" * 32}, "pad.csv")
    assert table["md5hash"].tolist() == ["d" * 32, identifier_md5("p2.png")]
    assert table["url_alphanum"].tolist() == ["p1.png", "p2.png"]
    assert table["url"].fillna("none").tolist() == ["none", "https://e.org/p2.png"]


def test_another_table_with_all_levels():
    """Coarser levels and a second annotator are taken where they are named."""
    frame = FOREIGN.assign(middle=["m", "n"], coarse=["c", "d"], second=["I", ""])
    names = ColumnNames("img_id", "fitspatrick", "diagnostic", "second", "middle", "coarse")
    table = canonical_table(frame, names, {}, "pad.csv")
    assert table["nine_partition_label"].tolist() == ["m", "n"]
    assert table["three_partition_label"].tolist() == ["c", "d"]
    assert table["fitzpatrick_centaur"].tolist() == ["1", "-1"]
    assert table["url"].isna().all()


def test_an_unknown_column_names_the_nearest():
    """A misspelt column is answered with the one that is there."""
    with pytest.raises(DataError, match="no column 'fitspatrik'; did you mean 'fitspatrick'"):
        canonical_table(FOREIGN, ColumnNames("img_id", "fitspatrik", "diagnostic"), {}, "pad.csv")


@pytest.mark.parametrize("second", ["p1.png", " p1.png ", "  ", None])
def test_identifiers_must_tell_rows_apart(second):
    """Repeated or missing identifiers are refused with their line."""
    frame = FOREIGN.assign(img_id=["p1.png", second]).astype("str")
    with pytest.raises(DataError, match=r"pad\.csv, line 3: img_id"):
        canonical_table(frame, NAMES, {}, "pad.csv")


def test_inert_text_is_short_and_can_be_written():
    """Names in other encodings are escaped, line breaks of all kinds go, excess is cut."""
    assert inert("caf\udce9") == "caf\\udce9"
    assert inert("a\u2028b\x85c\u202ed") == "a b c d"
    assert inert("\uff1dcmd()") == "'\uff1dcmd()"
    assert len(inert("x" * 10**6)) < 310


MONK = pd.DataFrame(
    {"id": list("abcde"), "monk": ["MST1", " mst2", "MST5", None, "MST10"], "dx": ["x"] * 5}
)


def test_another_variable_makes_the_groups():
    """Named values become skin types 1 and 6, all others unknown; case does not matter."""
    names = ColumnNames("id", "monk", "dx", light=("MST1", "MST2"), dark=("mst10",))
    table = canonical_table(MONK, names, {}, "m.csv")
    assert table["fitzpatrick_scale"].tolist() == ["1", "1", "-1", "-1", "6"]


def test_a_second_annotator_uses_the_same_values():
    """The groups are made of both columns in the same way; here nobody saw "MST10"."""
    frame = MONK.assign(second=["MST2", "MST3", None, " mst1 ", "?"])
    names = ColumnNames("id", "monk", "dx", "second", light=("MST1", "MST2"), dark=("MST10",))
    table = canonical_table(frame, names, {}, "m.csv")
    assert table["fitzpatrick_centaur"].tolist() == ["1", "-1", "-1", "1", "-1"]


@pytest.mark.parametrize(
    ("light", "dark", "words"),
    [
        (("MST1",), (), "a value for each group"),
        (("MST1",), ("MST9",), "'mst9' is missing"),
        (("MST1",), ("mst1",), "as light and as dark"),
        ((), (), "m.csv, line 2: monk is 'MST1'.*--light and --dark"),
    ],
)
def test_groups_that_no_value_makes_are_refused(light, dark, words):
    """A slip of the hand is met with the values that there are, under the user's own names."""
    names = ColumnNames("id", "monk", "dx", light=light, dark=dark)
    with pytest.raises(DataError, match=words) as caught:
        canonical_table(MONK, names, {}, "m.csv")
    assert "\n" not in str(caught.value)


def test_thousands_of_columns_do_not_fill_the_screen():
    """A message lists a dozen columns at the most."""
    wide = pd.DataFrame([["x"] * 500], columns=[f"column {n}" for n in range(500)])
    with pytest.raises(DataError, match="and more") as caught:
        validate_annotations(wide, "w.csv")
    assert len(str(caught.value)) < 600
