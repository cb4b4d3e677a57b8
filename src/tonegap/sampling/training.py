"""The training draw: exact group shares, in a recorded order."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor

import numpy as np
import pandas as pd

from tonegap.errors import SplitError
from tonegap.groups import Groups
from tonegap.params import DataParams
from tonegap.sampling.diversity import GroupSizes, divide, equal_distinct
from tonegap.sampling.streams import Draw, stream

_DRAWS = (Draw.TRAIN_REFERENCE, Draw.TRAIN_COMPARED)


def group_draws(n_train: int, share: float) -> GroupSizes:
    """Divide the training draws between the groups: (reference, compared).

    The compared group gets ``n_train * share`` draws, rounded half up, and the reference group
    the rest. The shares are thus exact counts, not left to chance.
    """
    # Rounding to nine digits first: 0.35 * 10 is 3.4999999999999996 in binary.
    n_compared = floor(round(n_train * share, 9) + 0.5)
    return n_train - n_compared, n_compared


def draw_training(
    left: Mapping[str, pd.DataFrame], data: DataParams, share: float, groups: Groups
) -> pd.DataFrame:
    """Draw the training images.

    Every mix has its own random streams (keyed by its draws per group), so the mixes of one
    seed are sampled independently from the same images, as in the paper.

    Parameters
    ----------
    left
        Cohort rows left after the test draw, by group.
    data
        The section ``data``. ``replacement``: images may repeat. ``distinct: equal``: every
        mix holds the same number of distinct images
        (:func:`~tonegap.sampling.diversity.equal_distinct`), each at least once.
    share
        Of the compared group in the draws, in [0, 1].
    groups
        The two groups to train on.

    Returns
    -------
    DataFrame
        Cohort rows, one per draw, in the order of the draw.

    Raises
    ------
    SplitError
        If a group has too few images left.
    """
    draws = group_draws(data.n_train, share)
    pools = (len(left[groups.reference]), len(left[groups.compared]))
    _require_pools(pools, draws, data, groups)
    limits = distinct_limits(pools, draws, data, groups)
    drawn = [
        left[group].iloc[_draw(stream(data.seed, draw, *draws), pool, count, limit, data)]
        for group, draw, pool, count, limit in zip(
            groups.pair, _DRAWS, pools, draws, limits, strict=True
        )
    ]
    rows = pd.concat(drawn)
    return rows.iloc[stream(data.seed, Draw.TRAIN_ORDER, *draws).permutation(len(rows))]


def _draw(
    generator: np.random.Generator, pool: int, count: int, distinct: int | None, data: DataParams
) -> np.ndarray:
    """Draw ``count`` row numbers below ``pool``, of exactly ``distinct`` values if given."""
    if count == 0:
        return np.empty(0, dtype=np.int64)
    if not data.replacement:
        return generator.permutation(pool)[:count]
    if distinct is None:
        return generator.integers(pool, size=count)
    chosen = generator.permutation(pool)[:distinct]
    return np.concatenate([chosen, generator.choice(chosen, size=count - distinct)])


def distinct_limits(
    pools: GroupSizes, draws: GroupSizes, data: DataParams, groups: Groups
) -> tuple[int | None, int | None]:
    """Return the distinct images of a draw by group; None where ``data.distinct`` is paper."""
    # Without replacement every draw is distinct, so all mixes are equal already.
    if data.distinct == "paper" or not data.replacement:
        return None, None
    total = equal_distinct(pools, data.n_train)
    if total < sum(1 for count in draws if count):
        raise SplitError(
            f"data.distinct = equal limits every mix to the distinct images of the smaller pool, "
            f"but {pools[0]} {groups.reference} and {pools[1]} {groups.compared} images are left "
            f"after the test draw, too few for the mix {data.mix!r}; lower data.n_test, or set "
            "data.distinct to paper"
        )
    return divide(total, draws)


def _require_pools(pools: GroupSizes, draws: GroupSizes, data: DataParams, groups: Groups) -> None:
    for group, pool, count in zip(groups.pair, pools, draws, strict=True):
        needed = min(count, 1) if data.replacement else count
        if pool < needed:
            how = "with" if data.replacement else "without"
            raise SplitError(
                f"the {group} pool has {pool} images left after the test draw but the mix "
                f"{data.mix!r} draws {count} of them {how} replacement; lower data.n_test (now "
                f"{data.n_test}) or data.n_train (now {data.n_train})"
                + ("" if data.replacement else ", or set data.replacement to true")
            )
