"""What holds for every set of hashes and every set of pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from tonegap.duplicates.clustering import clusters
from tonegap.duplicates.hamming import within_distance

HASHES = st.lists(st.integers(0, 2**64 - 1), max_size=30)
SMALL = st.lists(st.integers(0, 255), max_size=30)  # near each other, unlike random ones
NAMES = st.sampled_from("abcdefgh")


@settings(max_examples=80, deadline=None)
@given(st.one_of(HASHES, SMALL), st.one_of(HASHES, SMALL), st.integers(0, 32))
def test_the_search_is_exact(left, right, distance):
    """All pairs within the distance, and no other."""
    one, other = np.array(left, np.uint64), np.array(right, np.uint64)
    found = within_distance(one, other, distance)
    expected = [
        (i, j, (x ^ y).bit_count())
        for i, x in enumerate(left)
        for j, y in enumerate(right)
        if (x ^ y).bit_count() <= distance
    ]
    assert list(zip(*(part.tolist() for part in found), strict=True)) == expected


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES), max_size=12), st.randoms())
def test_clusters_are_a_partition_that_order_does_not_change(edges, chance):
    """Pairs end in one cluster, named after its smallest member, in whatever order they come."""
    pairs = pd.DataFrame(edges, columns=["md5hash_a", "md5hash_b"], dtype=str)
    found = clusters("abcdefgh", pairs)
    for one, other in edges:
        assert found[one] == found[other]
    assert all(found[cluster] == cluster <= name for name, cluster in found.items())
    shuffled = chance.sample([(b, a) for a, b in edges], len(edges))
    again = clusters("hgfedcba", pd.DataFrame(shuffled, columns=pairs.columns, dtype=str))
    assert again.to_dict() == found.to_dict()
