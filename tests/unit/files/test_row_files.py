"""Files that belong to a row by a pattern: every fitting one, and none by a guess."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonegap.files.row_files import files_of_rows


@pytest.mark.parametrize(
    ("pattern", "files", "found"),
    [
        (
            "{}_*",
            ["AA1_0.png", "x/aa1_1.JPG", "AA10_0.png", "AA1.png"],
            ["AA1_0.png", "x/aa1_1.JPG"],
        ),
        ("img-{}-?", ["img-AA1-0.png", "img-AA1-?.png"], ["img-AA1-?.png"]),
        ("*_{}", ["left_AA1.png", "AA1.png", "left_AA1_0.png"], ["left_AA1.png"]),
        (
            "{}/*",
            ["AA1/0.png", "deep/AA1\\1.png", "AA1/x/0.png", "AA1_0.png"],
            ["AA1/0.png", "deep/AA1\\1.png"],
        ),
        ("{}", ["AA1.png", "AA1.jpeg", "AA1_0.png"], ["AA1.png", "AA1.jpeg"]),
    ],
)
def test_a_pattern_names_the_files_of_a_row(pattern, files, found):
    """Case, suffix, slashes and further folders do not matter."""
    assert files_of_rows(pattern, ["AA1", "B"], files).files == {"AA1": found}


def test_a_file_that_fits_two_rows_belongs_to_none():
    """``A_1_2`` is A's or A_1's: nobody can tell."""
    assigned = files_of_rows("{}_*", ["A", "A_1"], ["A_1_2.png", "A_7.png"])
    assert assigned.files == {"A": ["A_7.png"]}
    assert assigned.ambiguous == {"A_1_2.png": ("A", "A_1")}


NAMES = st.text("ab_1", min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["{}_*", "*{}", "{}", "a{}*"]),
    st.lists(NAMES, max_size=4, unique=True),
    st.lists(NAMES, max_size=6, unique=True),
)
def test_against_one_expression_per_row(pattern, rows, files):
    """The quick search finds what a regular expression for each row finds."""
    assigned = files_of_rows(pattern, rows, files)
    for file in files:
        fits = [
            row
            for row in rows
            if re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\{\}", row), file)
        ]
        owners = [row for row, found in assigned.files.items() if file in found]
        assert owners == (fits if len(fits) == 1 else [])
        assert (file in assigned.ambiguous) == (len(fits) > 1)
