"""The search for near hashes, against all pairs compared one by one."""

from __future__ import annotations

import numpy as np
import pytest

from tonegap.duplicates import hamming
from tonegap.duplicates.hamming import within_distance


def hashes(seed, count, families=8):
    """Draw hashes of which many lie a few bits from another one."""
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 2**64, families, dtype=np.uint64)
    flips = (np.uint64(1) << rng.integers(0, 64, (count, 5)).astype(np.uint64)).sum(1, dtype="u8")
    return base[rng.integers(0, families, count)] ^ flips


def brute(left, right, distance):
    apart = np.bitwise_count(left[:, None] ^ right[None]).astype(int)
    i, j = np.nonzero(apart <= distance)
    return list(zip(i.tolist(), j.tolist(), apart[i, j].tolist(), strict=True))


def listed(matches):
    return list(zip(*(part.tolist() for part in matches), strict=True))


@pytest.mark.parametrize("distance", [0, 1, 3, 6, 10, 20, 32])
def test_two_sides_match_brute_force(distance):
    """No pair is missed and none is added, at any distance."""
    left, right = hashes(1, 90), hashes(1, 70)
    assert listed(within_distance(left, right, distance)) == brute(left, right, distance)


@pytest.mark.parametrize("distance", [0, 6, 12])
def test_one_side_with_itself_gives_each_pair_once(distance):
    """Positions ascend and no hash is paired with itself."""
    left = hashes(2, 120)
    expected = [pair for pair in brute(left, left, distance) if pair[0] < pair[1]]
    assert listed(within_distance(left, left, distance)) == expected


@pytest.mark.parametrize("blocks", range(6, 12))
def test_every_number_of_blocks_is_exact(monkeypatch, blocks):
    """The choice of blocks is one of cost, never of the result."""
    monkeypatch.setattr(hamming, "_blocks", lambda *_: blocks)
    left = hashes(3, 80)
    expected = [pair for pair in brute(left, left, 6) if pair[0] < pair[1]]
    assert listed(within_distance(left, left, 6)) == expected


def test_batches_do_not_change_the_result(monkeypatch):
    """Comparing seven candidates at a time gives the same pairs."""
    left = hashes(4, 100)
    whole = listed(within_distance(left, left, 6))
    monkeypatch.setattr(hamming, "_BATCH", 7)
    assert listed(within_distance(left, left, 6)) == whole


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 5), (5, 0), (1, 1)])
def test_empty_and_single_sides(n, m):
    """Nothing against something is nothing; one hash is at distance zero of itself."""
    left, right = hashes(5, n), hashes(5, m)
    assert listed(within_distance(left, right, 6)) == brute(left, right, 6)


def test_the_work_grows_well_below_the_square():
    """At 200,000 hashes fewer than one pair in a thousand is compared (counted, not timed)."""
    compared = 0
    original = hamming._same_bucket
    rng = np.random.default_rng(6)
    many = rng.integers(0, 2**64, 200_000, dtype=np.uint64)
    bits = 18 + 1
    for mask in hamming._masks(len(many), len(many), 6):
        bucket = hamming._bucket(many, mask, bits)
        for i, _ in original(bucket, bucket, 1 << bits, itself=True):
            compared += len(i)
    assert compared < len(many) ** 2 / 2 / 1000
