"""Group definitions and sources."""

from __future__ import annotations

import itertools

import pandas as pd
import pytest

from tonegap.cohort.groups import assign_groups, groups_of, lacks_value
from tonegap.cohort.source import source_of_url
from tonegap.params import GroupsParams, Range

FST = (pd.NA, 1, 2, 3, 4, 5, 6)
LIGHT, DARK, DARK_WITH_4 = (1, 2), (5, 6), (4, 5, 6)


def defined(column, dark=DARK):
    """Define light and dark by a column."""
    return GroupsParams(
        column=column, compare=("light", "dark"), define={"light": LIGHT, "dark": dark}
    )


def expected_group(first, second, column, dark):
    """Apply a definition to one row by hand."""
    by_first, by_second = (
        None if fst is pd.NA else "light" if fst in LIGHT else "dark" if fst in dark else None
        for fst in (first, second)
    )
    both = by_first if by_first == by_second else None
    return {"fst": by_first, "fst_second": by_second, "fst_both": both}[column]


@pytest.mark.parametrize("dark", [DARK, DARK_WITH_4])
@pytest.mark.parametrize("column", ["fst", "fst_second", "fst_both"])
def test_every_pair_of_labels_falls_into_its_group(column, dark):
    """All 49 pairs of two annotators' labels are grouped as defined."""
    pairs = list(itertools.product(FST, FST))
    rows = pd.DataFrame(pairs, columns=["fst", "fst_second"]).astype("Int64")
    found = assign_groups(rows, defined(column, dark))
    wanted = [expected_group(*pair, column, dark) for pair in pairs]
    assert [None if pd.isna(group) else group for group in found] == wanted


@pytest.mark.parametrize(
    ("column", "lacking"),
    [("fst", [True, False, True]), ("fst_second", [False, True, True]), ("fst_both", [True] * 3)],
)
def test_only_labels_that_the_definition_needs_must_be_there(column, lacking):
    """A missing second label excludes nothing where the first decides."""
    rows = pd.DataFrame({"fst": [pd.NA, 1, pd.NA], "fst_second": [1, pd.NA, pd.NA]})
    assert lacks_value(rows, defined(column)).tolist() == lacking


@pytest.mark.parametrize(
    ("column", "held", "words"),
    [
        ("fst", (5, 6), "FST 5-6"),
        ("fst", (6,), "FST 6"),
        ("fst", (1, 6), "FST 1, 6"),
        ("fst_both", (4, 5, 6), "FST of both annotators 4-6"),
        ("ita", Range(max=10), "ITA in degrees below 10"),
        ("ita", Range(min=41), "ITA in degrees of 41 or more"),
        ("age", Range(min=10, max=41), "age 10 to 41"),
        ("sex", ("female",), "sex female"),
    ],
)
def test_groups_are_described_by_what_they_hold(column, held, words):
    """Axes, legends and the report say what a group is in a few words."""
    define = {"light": (1,), "dark": held}
    groups = groups_of(GroupsParams(column=column, compare=("light", "dark"), define=define))
    assert groups.words["dark"] == words


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://www.dermaamin.com/site/images/a.jpg", "dermaamin"),
        ("http://dermaamin.com/b.jpg", "dermaamin"),
        ("http://atlasdermatologico.com.br/img?imageId=1", "atlasdermatologico"),
        ("https://WWW.Example.ORG:8080/a.jpg", "example.org"),
        ("https://www.dermaamin.com.evil.example/a.jpg", "dermaamin.com.evil.example"),
        ("phantom:v1?melanin=0.1&source=a", "phantom-a"),
        ("phantom:v1?source=phantom-b&seed=3", "phantom-b"),
        ("phantom:v1?seed=3", "phantom"),
        (None, "unknown"),
        (float("nan"), "unknown"),
        ("", "unknown"),
        ("images/7.png", "unknown"),
        ("http://[", "unknown"),
    ],
)
def test_source_comes_from_the_host(url, source):
    """Atlases have short names, others their host, phantoms their own source."""
    assert source_of_url(url) == source
