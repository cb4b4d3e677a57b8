"""Clusters, against scipy's connected components, and what they straddle."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tonegap.duplicates.clustering import clusters, straddling


def pairs_of(names, one, other):
    return pd.DataFrame({"md5hash_a": names[one], "md5hash_b": names[other]}, dtype=str)


@pytest.mark.parametrize("edges", [0, 5, 20, 60])
def test_clusters_are_connected_components(edges):
    """The partition is scipy's, each part named after its smallest member."""
    rng = np.random.default_rng(edges)
    names = np.array([f"{n:032x}" for n in rng.permutation(40)])
    one, other = rng.integers(0, 40, (2, edges))
    graph = coo_array((np.ones(edges), (one, other)), shape=(40, 40))
    parts = pd.Series(connected_components(graph, directed=False)[1], index=names)
    expected = parts.map({part: min(parts.index[parts == part]) for part in set(parts)})
    found = clusters(names.tolist(), pairs_of(names, one, other))
    assert found.to_dict() == expected.to_dict()
    assert list(found.index) == list(names)


def test_pairs_with_strangers_join_nothing():
    """An image that is not asked for is no bridge between two that are."""
    pairs = pd.DataFrame({"md5hash_a": ["a", "b"], "md5hash_b": ["x", "x"]})
    assert clusters(["a", "b"], pairs).to_dict() == {"a": "a", "b": "b"}


def test_straddling_names_cluster_column_and_values():
    """Only clusters with different known values are listed."""
    cohort = pd.DataFrame(
        {
            "md5hash": list("abcdef"),
            "copies": list("aaccef"),
            "group": ["light", "dark", "light", None, "dark", "light"],
            "label_fine": ["acne", "acne", "acne", "keloid", "acne", "keloid"],
        }
    )
    found = straddling(cohort, over=("group", "label_fine"))
    assert found.to_dict("records") == [
        {"cluster": "a", "over": "group", "values": "dark | light", "images": 2},
        {"cluster": "c", "over": "label_fine", "values": "acne | keloid", "images": 2},
    ]


def test_no_cluster_straddles_in_an_empty_cohort():
    """The columns are there without rows."""
    cohort = pd.DataFrame(columns=["md5hash", "copies", "group"], dtype=str)
    assert list(straddling(cohort, over=("group",)).columns) == [
        "cluster",
        "over",
        "values",
        "images",
    ]
