"""Describe a split: pools, diversity, and near duplicates that cross its borders."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import pandas as pd

from tonegap.errors import SplitError
from tonegap.groups import Groups
from tonegap.params import DataParams
from tonegap.sampling.diversity import expected_distinct
from tonegap.sampling.pools import in_several_groups, make_pools
from tonegap.sampling.training import distinct_limits, group_draws
from tonegap.tables import SUBJECT


def explanation(
    cohort: pd.DataFrame,
    split: pd.DataFrame,
    data: DataParams,
    mixes: Mapping[str, float],
    groups: Groups,
) -> pd.DataFrame:
    """Describe a split in numbers.

    Parameters
    ----------
    cohort, split
        The tables data/cohort.csv and data/split.csv.
    data, mixes, groups
        The parameters that made the split.

    Returns
    -------
    DataFrame
        quantity (a phrase), a column per group, all: counts (of images, unless the phrase says
        otherwise), or expected counts rounded to one decimal. A cluster in several groups
        counts once in ``all``. Of a mix that cannot be drawn the expected counts are NaN.
    """
    pools = make_pools(cohort, data.duplicates)
    every = pd.concat([pools.images, pools.set_aside])
    test, train = (split[split["role"] == role] for role in ("test", "train"))
    tested = cohort[cohort["md5hash"].isin(test["md5hash"])]
    left = pd.concat([pools.left(group, test) for group in groups.pair])
    count = _Counter(groups)
    rows = {
        "cohort": count.images(cohort),
        "subjects of several images in the cohort": count.distinct(
            _repeated(every, SUBJECT), SUBJECT
        ),
        "clusters of several images in the cohort": count.distinct(
            _repeated(every, "cluster"), "cluster"
        ),
        f"set aside: {pools.unit} in several groups": count.images(pools.set_aside),
        "test": count.images(test),
        "test, distinct conditions": count.distinct(tested, "label_fine"),
        "left for training": count.images(left),
        "training draws": count.images(train),
        "training, distinct": count.distinct(train, "md5hash"),
    }
    rows |= {
        f"training, distinct expected, mix {name}": _expected(left, data, mixes, groups, name)
        for name in mixes
    }
    shared = test[test["cluster"].isin(train["cluster"])]
    crossing = split[in_several_groups(split)]
    rows |= {
        "clusters in test and training": count.distinct(shared, "cluster"),
        "test with an image of its cluster in training": count.images(shared),
        "clusters of the split in several groups": count.distinct(crossing, "cluster"),
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=[*groups.names, "all"])
    return table.rename_axis("quantity").reset_index()


class _Counter(NamedTuple):
    """Return counts by group, then the total."""

    groups: Groups

    def images(self, rows: pd.DataFrame) -> list[int | float]:
        return [*(int((rows["group"] == name).sum()) for name in self.groups.names), len(rows)]

    def distinct(self, rows: pd.DataFrame, column: str) -> list[int | float]:
        by_group = (rows.loc[rows["group"] == name, column] for name in self.groups.names)
        return [*(cells.nunique() for cells in by_group), rows[column].nunique()]


def _repeated(rows: pd.DataFrame, unit: str) -> pd.DataFrame:
    return rows[rows[unit].duplicated(keep=False)]


def _expected(
    left: pd.DataFrame, data: DataParams, mixes: Mapping[str, float], groups: Groups, mix: str
) -> list[int | float]:
    sizes = left["group"].value_counts().reindex(list(groups.pair), fill_value=0)
    pools = int(sizes.iloc[0]), int(sizes.iloc[1])
    draws = group_draws(data.n_train, mixes[mix])
    try:
        limits = distinct_limits(pools, draws, data, groups)
    except SplitError:  # another mix than that of the split; the stage split says why
        return [math.nan] * (len(groups.names) + 1)
    pair: list[int | float] = list(map(partial(_expected_of_group, data), pools, draws, limits))
    further: list[int | float] = [0.0] * (len(groups.names) - len(groups.pair))
    return [round(count, 1) for count in (*pair, *further, sum(pair))]


def _expected_of_group(data: DataParams, pool: int, draws: int, limit: int | None) -> float:
    if limit is not None:  # data.distinct: equal leaves nothing to chance
        return float(limit)
    return expected_distinct(pool, draws) if data.replacement else float(min(draws, pool))
