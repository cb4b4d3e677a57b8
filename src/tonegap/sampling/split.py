"""One split: test sets and training draw as one table."""

from __future__ import annotations

import pandas as pd

from tonegap.groups import Groups
from tonegap.params import DataParams
from tonegap.sampling.evaluation_sets import draw_test_sets
from tonegap.sampling.pools import make_pools
from tonegap.sampling.training import draw_training

SPLIT_COLUMNS = ("role", "group", "draw", "md5hash", "cluster")


def draw_split(
    cohort: pd.DataFrame, data: DataParams, share: float, groups: Groups
) -> pd.DataFrame:
    """Draw a test set per group and one training set, determined by ``data.seed`` alone.

    The paper's protocol (section 3.4): a test set of ``n_test`` images per group; then, from
    the images left of the two compared groups, ``n_train`` draws with replacement in the shares
    of the mix. The test sets are the same for every mix of a seed.

    Parameters
    ----------
    cohort
        md5hash, group, label_fine, source, cluster, subject; in any order. Images of one subject
        are never in a test set and in training, nor in two groups.
    data
        The section ``data``.
    share
        Of the compared group in the training draws, in [0, 1].
    groups
        The groups; those beyond the compared two are tested, never trained on.

    Returns
    -------
    DataFrame
        role (test, train), group, draw (order, from 0 within role: the test images group by
        group, the reference first; the training draws shuffled), md5hash, cluster.

    Raises
    ------
    SplitError
        If the cohort is too small for the split.
    """
    pools = make_pools(cohort, data.duplicates)
    tests = draw_test_sets(pools, data, groups)
    # Whole units are tested, so none of their images is left.
    left = {group: pools.left(group, tests[group]) for group in groups.pair}
    test = pd.concat([tests[group] for group in groups.names])
    train = draw_training(left, data, share, groups)
    parts = [_table("test", test), _table("train", train)]
    return pd.concat(parts, ignore_index=True)[list(SPLIT_COLUMNS)]


def _table(role: str, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(role=role, draw=range(len(rows)))
