"""What images share: near duplicates, a subject, and the clusters that both make together."""

from __future__ import annotations

import pandas as pd

from tonegap.tables import SUBJECT


def unit_columns(
    md5hashes: pd.Series, copies: pd.Series, subjects: pd.Series | None
) -> dict[str, pd.Series]:
    """Return the set of copies, the subject and the cluster of each image.

    Parameters
    ----------
    md5hashes
        The images.
    copies
        Set of near duplicates by md5hash; an absent image is its own set.
    subjects
        Name of the subject of each row, in the order of ``md5hashes``; missing where an image is
        its own subject. None if the table names no subjects.

    Returns
    -------
    dict of Series
        ``copies``, ``subject`` and ``cluster``: each called after its smallest md5hash, so that no
        name of a patient leaves the annotation table. A cluster joins sets of copies and subjects
        by union-find.
    """
    same = md5hashes.map(copies).astype("str").fillna(md5hashes)
    own = md5hashes if subjects is None else _first(md5hashes, subjects)
    return {"copies": same, SUBJECT: own, "cluster": _joined(same, own)}


def _first(md5hashes: pd.Series, names: pd.Series) -> pd.Series:
    """Call each set after its smallest md5hash."""
    text = names.set_axis(md5hashes.index).astype("string")
    smallest = md5hashes.groupby(text).transform("min")
    return smallest.astype("str").fillna(md5hashes)


def _joined(*partitions: pd.Series) -> pd.Series:
    """Join sets that share an image, again and again, until each image has one name."""
    cluster = partitions[0]
    while True:
        smaller = cluster
        for sets in partitions:
            smaller = smaller.groupby(sets).transform("min")
        if smaller.equals(cluster):
            return cluster.rename("cluster")
        cluster = smaller
