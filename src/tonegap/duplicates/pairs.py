"""Pairs of images that are copies of each other, from the table of fingerprints."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from tonegap.duplicates.hamming import Matches, parse_hashes, within_distance

PAIR_COLUMNS: Final = ("md5hash_a", "md5hash_b", "kind", "distance")

# In this order, a pair keeps the first kind that holds for it.
_EXACT: Final = {"bytes": "sha256", "pixels": "pixel_sha256"}


def near_duplicate_pairs(index: pd.DataFrame, near_distance: int) -> pd.DataFrame:
    """Find the pairs of copies among readable images.

    Parameters
    ----------
    index
        Table of fingerprints.
    near_distance
        Largest Hamming distance of the 64-bit perceptual hashes of a pair, bits in [0, 32].

    Returns
    -------
    DataFrame
        One row per pair: ``md5hash_a`` < ``md5hash_b``, ``kind`` (``bytes``: equal files;
        ``pixels``: equal pictures in unequal files; ``near``: near hashes; ``mirrored``:
        near after a flip), ``distance`` in bits. In a set of equal images each is paired
        with the smallest md5hash only, which joins the set all the same.
    """
    readable = index[index["readable"].astype(bool)].sort_values("md5hash", ignore_index=True)
    exact = [_equal(readable, column, kind) for kind, column in _EXACT.items()]
    distinct = readable.drop_duplicates("pixel_sha256")
    near = _near(distinct[distinct["phash"].notna()], near_distance)
    pairs = pd.concat([*exact, *near], ignore_index=True)
    first = pairs.drop_duplicates(["md5hash_a", "md5hash_b"])
    return first.sort_values(["md5hash_a", "md5hash_b"], ignore_index=True)


def _equal(readable: pd.DataFrame, column: str, kind: str) -> pd.DataFrame:
    smallest = readable.groupby(column)["md5hash"].transform("min")
    copies = readable["md5hash"] != smallest
    return _pairs(smallest[copies].to_numpy(), readable["md5hash"][copies].to_numpy(), kind, 0)


def _near(distinct: pd.DataFrame, near_distance: int) -> list[pd.DataFrame]:
    names = distinct["md5hash"].to_numpy()
    upright = parse_hashes(distinct["phash"].to_numpy())
    flipped = parse_hashes(distinct["phash_flip"].to_numpy())
    found = {
        "near": within_distance(upright, upright, near_distance),
        "mirrored": _ascending(within_distance(upright, flipped, near_distance)),
    }
    return [
        _pairs(names[match.left], names[match.right], kind, match.distance)
        for kind, match in found.items()
    ]


def _ascending(match: Matches) -> Matches:
    """Keep one direction of each pair; a flip turns distances about, so both hold."""
    kept = match.left < match.right
    return Matches(match.left[kept], match.right[kept], match.distance[kept])


def _pairs(
    first: np.ndarray, second: np.ndarray, kind: str, distance: np.ndarray | int
) -> pd.DataFrame:
    columns = (first.astype(str), second.astype(str), kind, distance)
    frame = pd.DataFrame(dict(zip(PAIR_COLUMNS, columns, strict=True)))
    return frame.astype({"kind": str, "distance": np.int64})
