"""The number of distinct images in a draw: diversity, which the paper confounds with mix."""

from __future__ import annotations

from math import expm1, floor, log1p
from typing import Final

import pandas as pd

MOST_REPEATS: Final = 3.0
"""Draws per distinct image beyond which a draw repeats its images too often.

A draw with replacement that repeats each image three times on average has seen 94 % of the
pool, so more draws add little: the pool limits the training, not the mix.
The paper's least diverse draw has 1.6 (1,668 draws of 1,055 images).
"""

GroupSizes = tuple[int, int]  # (reference, compared)


def expected_distinct(pool: int, draws: int) -> float:
    """Return the expected number of distinct images in ``draws`` with replacement from ``pool``.

    n (1 - (1 - 1/n)^k) for n images and k draws: each image is missed with probability
    (1 - 1/n)^k. Zero if there are no draws or no images.
    """
    if pool == 0 or draws == 0:
        return 0.0
    if pool == 1:
        return 1.0
    return -pool * expm1(draws * log1p(-1 / pool))


def equal_distinct(pools: GroupSizes, n_train: int) -> int:
    """Return the number of distinct images that every mix can hold.

    It is the expected number for ``n_train`` draws with replacement from the smaller pool
    alone, rounded down. The least diverse mix stays as in the paper (1,055 distinct images),
    and the others are reduced to it. Mixes between the two groups reach more, because the
    expected number is concave in the draws, so no mix needs to know the others.

    Parameters
    ----------
    pools
        Images left after the test draw: (reference, compared).
    n_train
        Training draws, both groups together.
    """
    return min(floor(expected_distinct(pool, n_train) + 1e-9) for pool in pools)


def divide(total: int, draws: GroupSizes) -> GroupSizes:
    """Divide ``total`` distinct images between the groups in proportion to their draws.

    The compared group's number is rounded half up; a group with draws gets at least one image.
    """
    reference, compared = draws
    drawn = reference + compared
    share = floor((2 * total * compared + drawn) / (2 * drawn))
    lowest = 1 if compared else 0
    highest = total - (1 if reference else 0)
    n_compared = max(lowest, min(share, highest))
    return total - n_compared, n_compared


def repetition(group: str, draws: int, distinct: int) -> str:
    """Warn if draws repeat their images more than :data:`MOST_REPEATS` times on average.

    Parameters
    ----------
    group
        Name of the group.
    draws, distinct
        Its training draws, and the distinct images among them. A group without draws has
        nothing to repeat.

    Returns
    -------
    str
        A sentence; empty if the images are diverse enough.
    """
    if draws <= MOST_REPEATS * distinct:
        return ""
    return (
        f"{draws} training draws of the group {group} hold {distinct} distinct images, each "
        f"{draws / distinct:.1f} times on average (the paper: at most 1.6), so the gap may "
        "reflect few images rather than the mix; add images or lower data.n_train"
    )


def training_sizes(split: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Count the training draws of each group, and the distinct images among them.

    Parameters
    ----------
    split
        role (test, train), group, md5hash: one row per draw.

    Returns
    -------
    dict
        ``{group: {"draws": ..., "distinct": ...}}``, groups in the order of their names.
    """
    train = split[split["role"] == "train"].groupby("group")["md5hash"]
    return {
        str(group): {"draws": int(draws), "distinct": int(distinct)}
        for group, draws, distinct in zip(train.groups, train.count(), train.nunique(), strict=True)
    }


def effective_numbers(split: pd.DataFrame, pool: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return how many clusters of near duplicates draw and pool of each group amount to.

    Kish's (1965) effective number ``n^2 / sum_c n_c^2``, with ``n_c`` images of cluster c among
    n: the number of clusters, if all are equally large.

    Parameters
    ----------
    split
        role, group, md5hash, cluster: one row per draw.
    pool
        group, md5hash, cluster of all images that test sets and training draws may take.

    Returns
    -------
    dict
        ``{group: {"train": ..., "pool": ...}}``; 0 for a group without draws.
    """
    train = split[split["role"] == "train"]
    return {
        str(group): {
            "train": _effective(train[train["group"] == group]),
            "pool": _effective(images),
        }
        for group, images in pool.groupby("group")
    }


def _effective(rows: pd.DataFrame) -> float:
    sizes = rows["cluster"].where(rows["cluster"].notna(), rows["md5hash"]).value_counts()
    return float(sizes.sum() ** 2 / (sizes**2).sum()) if len(sizes) else 0.0


def repetitive_draws(split: pd.DataFrame) -> list[str]:
    """Describe each group whose training draws have too few distinct images.

    Parameters
    ----------
    split
        As of :func:`training_sizes`.

    Returns
    -------
    list of str
        A sentence per group, in the order of their names; empty if all are diverse enough.
    """
    found = (repetition(group, **sizes) for group, sizes in training_sizes(split).items())
    return [sentence for sentence in found if sentence]
