"""Tables of other data sets brought into the study's columns."""

from __future__ import annotations

import pandas as pd
import pytest
from foreign_forms import converted, named

from tonegap.errors import DataError
from tonegap.foreign.table import identifier_md5
from tonegap.skin_types import skin_type
from tonegap.tables import ANNOTATION_COLUMNS


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("3.0", "3"), ("6", "6"), ("IV", "4"), ("vi", "6"), (None, "-1"), (" ", "-1"), ("-1", "-1")],
)
def test_skin_types_in_other_spellings(cell, expected):
    """Floats, Roman numerals and empty cells are understood."""
    assert skin_type(cell) == expected


NAMES = named("img_id", "fitspatrick", "diagnostic", url="where")
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
    table = converted(FOREIGN, NAMES, {"p1.png": "d" * 32}, "pad.csv")
    assert tuple(table.columns) == ANNOTATION_COLUMNS
    assert table["md5hash"].tolist() == ["d" * 32, identifier_md5("p2.png")]
    assert table["fitzpatrick_scale"].tolist() == ["2", "-1"]
    assert table["fitzpatrick_centaur"].tolist() == ["-1", "-1"]
    assert table["three_partition_label"].tolist() == ["BCC", "NEV"]
    assert table["url_alphanum"].tolist() == ["p1.png", "p2.png"]
    assert table["url"].isna().tolist() == [True, False]


def test_other_columns_stay_for_groups():
    """``groups.column`` may name any column of the table that was brought: sex, age, site."""
    frame = FOREIGN.assign(sex=["female", "male"], label=["x", "y"])
    table = converted(frame, NAMES, {}, "pad.csv")
    assert table["sex"].tolist() == ["female", "male"]
    assert table["label"].tolist() == ["BCC", "NEV"]
    assert "img_id" not in table


def test_blanks_at_the_ends_of_cells_are_no_part_of_them():
    """Files are found, conditions are not counted twice, and a blank url is none."""
    frame = FOREIGN.assign(img_id=["p1.png ", "p2.png"], where=["  ", " https://e.org/p2.png"])
    table = converted(frame, NAMES, {"p1.png": "d" * 32}, "pad.csv")
    assert table["md5hash"].tolist() == ["d" * 32, identifier_md5("p2.png")]
    assert table["url_alphanum"].tolist() == ["p1.png", "p2.png"]
    assert table["url"].fillna("none").tolist() == ["none", "https://e.org/p2.png"]


def test_another_table_with_all_levels():
    """Coarser levels and a second annotator are taken where they are named."""
    frame = FOREIGN.assign(middle=["m", "n"], coarse=["c", "d"], second=["I", ""])
    names = named("img_id", "fitspatrick", "diagnostic", "second", "middle", "coarse")
    table = converted(frame, names, {}, "pad.csv")
    assert table["nine_partition_label"].tolist() == ["m", "n"]
    assert table["three_partition_label"].tolist() == ["c", "d"]
    assert table["fitzpatrick_centaur"].tolist() == ["1", "-1"]
    assert table["url"].isna().all()


def test_an_unknown_column_names_the_nearest():
    """A misspelt column is answered with the one that is there."""
    with pytest.raises(DataError, match="no column 'fitspatrik'; did you mean 'fitspatrick'"):
        converted(FOREIGN, named("img_id", "fitspatrik", "diagnostic"), {}, "pad.csv")


@pytest.mark.parametrize("second", ["p1.png", " p1.png ", "  ", None])
def test_identifiers_must_tell_rows_apart(second):
    """Repeated or missing identifiers are refused with their line."""
    frame = FOREIGN.assign(img_id=["p1.png", second]).astype("str")
    with pytest.raises(DataError, match=r"pad\.csv, line 3: img_id"):
        converted(frame, NAMES, {}, "pad.csv")


MONK = pd.DataFrame(
    {"id": list("abcde"), "monk": ["MST1", " mst2", "MST5", None, "MST10"], "dx": ["x"] * 5}
)


def test_another_variable_makes_the_groups():
    """Named values become skin types 1 and 6, all others unknown; case does not matter."""
    names = named("id", "monk", "dx", light=("MST1", "MST2"), dark=("mst10",))
    table = converted(MONK, names, {}, "m.csv")
    assert table["fitzpatrick_scale"].tolist() == ["1", "1", "-1", "-1", "6"]


def test_a_second_annotator_uses_the_same_values():
    """The groups are made of both columns in the same way; here nobody saw "MST10"."""
    frame = MONK.assign(second=["MST2", "MST3", None, " mst1 ", "?"])
    names = named("id", "monk", "dx", "second", light=("MST1", "MST2"), dark=("MST10",))
    table = converted(frame, names, {}, "m.csv")
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
    names = named("id", "monk", "dx", light=light, dark=dark)
    with pytest.raises(DataError, match=words) as caught:
        converted(MONK, names, {}, "m.csv")
    assert "\n" not in str(caught.value)
