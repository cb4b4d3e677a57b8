"""Candidates: pairs of pictures that may be copies, because their hashes are near.

A table of candidates has the columns of a table of pairs. Candidates of another origin, such
as neighbours in the space of an embedding, may be added: all are verified in the same way
(:mod:`tonegap.duplicates.agreement`).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from tonegap.duplicates.hamming import Matches, within_distance
from tonegap.duplicates.reading import parse_hashes

PAIR_COLUMNS: Final = ("md5hash_a", "md5hash_b", "kind", "distance")

_CROPS: Final = 14


def hash_candidates(images: pd.DataFrame, near_distance: int) -> pd.DataFrame:
    """Find the pairs with near hashes.

    Parameters
    ----------
    images
        Rows of the table of fingerprints, ascending by md5hash; rows without a hash are
        skipped.
    near_distance
        Largest Hamming distance, bits in [0, 32].

    Returns
    -------
    DataFrame
        ``md5hash_a`` < ``md5hash_b``; ``kind``: ``near`` (whole against whole), ``cropped``
        (whole against a crop), ``inner`` (inner part against inner part, for pictures that
        differ at their edges, such as by a caption), ``mirrored`` (flipped against whole or
        against a crop); ``distance``, bits. A pair appears once per kind.
    """
    hashed = images[images["phash"].notna()]
    names = hashed["md5hash"].to_numpy(dtype=str)
    whole = parse_hashes(list(hashed["phash"]), "phash")[:, 0]
    flipped = parse_hashes(list(hashed["phash_flip"]), "phash_flip")[:, 0]
    inner = parse_hashes(list(hashed["phash_inner"]), "phash_inner")[:, 0]
    crops = parse_hashes(list(hashed["phash_crops"]), "phash_crops", _CROPS).reshape(-1)
    found = [
        ("near", within_distance(whole, whole, near_distance)),
        ("cropped", _of_crops(within_distance(whole, crops, near_distance))),
        ("inner", within_distance(inner, inner, near_distance)),
        ("mirrored", within_distance(flipped, whole, near_distance)),
        ("mirrored", _of_crops(within_distance(flipped, crops, near_distance))),
    ]
    return nearest_of_each(pd.concat([_pairs(names, kind, match) for kind, match in found]))


def nearest_of_each(candidates: pd.DataFrame) -> pd.DataFrame:
    """Keep the smallest distance of each pair and kind."""
    keys = ["md5hash_a", "md5hash_b", "kind"]
    ordered = candidates.sort_values([*keys, "distance"], ignore_index=True)
    return ordered.drop_duplicates(keys, ignore_index=True)


def _of_crops(match: Matches) -> Matches:
    """Turn positions among crops into positions of the images that they belong to."""
    return Matches(match.left, match.right // _CROPS, match.distance)


def _pairs(names: np.ndarray, kind: str, match: Matches) -> pd.DataFrame:
    """Name the images of each match, smaller md5hash first; drop matches of an image to itself."""
    two = match.left != match.right
    low = np.minimum(match.left[two], match.right[two])
    high = np.maximum(match.left[two], match.right[two])
    columns = (names[low], names[high], kind, match.distance[two])
    frame = pd.DataFrame(dict(zip(PAIR_COLUMNS, columns, strict=True)))
    return frame.astype({"md5hash_a": str, "md5hash_b": str, "kind": str, "distance": np.int64})
