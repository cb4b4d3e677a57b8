"""Group definitions and sources."""

from __future__ import annotations

import itertools

import pandas as pd
import pytest

from tonegap.cohort import assign_groups, source_of_url
from tonegap.cohort.groups import lacks_label

FST = (-1, 1, 2, 3, 4, 5, 6)


def expected_group(scale, centaur, definition):
    """Apply the definitions of params.yaml to one row."""
    by_scale, by_centaur = (
        "light" if fst in {1, 2} else "dark" if fst in {5, 6} else None for fst in (scale, centaur)
    )
    return {
        "scale": by_scale,
        "centaur": by_centaur,
        "both": by_scale if by_scale == by_centaur else None,
        "dark_4_6": "dark" if scale == 4 else by_scale,
    }[definition]


@pytest.mark.parametrize("definition", ["scale", "centaur", "both", "dark_4_6"])
def test_every_pair_of_labels_falls_into_its_group(definition):
    """All 49 pairs of Scale and Centaur labels are grouped as defined."""
    pairs = list(itertools.product(FST, FST))
    scale, centaur = (pd.Series(values) for values in zip(*pairs, strict=True))
    found = assign_groups(scale, centaur, definition)
    wanted = [expected_group(*pair, definition) for pair in pairs]
    assert [None if pd.isna(group) else group for group in found] == wanted


@pytest.mark.parametrize(
    ("definition", "lacking"),
    [("scale", [True, False, True]), ("centaur", [False, True, True]), ("both", [True] * 3)],
)
def test_only_labels_that_the_definition_needs_must_be_there(definition, lacking):
    """A missing Centaur label is no reason to leave where Scale's decides."""
    scale, centaur = pd.Series([-1, 1, -1]), pd.Series([1, -1, -1])
    assert lacks_label(scale, centaur, definition).tolist() == lacking


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
