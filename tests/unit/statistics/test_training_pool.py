"""What another pool of training images would change, against simulations whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tonegap.errors import DataError
from tonegap.statistics.design import Arm, Draws, design_of
from tonegap.statistics.draws import (
    COLUMNS,
    DRAWN_BY_SEED,
    drawn_by_seed,
    knows_draws,
    shared_to_own,
    with_draws,
)
from tonegap.statistics.training_pool import (
    _Cells,
    _gain,
    _mean_of_drawn,
    training_variance,
    variance_of,
)
from tonegap.statistics.variance import contrast_influence, two_way_variance
from tonegap.statistics.within_runs import design_where

POOL, TRAINED, TESTED, SEEDS = 80, 50, 30, 10
ONE = np.ones(1)


def study(
    rng: np.random.Generator, *, taught: float = 1.0, own: float = 1.0, noise: float = 0.3
) -> pd.DataFrame:
    """One group, one mix: each training image moves all errors by an effect of its own.

    A training of n images moves them by the mean of n effects of standard deviation ``taught``.
    """
    effect, difficulty = rng.normal(0, taught, POOL), rng.normal(0, own, POOL)
    rows = []
    for seed in range(SEEDS):
        order = rng.permutation(POOL)
        test, train = order[:TESTED], order[TESTED:][:TRAINED]
        error = difficulty[test] + effect[train].mean() + rng.normal(0, noise, TESTED)
        rows.append(pd.DataFrame({"seed": seed, "md5hash": test.astype(str), "error": error}))
    table = pd.concat(rows, ignore_index=True)
    table["run"] = table["seed"]
    drawn = dict(zip(COLUMNS, (TRAINED, float(TRAINED), float(POOL)), strict=True))
    return table.assign(share=1.0, group="dark", cluster=table["md5hash"], **drawn)


def analysed(table: pd.DataFrame, *, with_pool: bool = True):
    design = design_of(table)
    design = with_draws(design, table) if with_pool else design
    influence = contrast_influence(design, table["error"].to_numpy(), ONE)
    return design, influence


def test_distinct_draws_share_what_the_sampling_fraction_says():
    """N distinct of N: between pools s^2 / N, between draws s^2 (1 / n - 1 / N)."""
    design, _ = analysed(study(np.random.default_rng(0)))
    between_pools, between_draws = 1 / POOL, 1 / TRAINED - 1 / POOL
    assert shared_to_own(design, ONE) == pytest.approx(between_pools / between_draws)


def test_overlaps_are_those_of_real_draws():
    """Pool and draw overlap as simulated draws with replacement do."""
    rng = np.random.default_rng(1)
    counts = rng.multinomial(TRAINED, np.full(POOL, 1 / POOL), size=4000) / TRAINED
    itself, other = (counts**2).sum(axis=1).mean(), (counts[1:] * counts[:-1]).sum(axis=1).mean()
    table = study(rng).assign(n_effective_train=1 / itself)
    found = shared_to_own(with_draws(design_of(table), table), ONE)
    assert found == pytest.approx(other / (itself - other), rel=0.03)


def test_weights_that_cancel_share_nothing():
    """Two mixes that draw alike, one minus the other: another pool moves both alike."""
    table = study(np.random.default_rng(2)).assign(n_effective_train=TRAINED / 2)
    both = pd.concat([table, table.assign(share=0.5, run=table["run"] + SEEDS)])
    design = with_draws(design_of(both), both)
    halves = replace(design.draws, share=np.ones(2))
    assert shared_to_own(replace(design, draws=halves), np.array([1.0, -1.0])) == 0.0


def test_the_variance_of_trainings_is_found():
    """Mean over 150 studies, with images whose difficulty is far larger than the effect."""
    rng = np.random.default_rng(3)
    found = [training_variance(*analysed(study(rng, own=3.0)), ONE).common for _ in range(150)]
    error = np.std(found) / np.sqrt(len(found))
    assert np.mean(found) == pytest.approx(1 / TRAINED - 1 / POOL, abs=3 * error)
    assert error < 0.15 / TRAINED


def test_intervals_cover_other_pools():
    """The share of studies whose interval holds the mean over pools, with and without the pool."""
    rng = np.random.default_rng(4)
    covered = {True: 0, False: 0}
    studies = 200
    for _ in range(studies):
        table = study(rng, taught=3.0, own=0.3)
        mean = table["error"].mean()
        for with_pool in covered:
            design, influence = analysed(table, with_pool=with_pool)
            variance = variance_of(design, influence, ONE)
            covered[with_pool] += abs(mean) < 2.2 * np.sqrt(variance.total)
    assert 0.93 <= covered[True] / studies <= 0.99
    assert covered[False] / studies < 0.85


def test_trainings_without_effect_add_little():
    """Then the pool adds at most half of the images' part in the median, and never takes away."""
    rng = np.random.default_rng(5)
    added = []
    for _ in range(60):
        design, influence = analysed(study(rng, taught=0.0))
        variance = variance_of(design, influence, ONE)
        plain = two_way_variance(design, influence, ONE)
        assert variance.total >= plain.total
        assert 0.0 <= variance.pool_share <= 1.0
        added.append(variance.total / plain.total)
    assert np.median(added) < 1.2


