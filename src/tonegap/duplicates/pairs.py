"""Pairs of images that are copies of each other, from the table of fingerprints."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import UInt8

from tonegap.duplicates.agreement import alike
from tonegap.duplicates.candidates import PAIR_COLUMNS, hash_candidates
from tonegap.duplicates.reading import parse_thumbnails, require_index

KINDS: Final = ("bytes", "pixels", "near", "cropped", "inner", "mirrored", "listed")
"""Kinds of copies, the strictest first; a pair gets the first kind that applies."""

_EXACT: Final = {"bytes": "sha256", "pixels": "pixel_sha256"}


def near_duplicate_pairs(
    index: pd.DataFrame, near_distance: int, candidates: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Find the pairs of copies among readable images.

    Parameters
    ----------
    index
        Table of fingerprints.
    near_distance
        Largest Hamming distance of the 64-bit perceptual hashes of a pair, bits in [0, 32].
    candidates
        Pairs of another origin, such as an embedding's neighbours, to verify in addition to
        those from the hashes; columns as in the result. ``distance`` is the origin's own.

    Returns
    -------
    DataFrame
        One row per pair, sorted: ``md5hash_a`` < ``md5hash_b``; ``kind`` (``bytes``: equal
        files; ``pixels``: equal pictures in unequal files; ``near``, ``cropped``,
        ``inner``, ``mirrored``: see :func:`~tonegap.duplicates.candidates.hash_candidates`);
        ``distance`` in bits. In a set of equal images, each is paired only with the smallest
        md5hash, which is enough to join the set.

    Raises
    ------
    DataError
        If the table lacks a column, or one of its hashes or thumbnails cannot be read.
    """
    require_index(index)
    readable = index[index["readable"].astype(bool)].sort_values("md5hash", ignore_index=True)
    exact = [_equal(readable, column, kind) for kind, column in _EXACT.items()]
    distinct = readable.drop_duplicates("pixel_sha256", ignore_index=True)
    proposed = [hash_candidates(distinct, near_distance)]
    if candidates is not None:
        proposed.append(candidates)
    return merge_pairs(*exact, *(verified(readable, each) for each in proposed))


def verified(images: pd.DataFrame, candidates: pd.DataFrame) -> pd.DataFrame:
    """Keep the candidates whose thumbnails show one picture.

    Parameters
    ----------
    images
        Table of fingerprints; candidates with an image that is not in it are dropped.
    candidates
        Columns of a table of pairs; the kind ``mirrored`` is compared after a flip.
    """
    # Only pictures in candidate pairs are read: few of a million.
    taking_part = pd.unique(candidates[["md5hash_a", "md5hash_b"]].to_numpy().reshape(-1))
    known = images[images["thumbnail"].notna() & images["md5hash"].isin(taking_part)]
    # The type is explicit because an empty table of images does not imply it.
    position = pd.Series(range(len(known)), index=known["md5hash"], dtype="int64")
    both = candidates["md5hash_a"].isin(position.index) & candidates["md5hash_b"].isin(
        position.index
    )
    pairs = candidates[both]
    pictures = parse_thumbnails(list(known["thumbnail"]), "thumbnail")
    one = pictures[position[pairs["md5hash_a"]].to_numpy(np.int64)]
    other = pictures[position[pairs["md5hash_b"]].to_numpy(np.int64)]
    return pairs[alike(one, _upright(other, pairs["kind"]))]


def merge_pairs(*tables: pd.DataFrame) -> pd.DataFrame:
    """Join tables of pairs: each pair once, with its strictest kind."""
    pairs = pd.concat([table[list(PAIR_COLUMNS)] for table in tables], ignore_index=True)
    rank = pairs["kind"].map({kind: rank for rank, kind in enumerate(KINDS)})
    names = ["md5hash_a", "md5hash_b"]
    ordered = pairs.assign(rank=rank).sort_values([*names, "rank", "distance"])
    return ordered.drop_duplicates(names, ignore_index=True)[list(PAIR_COLUMNS)]


def _equal(readable: pd.DataFrame, column: str, kind: str) -> pd.DataFrame:
    # Rows ascend by md5hash: the first of a group is its smallest, and far quicker to find.
    smallest = readable.groupby(column)["md5hash"].transform("first")
    copies = readable["md5hash"] != smallest
    columns = (smallest[copies], readable["md5hash"][copies], kind, 0)
    frame = pd.DataFrame(dict(zip(PAIR_COLUMNS, columns, strict=True)))
    return frame.astype({"md5hash_a": str, "md5hash_b": str, "kind": str, "distance": np.int64})


def _upright(
    pictures: UInt8[np.ndarray, "pairs 32 32"], kinds: pd.Series
) -> UInt8[np.ndarray, "pairs 32 32"]:
    """Flip the pictures of mirrored pairs back."""
    flipped = (kinds == "mirrored").to_numpy()
    return np.where(flipped[:, None, None], pictures[:, :, ::-1], pictures)
