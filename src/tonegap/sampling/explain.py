"""What a split is made of: pools, diversity, and near duplicates that cross borders."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pandas as pd

from tonegap.params import DataParams
from tonegap.sampling.diversity import expected_distinct
from tonegap.sampling.pools import GROUPS, Pools, in_both_groups, make_pools
from tonegap.sampling.training import distinct_limits, group_draws


def explanation(
    cohort: pd.DataFrame, split: pd.DataFrame, data: DataParams, mixes: Mapping[str, float]
) -> pd.DataFrame:
    """Describe a split in numbers.

    Parameters
    ----------
    cohort, split
        The tables data/cohort.csv and data/split.csv.
    data, mixes
        The parameters that made the split.

    Returns
    -------
    DataFrame
        quantity (a phrase), light, dark, both: counts (of images, unless the phrase says
        otherwise), or expected counts rounded to one decimal. A cluster in both groups
        counts once in ``both``.
    """
    pools = make_pools(cohort, data.duplicates)
    test, train = (split[split["role"] == role] for role in ("test", "train"))
    tested = cohort[cohort["md5hash"].isin(test["md5hash"])]
    rows = {
        "cohort": _images(cohort),
        "clusters of near duplicates in the cohort": _clusters(_repeated(cohort)),
        "set aside: cluster in both groups": _images(pools.set_aside),
        "test": _images(test),
        "test, distinct conditions": _distinct(tested, "label_fine"),
        "left for training": (left := _images(_left(pools, test))),
        "training draws": _images(train),
        "training, distinct": _distinct(train, "md5hash"),
    }
    rows |= {
        f"training, distinct expected, mix {name}": _expected(left, data, mixes, name)
        for name in mixes
    }
    rows |= {
        "clusters in test and training": _shared(test, train),
        "test with a near duplicate in training": _images(
            test[test["cluster"].isin(train["cluster"])]
        ),
        "clusters of the split in light and dark": _clusters(split[in_both_groups(split)]),
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["light", "dark", "both"])
    return table.rename_axis("quantity").reset_index()


Triple = tuple[int | float, int | float, int | float]  # light, dark, both


def _images(rows: pd.DataFrame) -> Triple:
    light, dark = (int((rows["group"] == group).sum()) for group in GROUPS)
    return light, dark, len(rows)


def _distinct(rows: pd.DataFrame, column: str) -> Triple:
    light, dark = (rows.loc[rows["group"] == group, column].nunique() for group in GROUPS)
    return light, dark, rows[column].nunique()


def _clusters(rows: pd.DataFrame) -> Triple:
    return _distinct(rows, "cluster")


def _repeated(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["cluster"].duplicated(keep=False)]


def _shared(test: pd.DataFrame, train: pd.DataFrame) -> Triple:
    return _clusters(test[test["cluster"].isin(train["cluster"])])


def _left(pools: Pools, test: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([pools.left(group, test) for group in GROUPS])


def _expected(left: Triple, data: DataParams, mixes: Mapping[str, float], mix: str) -> Triple:
    pools = int(left[0]), int(left[1])
    draws = group_draws(data.n_train, mixes[mix])
    limits = distinct_limits(pools, draws, data, mixes)
    light, dark = map(partial(_expected_of_group, data), pools, draws, limits)
    return round(light, 1), round(dark, 1), round(light + dark, 1)


def _expected_of_group(data: DataParams, pool: int, draws: int, limit: int | None) -> float:
    if limit is not None:  # data.distinct: equal leaves nothing to chance
        return float(limit)
    return expected_distinct(pool, draws) if data.replacement else float(min(draws, pool))
