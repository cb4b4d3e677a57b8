"""Skin tone of other tables: types, votes, inverted scales, groups by values and by ranges."""

from __future__ import annotations

import pandas as pd
import pytest

from tonegap.errors import DataError
from tonegap.foreign.account import Account
from tonegap.foreign.tone import skin_type_columns
from tonegap.presets.schema import Tone


def types(cells, tone=None, **columns):
    """Read the first annotator's types of a table with the column ``t``."""
    frame = pd.DataFrame({"t": cells, **columns}, dtype="str")
    return skin_type_columns(frame, tone or Tone(columns=("t",)), Account("t.csv"))[0].tolist()


def test_without_a_column_every_type_is_unknown():
    """A table without skin types is no error: groups may come from elsewhere."""
    first, second = skin_type_columns(pd.DataFrame({"t": ["1"]}), None, Account("t.csv"))
    assert first.tolist() == second.tolist() == ["-1"]


@pytest.mark.parametrize(
    ("votes", "type_"),
    [
        (("FST2", "FST2", "FST3"), "2"),
        (("FST2", "FST3", None), "2-3"),
        (("1", "6", "3"), "1-6"),
        ((None, None, "FST5"), "5"),
        ((None, None, None), "-1"),
        (("1-2", "1-2", "3"), "1-2"),
        (("1-2", "3", None), "1-3"),
    ],
)
def test_of_several_annotators_the_most_frequent_type_counts(votes, type_):
    """Types with as many votes become the span of them: nobody's vote is thrown away."""
    one, two, three = ([vote] for vote in votes)
    tone = Tone(columns=("t", "u", "v"))
    assert types(one, tone, u=two, v=three) == [type_]


def test_an_inverted_scale_is_turned_round_and_said():
    """The darkest class is the first one; both numberings in use are read."""
    numberings = ((0, 1, 2, 3, 4, 5), (1, 2, 3, 4, 5, 6))
    tone = Tone(columns=("t",), darkest_first=numberings)
    assert types(["0", "5.0", None, "2"], tone) == ["6", "1", "-1", "4"]
    assert types(["1", "6.0", "nan"], tone) == ["6", "1", "-1"]
    account = Account("t.csv")
    skin_type_columns(pd.DataFrame({"t": ["6"]}, dtype="str"), tone, account)
    assert "1 (darkest) to 6 (lightest) and was turned round" in account.notes[0]
    with pytest.raises(DataError, match="holds '0', '6', expected classes from 0 to 5 or 1 to 6"):
        types(["0", "6"], tone)


@pytest.mark.parametrize(
    ("light", "dark", "expected"),
    [
        (("28..",), ("..10",), ["1", "-1", "6", "-1", "-1", "1"]),
        (("41..",), ("-50..28",), ["1", "6", "6", "-1", "-1", "-1"]),
        (("60.2",), ("..0", "10..12"), ["1", "6", "6", "-1", "-1", "-1"]),
    ],
)
def test_ranges_of_degrees_make_groups(light, dark, expected):
    """The lower end belongs to a range, the upper does not; decimal commas are numbers."""
    cells = ["60.2", "11.7", "-46.5", None, "pale", "28,0"]
    assert types(cells, Tone(columns=("t",), light=light, dark=dark)) == expected


def test_tones_of_another_scale_make_groups_by_value_or_number():
    """``MST 1`` and ``MST1`` are one value, and its number can be in a range."""
    cells = ["MST 1", "mst2", "MST 5", "MST 10"]
    by_value = Tone(columns=("t",), light=("MST1", "MST 2"), dark=("MST 10",))
    by_range = Tone(columns=("t",), light=("1..3",), dark=("8..",))
    assert types(cells, by_value) == types(cells, by_range) == ["1", "1", "-1", "6"]


@pytest.mark.parametrize(
    ("tone", "words"),
    [
        (Tone(columns=("t",)), "line 2: t is '60.2', which is no Fitzpatrick type"),
        (Tone(columns=("t",), light=("28..",)), "a value for each group"),
        (Tone(columns=("t",), light=("28..",), dark=("..-90",)), r"the value '..-90' is missing"),
        (Tone(columns=("t",), light=("28..",), dark=("..40",)), "is light .* and dark"),
    ],
)
def test_tones_that_make_no_groups_are_refused(tone, words):
    """One line says what is missing, or which value would be in both groups."""
    with pytest.raises(DataError, match=words) as caught:
        types(["60.2", "30", "-46.5"], tone)
    assert "\n" not in str(caught.value)