def test_without_columns_nothing_is_added():
    """Tables of earlier versions give the intervals that they gave."""
    table = study(np.random.default_rng(6)).drop(columns=list(COLUMNS))
    design, influence = analysed(table)
    assert not knows_draws(table)
    assert variance_of(design, influence, ONE) == two_way_variance(design, influence, ONE)
    assert np.isnan(variance_of(design, influence, ONE).pool_share)


def test_a_seed_alone_shows_no_variance():
    """One complete seed has nothing to be compared with."""
    table = study(np.random.default_rng(7))
    design, influence = analysed(table)
    one = replace(design, seed=np.zeros_like(design.seed))
    assert training_variance(one, influence, ONE) is None


def test_arms_are_named_in_the_design():
    """The single arm of these studies."""
    assert analysed(study(np.random.default_rng(8)))[0].arms == (Arm(1.0, "dark"),)


OWN_SHARE = np.array([-0.5, 0.5, 0.5, -0.5])  # arms by share, then group: dark, light


def own_share_study(
    rng: np.random.Generator, *, mutual: float
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Two groups, two pure mixes: an image gains from training on its like, and teaches them.

    What it teaches is ``mutual`` times what it gains, plus an effect of its own of the same
    variance in all. The effect of one's own share is 0 over pools.
    """
    tables, splits = [], {}
    gains = {group: rng.normal(0, 1, POOL) for group in ("dark", "light")}
    rest = {group: rng.normal(0, np.sqrt(1 - mutual**2), POOL) for group in gains}
    difficulty = {group: rng.normal(0, 3, POOL) for group in gains}
    for seed in range(SEEDS):
        order = {group: rng.permutation(POOL) for group in gains}
        for mix, share in (("light", 0.0), ("dark", 1.0)):
            train = order[mix][TESTED:][:TRAINED]
            taught = (mutual * gains[mix] + rest[mix])[train].mean()
            for group in gains:
                test = order[group][:TESTED]
                own = gains[group][test] + taught if group == mix else 0.0
                error = difficulty[group][test] + own + rng.normal(0, 0.3, TESTED)
                tables.append(
                    pd.DataFrame({"md5hash": [f"{group}{i}" for i in test], "error": error}).assign(
                        group=group, mix=mix, share=share, seed=seed, run=f"{mix}-{seed}",
                        n_train=TRAINED if group == mix else 0,
                        n_effective_train=float(TRAINED) if group == mix else 0.0,
                    )
                )  # fmt: skip
            splits[f"{mix}-{seed}"] = pd.DataFrame(
                {"role": "train", "md5hash": [f"{mix}{i}" for i in train], "cluster": np.nan}
            )
    table = pd.concat(tables, ignore_index=True)
    table = table.assign(cluster=np.nan, distinct="paper", n_effective_pool=float(POOL))
    return table.assign(**{DRAWN_BY_SEED: drawn_by_seed(table, splits)}), splits


def own_share_variance(table: pd.DataFrame):
    design = with_draws(design_of(table), table)
    assert [(arm.share, arm.group) for arm in design.arms] == [
        (0.0, "dark"), (0.0, "light"), (1.0, "dark"), (1.0, "light"),
    ]  # fmt: skip
    influence = contrast_influence(design, table["error"].to_numpy(), OWN_SHARE)
    trained = training_variance(design, influence, OWN_SHARE)
    return trained, variance_of(design, influence, OWN_SHARE)


def test_the_column_says_what_was_drawn():
    """Against counting one by one, with draws that repeat and near duplicates that stand in."""
    rng = np.random.default_rng(9)
    table, splits = own_share_study(rng, mutual=0.5)
    table["cluster"] = table["md5hash"].str.replace("[0-9]$", "", regex=True)  # tens of images
    for split in splits.values():
        split["cluster"] = split["md5hash"].str.replace("[0-9]$", "", regex=True)
    column = drawn_by_seed(table, splits)
    design = with_draws(design_of(table), table.assign(**{DRAWN_BY_SEED: column}))
    for row in rng.permutation(len(table))[:200]:
        one = table.iloc[row]
        expected = {
            seed: int((splits[f"{one['mix']}-{seed}"]["cluster"] == one["cluster"]).sum())
            for seed in range(SEEDS)
        }
        words = [f"{seed}:{times}" for seed, times in expected.items() if times]
        assert column.iloc[row] == " ".join(words) if words else pd.isna(column.iloc[row])
        found = design.draws.times[design.arm[row], design.unit[row]]
        assert dict(enumerate(found)) == expected


def test_seeds_show_whether_images_that_gain_also_teach():
    """The covariance in the mean over studies: that of gain and teaching, between draws."""
    rng = np.random.default_rng(10)
    between_draws = 1 / TRAINED - 1 / POOL
    for mutual in (0.0, 0.8):
        found = np.array(
            [
                own_share_variance(own_share_study(rng, mutual=mutual)[0])[0].with_gain
                for _ in range(40)
            ]
        )
        error = found.std() / np.sqrt(len(found))
        # Each of the two groups: half its gain is what the contrast shows of it.
        assert found.mean() == pytest.approx(2 * 0.25 * mutual * between_draws, abs=3 * error)
        assert error < 0.1 * between_draws


@pytest.mark.parametrize("mutual", [0.0, 0.8])
def test_own_share_intervals_cover_other_pools(mutual):
    """Intervals hold the truth as often as they say; ``C`` narrows them if nothing is mutual.

    Without the column the bound is used.
    """
    rng = np.random.default_rng(11)
    studies, covered, bound = 80, 0, []
    for _ in range(studies):
        table, _ = own_share_study(rng, mutual=mutual)
        _, variance = own_share_variance(table)
        means = table.groupby(["share", "group"])["error"].mean().to_numpy()
        covered += abs(OWN_SHARE @ means) < 2.1 * np.sqrt(variance.total)
        _, unknown = own_share_variance(table.drop(columns=DRAWN_BY_SEED))
        bound.append(unknown.total / variance.total)
    assert 0.9 <= covered / studies <= 0.99
    assert min(bound) >= 1.0 - 1e-12
    assert np.mean(bound) > (1.15 if mutual == 0.0 else 1.0)


def test_the_gain_of_drawn_images_is_that_in_the_tests_of_other_seeds():
    """Against counting one by one, in a group that is drawn and tested in the same seed."""
    rng = np.random.default_rng(13)
    sums, counts = rng.normal(0, 1, (6, 4)), np.array(rng.integers(0, 2, (6, 4)), dtype=float)
    counts[:, 0], counts[5] = 1.0, [0, 1, 0, 0]  # the last unit is tested by one seed alone
    sums *= counts
    times, fitted = rng.integers(0, 3, (1, 6, 4)).astype(float), rng.normal(0, 1, 4)
    draws = Draws(np.ones(1), np.ones(1), np.ones(1), times)
    gain = _gain(_Cells(sums, counts, np.arange(6)), fitted)
    found = _mean_of_drawn(np.arange(6), gain, draws, 0, np.arange(4))
    for seed in range(4):
        others = [s for s in range(4) if s != seed]
        each = {
            unit: np.mean([sums[unit, s] - fitted[s] for s in others if counts[unit, s]])
            for unit in range(6)
            if counts[unit, others].any()
        }
        mean = np.mean(list(each.values()))
        drawn = [each[u] - mean for u in each for _ in range(int(times[0, u, seed]))]
        assert found[seed] == pytest.approx(np.mean(drawn))


def test_images_that_are_left_out_leave_the_others_as_they_are():
    """Codes stay those of the whole study; here the last images go."""
    table, _ = own_share_study(np.random.default_rng(16), mutual=0.5)
    kept = ~table["md5hash"].isin(table["md5hash"].drop_duplicates().tail(8))
    whole = with_draws(design_of(table), table)
    found = []
    for design in (
        design_where(whole, kept.to_numpy()),
        with_draws(design_of(table[kept]), table[kept]),
    ):
        influence = contrast_influence(design, table["error"][kept].to_numpy(), OWN_SHARE)
        found.append(variance_of(design, influence, OWN_SHARE).total)
    assert found[0] == pytest.approx(found[1])


def test_a_column_that_is_no_list_of_seeds_is_refused():
    """The message names the value and the remedy."""
    table, _ = own_share_study(np.random.default_rng(12), mutual=0.5)
    table.loc[table.index[table["group"] == "light"][0], DRAWN_BY_SEED] = "seed 3"
    with pytest.raises(
        DataError, match=r"drawn_by_seed is 'seed 3' for image light.*study collect"
    ):
        with_draws(design_of(table), table)


def test_two_mixes_of_one_share_keep_the_draws_of_both():
    """Mix a in seed 0 and mix b in seed 1, both with a share of one half."""
    rows = [
        (run, mix, seed, image)
        for run, mix, seed in (("a0", "a", 0), ("b1", "b", 1))
        for image in "xyz"
    ]
    table = pd.DataFrame(rows, columns=["run", "mix", "seed", "md5hash"])
    table = table.assign(distinct="paper", cluster=np.nan, share=0.5, group="dark")
    table = table.assign(n_train=2, n_effective_train=2.0, n_effective_pool=3.0)
    split = pd.DataFrame({"role": "train", "md5hash": ["x", "x"], "cluster": np.nan})
    table[DRAWN_BY_SEED] = drawn_by_seed(table, {"a0": split, "b1": split})
    times = with_draws(design_of(table), table).draws.times
    assert times[0].tolist() == [[2.0, 2.0], [0.0, 0.0], [0.0, 0.0]]


def two_mixes(rng: np.random.Generator, *, together: bool) -> tuple[pd.DataFrame, np.ndarray]:
    """One group, two mixes: each training moves all images alike, and every seed tests them all.

    Trainings of a seed move them by the same amount (``together``), or by unrelated ones.
    """
    effect = rng.normal(0, 1, (2, SEEDS))
    effect[1] = effect[0] if together else effect[1]
    difficulty = rng.normal(0, 5, TESTED)
    images = pd.DataFrame({"md5hash": np.arange(TESTED).astype(str)})
    runs = [
        images.assign(
            error=difficulty + effect[mix, seed], share=share, seed=seed, run=f"{mix}{seed}"
        )
        for mix, share in enumerate((0.5, 1.0))
        for seed in range(SEEDS)
    ]
    drawn = dict(zip(COLUMNS, (TRAINED, float(TRAINED), float(POOL)), strict=True))
    table = pd.concat(runs, ignore_index=True).assign(group="dark", cluster=np.nan, **drawn)
    return table, effect


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("weights", [(0.5, 0.5), (-1.0, 1.0)])
def test_each_mix_is_looked_at_alone(weights, together):
    """Draws of two mixes are independent: what a seed's trainings share is not of their images."""
    table, effect = two_mixes(np.random.default_rng(14), together=together)
    design, coefficients = with_draws(design_of(table), table), np.array(weights)
    influence = contrast_influence(design, table["error"].to_numpy(), coefficients)
    found = training_variance(design, influence, coefficients).common
    assert found == pytest.approx(np.square(weights) @ effect.var(axis=1, ddof=1))


def test_mixes_share_the_pool_and_draw_on_their_own():
    """What two mixes have in common, and each of its own, against simulated draws of both."""
    rng = np.random.default_rng(15)
    weights = np.array([0.7, 0.3])
    table, _ = two_mixes(rng, together=False)
    design = with_draws(design_of(table), table)
    alike = replace(design, draws=replace(design.draws, share=np.ones(2)))
    means, within = [], []
    for _ in range(4000):
        pool = rng.normal(0, 1, POOL)
        draws = [[rng.permutation(pool)[:TRAINED].mean() for _ in weights] for _ in range(2)]
        means.append(weights @ pool.mean(keepdims=True).repeat(2))
        within.append(weights @ np.subtract(*draws))
    expected = np.var(means) / (np.var(within) / 2.0)
    assert shared_to_own(alike, weights) == pytest.approx(expected, rel=0.08)
