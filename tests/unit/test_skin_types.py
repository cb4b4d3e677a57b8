"""Fitzpatrick skin types: every way to write one has one meaning, and nothing else is a type."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonegap.skin_types import CODED, all_within, bounds, middle, skin_type

ROMAN = ("I", "II", "III", "IV", "V", "VI")


@pytest.mark.parametrize("number", range(1, 7))
def test_one_type_in_many_spellings(number):
    """Numbers, Roman numerals, names and words behind them say the same."""
    roman = ROMAN[number - 1]
    spellings = [
        *(
            f"{number}",
            f" {number}.0 ",
            f"{number},0",
            f"FST{number}",
            f"fst {number}",
            f"FST_{number}",
        ),
        *(roman, roman.lower(), f"Type {roman}", f"Fitzpatrick skin type {number}"),
        *(f"{roman.lower()} very white, often burns", f"{number} - brown", f"{number}-{number}"),
    ]
    assert {skin_type(cell) for cell in spellings} == {str(number)}


@pytest.mark.parametrize(
    ("cell", "span"),
    [
        *(("12", "1-2"), ("34.0", "3-4"), ("56", "5-6"), ("123", "1-3")),
        *(("I-II", "1-2"), ("V-VI", "5-6"), ("v \u2013 vi", "5-6"), ("1/2", "1-2")),
        *(("FST1-FST2", "1-2"), ("II to III", "2-3"), ("3 and 4", "3-4"), ("type 5 or 6", "5-6")),
    ],
)
def test_types_that_are_not_told_apart_become_a_span(cell, span):
    """DDI's pairs and ranges of any spelling keep both ends."""
    assert skin_type(cell) == span


@pytest.mark.parametrize(
    "cell", ["", "  ", None, float("nan"), "-1", "-1.0", "nan", "NaN", "NONE_SELECTED", "N/A", "?"]
)
def test_unknown_has_many_words(cell):
    """An empty cell, and every word for one, is unknown."""
    assert skin_type(cell) == "-1"


@pytest.mark.parametrize(
    "cell",
    [
        *("0", "7", "13", "21", "65", "6-5", "-2", "1.5", "12.5", "MST 3", "MST1", "brown"),
        *("I don't know", "v or darker", "ii to", "iiii", "60.2", "=1", "True", "type"),
    ],
)
def test_what_is_no_type_is_none(cell):
    """Monk tones, degrees, words and pronouns are never taken for a type."""
    assert skin_type(cell) is None


@given(st.text(max_size=12))
def test_every_reading_is_one_of_our_own(text):
    """Whatever a cell holds, it is refused or becomes what our own tables may hold."""
    read = skin_type(text)
    assert read is None or pd.Series([read]).str.match(CODED).all()


def test_bounds_and_middle_of_our_own_cells():
    """Numbers of a file without spans and text of one with them read alike."""
    numbers, text = pd.Series([1.0, 6.0, -1.0, None]), pd.Series(["1", "6", "-1", None])
    for cells in (numbers, text, numbers.astype("Int64")):
        low, high = bounds(cells)
        assert low[:2].tolist() == high[:2].tolist() == [1.0, 6.0]
        assert pd.isna(low[2:]).all()
    assert middle(pd.Series(["1-2", "3", "2-6"])).tolist() == [1.5, 3.0, 4.0]


@given(st.sets(st.integers(1, 6)), st.integers(1, 6), st.integers(1, 6))
def test_a_span_is_within_a_group_that_holds_all_its_types(types, one, other):
    """Against the definition: every type from low to high is a member."""
    low, high = sorted((one, other))
    cell = str(low) if low == high else f"{low}-{high}"
    found = all_within(pd.Series([cell, None]), sorted(types))
    assert found.tolist() == [set(range(low, high + 1)) <= types, False]
