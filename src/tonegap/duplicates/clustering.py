"""Clusters of copies: join pairs, and find clusters that cross a border of the study."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd


def clusters(md5hashes: Iterable[str], pairs: pd.DataFrame) -> pd.Series:
    """Join pairs into clusters by union-find.

    Parameters
    ----------
    md5hashes
        Every image that needs a cluster.
    pairs
        Columns ``md5hash_a`` and ``md5hash_b``; a pair with an image that is not among
        ``md5hashes`` joins nothing.

    Returns
    -------
    Series
        For each md5hash (the index, in the same order), the smallest md5hash of its
        cluster; an image without a copy is its own cluster.
    """
    parent = {md5hash: md5hash for md5hash in md5hashes}
    for one, other in zip(pairs["md5hash_a"], pairs["md5hash_b"], strict=True):
        if one in parent and other in parent:
            low, high = sorted((_root(parent, one), _root(parent, other)))
            parent[high] = low
    roots = {md5hash: _root(parent, md5hash) for md5hash in parent}
    return pd.Series(roots, dtype=str, name="cluster").rename_axis("md5hash")


def with_copies(md5hashes: Iterable[str], pairs: pd.DataFrame) -> frozenset[str]:
    """Return some images and all images in their clusters.

    Parameters
    ----------
    md5hashes
        The images; they need not be in a pair.
    pairs
        As for :func:`clusters`.
    """
    known = frozenset(md5hashes)
    root = clusters({*known, *pairs["md5hash_a"], *pairs["md5hash_b"]}, pairs)
    return frozenset(root.index[root.isin(root.loc[sorted(known)])])


def straddling(
    cohort: pd.DataFrame, over: Iterable[str] = ("group", "label_fine", "label_coarse", "source")
) -> pd.DataFrame:
    """Find clusters whose images differ in group, label or source.

    Parameters
    ----------
    cohort
        Columns ``md5hash``, ``copies`` (sets of near duplicates) and those of ``over``.
    over
        Columns that copies of one picture should agree in. Missing values agree with all.

    Returns
    -------
    DataFrame
        One row per cluster and column that it straddles: ``cluster``, ``over``, ``values``
        (sorted, joined by " | "), ``images``. Empty when no cluster straddles anything.
    """
    shared = cohort[cohort.duplicated("copies", keep=False)]
    found = [
        {"cluster": cluster, "over": column, "values": " | ".join(values), "images": len(images)}
        for cluster, images in shared.groupby("copies", sort=True)
        for column in over
        if len(values := sorted(images[column].dropna().astype(str).unique())) > 1
    ]
    return pd.DataFrame(found, columns=["cluster", "over", "values", "images"])


def _root(parent: dict[str, str], md5hash: str) -> str:
    """Follow parents up to the root, halving the path on the way."""
    while parent[md5hash] != md5hash:
        parent[md5hash] = parent[parent[md5hash]]
        md5hash = parent[md5hash]
    return md5hash
