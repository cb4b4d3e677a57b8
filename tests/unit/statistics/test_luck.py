"""The luck of a training, against simulations whose truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tonegap.statistics.contrasts import Contrast
from tonegap.statistics.design import Arm, design_of
from tonegap.statistics.draws import COLUMNS, RETRAINED, with_draws
from tonegap.statistics.inference import estimate
from tonegap.statistics.luck import MIN_SEEDS, training_luck

POOL, TRAINED, TESTED, SEEDS = 80, 50, 30, 10
GAP = np.array([0.5, -0.5, 0.5, -0.5])  # arms by share, then group: dark, light


def study(
    rng: np.random.Generator, *, luck: float, taught: float = 0.0, own: float = 0.1, again: int = 5
) -> pd.DataFrame:
    """Two mixes: what a training is by luck, and what its images make of it, moves the gap.

    The first ``again`` seeds are trained a second time, on the same draw.
    """
    difficulty, effect = rng.normal(0, 1, (2, POOL)), rng.normal(0, taught, (2, POOL))
    tables = []
    for seed in range(SEEDS):
        order = rng.permutation(POOL)
        test = order[:TESTED]
        for mix, share in enumerate((0.0, 1.0)):
            drawn = effect[mix, rng.permutation(order[TESTED:])[:TRAINED]].mean()
            tried = rng.normal(0, luck, 2) + drawn
            for group, name in enumerate(("dark", "light")):
                errors = [
                    difficulty[group, test] + (group == 0) * one + rng.normal(0, own, TESTED)
                    for one in tried
                ]
                tables.append(
                    pd.DataFrame(
                        {"md5hash": [f"{name}{i}" for i in test], "mse": np.exp(errors[0])}
                    ).assign(
                        group=name, share=share, seed=seed, run=f"{share}-{seed}",
                        **{RETRAINED: np.exp(errors[1]) if seed < again else np.nan},
                    )
                )  # fmt: skip
    drawn = dict(zip(COLUMNS, (TRAINED, float(TRAINED), float(POOL)), strict=True))
    return pd.concat(tables, ignore_index=True).assign(cluster=np.nan, **drawn)


def design_with(table: pd.DataFrame):
    return with_draws(design_of(table), table)


def gap(table: pd.DataFrame, measure: str = "log_mse"):
    weights = {
        Arm(s, g): 0.5 * sign for s in (0.0, 1.0) for g, sign in (("dark", 1), ("light", -1))
    }
    contrast = Contrast("C2", "gap_overall", measure, "primary", "positive", weights, "")
    values = table["mse"].to_numpy()
    return estimate(
        contrast, design_with(table), np.log(values) if measure == "log_mse" else values
    )


def test_the_luck_of_trainings_is_found():
    """Mean over 100 studies, beside the noise of single images, which is told apart."""
    rng = np.random.default_rng(0)
    found = [training_luck(design_with(study(rng, luck=0.2)), GAP) for _ in range(100)]
    common, single = np.array([(one.common, one.single) for one in found]).T
    error = common.std() / np.sqrt(common.size)
    assert common.mean() == pytest.approx(2 * 0.25 * 0.2**2, abs=3 * error)
    assert error < 0.15 * common.mean()
    assert single.mean() == pytest.approx(4 * 0.25 * 0.1**2 / POOL, rel=0.05)


def test_luck_is_no_part_of_another_pool():
    """Where all scatter is luck, intervals cover as they say, and are far narrower than without."""
    rng = np.random.default_rng(1)
    covered, ratio, studies = 0, [], 100
    for _ in range(studies):
        table = study(rng, luck=0.3)
        known, unknown = gap(table), gap(table.drop(columns=RETRAINED))
        low, high = known.interval()
        covered += low <= 0.0 <= high
        ratio.append(known.se / unknown.se)
    assert 0.92 <= covered / studies <= 0.99
    assert np.median(ratio) < 0.8


def test_what_the_draws_do_stays():
    """Without luck a second training changes nothing, to the last digit."""
    table = study(np.random.default_rng(2), luck=0.0, taught=2.0, own=0.0)
    assert gap(table).se == gap(table.drop(columns=RETRAINED)).se


def test_intervals_cover_other_pools_where_trainings_have_luck():
    """Both at once: luck, and images that teach."""
    rng = np.random.default_rng(3)
    studies = 100
    found = [gap(study(rng, luck=0.2, taught=2.0)).interval() for _ in range(studies)]
    covered = sum(low <= 0.0 <= high for low, high in found)
    assert 0.92 <= covered / studies <= 0.99


@pytest.mark.parametrize("again", [0, MIN_SEEDS - 1])
def test_too_few_second_trainings_say_nothing(again):
    """The variance is then taken as it is."""
    table = study(np.random.default_rng(4), luck=0.3, again=again)
    assert training_luck(design_with(table), GAP) is None
    assert gap(table).se == gap(table.drop(columns=RETRAINED)).se


def test_a_mix_without_second_trainings_keeps_its_scatter():
    """The luck of one mix is not taken for that of another."""
    table = study(np.random.default_rng(5), luck=0.3)
    table.loc[table["share"] == 0.0, RETRAINED] = np.nan
    only = np.where([arm.share == 1.0 for arm in design_with(table).arms], GAP, 0.0)
    assert training_luck(design_with(table), GAP) == training_luck(design_with(table), only)


def test_other_measures_have_a_luck_of_their_own():
    """That of the log error says nothing about sigma, or about the plain error."""
    table = study(np.random.default_rng(6), luck=0.3)
    assert gap(table, "mse").se == gap(table.drop(columns=RETRAINED), "mse").se


def test_images_of_a_cluster_count_as_one():
    """The change of a unit is the mean over its images."""
    table = study(np.random.default_rng(7), luck=0.3)
    doubled = pd.concat([table, table.assign(md5hash="copy of " + table["md5hash"])])
    doubled["cluster"] = doubled["md5hash"].str.removeprefix("copy of ")
    found = training_luck(design_with(doubled.reset_index(drop=True)), GAP)
    assert found.common == pytest.approx(training_luck(design_with(table), GAP).common)
