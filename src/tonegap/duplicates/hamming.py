"""All pairs of 64-bit hashes within a Hamming distance, at a cost well below n squared.

By the pigeonhole principle, two hashes that differ in at most d bits agree in at least
m - d of m blocks of bits. For each choice of m - d blocks, hashes with equal bits there
share a bucket, and only hashes that share a bucket are compared (Manku, Jain and Das
Sarma, *Detecting near-duplicates for web crawling*, WWW 2007, section 3). More blocks
make smaller buckets and more choices; the cheapest number for these hashes is chosen.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise
from math import comb
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Int, UInt64

_MIX: Final = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: spreads keys over buckets
_BITS: Final = 64
_MAX_TABLE_BITS: Final = 22
_BATCH: Final = 1 << 21  # candidate pairs compared at a time: bounds the memory
_MAX_EXTRA_BLOCKS: Final = 5


class Matches(NamedTuple):
    """Pairs of positions (``left[i]``, ``right[i]``) and their distances in bits."""

    left: Int[np.ndarray, " pairs"]
    right: Int[np.ndarray, " pairs"]
    distance: Int[np.ndarray, " pairs"]


def within_distance(
    left: UInt64[np.ndarray, " n"], right: UInt64[np.ndarray, " m"], distance: int
) -> Matches:
    """Find every pair of a left and a right hash that differ in at most ``distance`` bits.

    Exact: no pair is missed. Pairs are sorted by position. With ``left is right`` each
    pair of different positions appears once, the smaller position first.
    """
    itself = left is right
    table_bits = min(int(max(len(left), 1)).bit_length() + 1, _MAX_TABLE_BITS)
    found = [np.empty(0, np.int64)]
    for mask in _masks(len(left), len(right), distance):
        keys = (_bucket(left, mask, table_bits), _bucket(right, mask, table_bits))
        for i, j in _same_bucket(*keys, 1 << table_bits, itself=itself):
            close = np.bitwise_count(left[i] ^ right[j]) <= distance
            found.append(i[close] * len(right) + j[close])
    i, j = np.divmod(np.unique(np.concatenate(found)), max(len(right), 1))
    return Matches(i, j, np.bitwise_count(left[i] ^ right[j]).astype(np.int64))


def _masks(n: int, m: int, distance: int) -> list[np.uint64]:
    """Return the bits of each choice of blocks; near hashes agree in all bits of at least one."""
    count = _blocks(n, m, distance)
    edges = [_BITS * block // count for block in range(count + 1)]
    blocks = [(1 << stop) - (1 << start) for start, stop in pairwise(edges)]
    return [np.uint64(sum(chosen)) for chosen in combinations(blocks, count - distance)]


def _blocks(n: int, m: int, distance: int) -> int:
    """Choose the number of blocks with the least expected work, for evenly spread hashes.

    ``distance`` blocks mean one choice, of no block: every pair is compared.
    """

    def work(blocks: int) -> float:
        kept = blocks - distance
        bits = min(_BITS * kept // blocks, _MAX_TABLE_BITS)
        return comb(blocks, kept) * (4.0 * (n + m) + n * m / float(1 << bits))

    return min(range(max(distance, 1), distance + _MAX_EXTRA_BLOCKS + 1), key=work)


def _bucket(hashes: UInt64[np.ndarray, " n"], mask: np.uint64, bits: int) -> np.ndarray:
    """Return the bucket of each hash, a function of the masked bits alone."""
    return (((hashes & mask) * _MIX) >> np.uint64(_BITS - bits)).astype(np.int64)


def _same_bucket(
    left: Int[np.ndarray, " n"], right: Int[np.ndarray, " m"], buckets: int, *, itself: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield, in batches, the pairs of positions that share a bucket."""
    order = np.argsort(left, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(left, minlength=buckets))])
    begin, size = starts[right], starts[right + 1] - starts[right]
    total = np.concatenate([[0], np.cumsum(size)])
    first = 0
    while first < len(right):
        last = int(np.searchsorted(total, total[first] + _BATCH, side="right")) - 1
        last = max(last, first + 1)
        j = np.repeat(np.arange(first, last), size[first:last])
        within = np.arange(len(j)) - np.repeat(total[first:last] - total[first], size[first:last])
        i = order[begin[j] + within]
        ahead = i < j if itself else slice(None)
        yield i[ahead], j[ahead]
        first = last
