"""The test sets, one per group: equal in size, without repeats, the same for every mix."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from tonegap.errors import SplitError
from tonegap.groups import Groups
from tonegap.params import DataParams, Match
from tonegap.sampling.pools import Pools
from tonegap.sampling.streams import Draw, stream

_MATCHED: dict[Match, list[str]] = {
    "condition": ["label_fine"],
    "condition_source": ["label_fine", "source"],
}
_WHOLE = {
    "subject": "the images of whole {} subjects, which stay together,",
    "cluster": "whole clusters of {} near duplicates (data.duplicates: clusters_stay_together)",
}
_OR = {"subject": "", "cluster": ", or filter.duplicates to one_per_cluster"}


def draw_test_sets(pools: Pools, data: DataParams, groups: Groups) -> dict[str, pd.DataFrame]:
    """Draw a test set per group.

    Each group has its own random stream. Its units (:func:`~tonegap.sampling.pools.make_pools`)
    are taken in random order, except those that would make ``n_test`` images impossible to reach.
    Where every image is its own unit, these are the first ``n_test`` of a shuffled pool.

    Matched test sets have the same number of images in every stratum (condition, or
    condition and source). These numbers are random too: ``n_test`` of the pairs that the
    strata could provide are drawn without replacement (multivariate hypergeometric), so rare
    strata stay rare. Matched test sets take only images that are alone in their unit, so that the
    counts are exact; the others go to training. Groups that are not compared are never matched.

    Returns
    -------
    dict
        Cohort rows in the order of the draw, by group.

    Raises
    ------
    SplitError
        If a pool is too small, or whole units cannot add up to ``n_test``.
    """
    matched = data.match != "none"
    tests = _matched(pools, data, _MATCHED[data.match], groups) if matched else {}
    for group in groups.names:
        if group not in tests:
            generator = _generator(data.seed, group, groups)
            tests[group] = _unmatched(pools, group, data, generator)
    return tests


def _generator(seed: int, group: str, groups: Groups) -> np.random.Generator:
    place = groups.names.index(group)
    if place < len(groups.pair):
        return stream(seed, (Draw.TEST_REFERENCE, Draw.TEST_COMPARED)[place])
    return stream(seed, Draw.TEST_FURTHER, place)


def _unmatched(
    pools: Pools, group: str, data: DataParams, generator: np.random.Generator
) -> pd.DataFrame:
    pool = pools.of(group)
    if len(pool) < data.n_test:
        raise SplitError(
            f"the {group} pool has {len(pool)} images but data.n_test asks for {data.n_test} test "
            f"images per group; {_lower_to(len(pool))}widen the cohort (filter.*)"
        )
    if not pool[pools.unit].duplicated().any():
        return pool.iloc[generator.permutation(len(pool))[: data.n_test]]
    return _whole_units(pool, pools.unit, group, data.n_test, generator)


def _whole_units(
    pool: pd.DataFrame, unit: str, group: str, n_test: int, generator: np.random.Generator
) -> pd.DataFrame:
    """Take whole units in random order; skip any that makes ``n_test`` unreachable.

    If taking every unit that fits leads to ``n_test``, the same units are taken.
    """
    members = [pool.index[rows] for rows in pool.groupby(unit).indices.values()]
    order = [members[cluster] for cluster in generator.permutation(len(members))]
    reachable = _reachable_sums([len(cluster) for cluster in order], n_test)
    if not reachable[0] >> n_test & 1:
        sums = " or ".join(map(str, _nearest_sums(pool[unit].value_counts(), n_test)))
        raise SplitError(
            f"{_WHOLE[unit].format(group)} cannot add up to data.n_test = {n_test} test images; "
            f"set data.n_test to {sums}{_OR[unit]}"
        )
    chosen: list[int] = []
    for cluster, after in zip(order, reachable[1:], strict=True):
        missing = n_test - len(chosen) - len(cluster)
        if missing >= 0 and after >> missing & 1:
            chosen.extend(cluster)
    return pool.loc[chosen]


def _reachable_sums(sizes: list[int], limit: int) -> list[int]:
    """Return, as bits, the sums up to ``limit`` of the sizes from each position on."""
    within = (1 << limit + 1) - 1
    sums = [1]
    for size in reversed(sizes):
        sums.append((sums[-1] | sums[-1] << size) & within)
    return sums[::-1]


def _nearest_sums(sizes: pd.Series, wanted: int) -> list[int]:
    """Return the nearest possible sums of cluster sizes below and above, if any (from 1 on)."""
    sums, most = _reachable_sums(sizes.tolist(), int(sizes.sum()))[0], int(sizes.sum())
    sides = (range(wanted - 1, 0, -1), range(wanted + 1, most + 1))
    nearest = [next((n for n in side if sums >> n & 1), 0) for side in sides]
    return [n for n in nearest if n]


def _lower_to(most: int) -> str:
    """Advise fewer test images, if any are possible."""
    return f"lower data.n_test to at most {most}, or " if most else ""


def _matched(
    pools: Pools, data: DataParams, columns: list[str], groups: Groups
) -> dict[str, pd.DataFrame]:
    testable = _alone(pools)
    strata = {group: _strata(testable.of(group), columns) for group in groups.pair}
    names = sorted(strata[groups.reference].keys() & strata[groups.compared].keys())
    pairs = [min(len(strata[group][name]) for group in groups.pair) for name in names]
    if sum(pairs) < data.n_test:
        raise SplitError(
            f"{groups.reference} and {groups.compared} share {sum(pairs)} images of equal "
            f"{' and '.join(columns)} but data.n_test asks for {data.n_test} per group "
            f"with data.match = {data.match}; "
            f"{_lower_to(sum(pairs))}match less"
        )
    drawn = stream(data.seed, Draw.TEST_MATCH).multivariate_hypergeometric(pairs, data.n_test)
    counts = dict(zip(names, map(int, drawn), strict=True))
    return {
        group: _by_stratum(
            testable.of(group), strata[group], counts, _generator(data.seed, group, groups)
        )
        for group in groups.pair
    }


def _by_stratum(
    pool: pd.DataFrame,
    strata: dict[tuple[str, ...], np.ndarray],
    counts: dict[tuple[str, ...], int],
    generator: np.random.Generator,
) -> pd.DataFrame:
    rows = [generator.permutation(strata[name])[:count] for name, count in counts.items()]
    # Shuffled, so that a prefix of the test set mixes conditions.
    return pool.iloc[generator.permutation(np.concatenate(rows))]


def _strata(pool: pd.DataFrame, columns: list[str]) -> dict[tuple[str, ...], np.ndarray]:
    keys = pd.MultiIndex.from_frame(pool[columns].astype(str))
    return {tuple(key): np.flatnonzero(keys == key) for key in keys.unique()}


def _alone(pools: Pools) -> Pools:
    """Keep the images that are alone in their unit."""
    alone = ~pools.images[pools.unit].duplicated(keep=False)
    return replace(pools, images=pools.images[alone])
