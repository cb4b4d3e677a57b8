"""Intervals with subjects as clusters, against a bootstrap of whole subjects by brute force."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tonegap.statistics.design import Arm, design_of
from tonegap.statistics.variance import contrast_influence, two_way_variance

SUBJECTS, IMAGES, SEEDS = 60, 4, 6
GAP = {Arm(0.5, "light"): -1.0, Arm(0.5, "dark"): 1.0}


def study(between: float) -> pd.DataFrame:
    """Simulate a study in which a subject's images share an effect of this standard deviation."""
    chance = np.random.default_rng(7)
    subject = np.repeat(np.arange(SUBJECTS), IMAGES)
    of_image = between * chance.normal(size=SUBJECTS)[subject] + chance.normal(size=subject.size)
    rows = [
        pd.DataFrame(
            {
                "run": f"r{seed}",
                "share": 0.5,
                "seed": seed,
                "md5hash": [f"i{n}" for n in range(subject.size)],
                "group": np.where(subject % 2, "dark", "light"),
                "cluster": [f"s{n}" for n in subject],
                "value": of_image + 0.05 * chance.normal(size=subject.size),
            }
        )
        for seed in range(SEEDS)
    ]
    return pd.concat(rows, ignore_index=True)


def standard_error(table: pd.DataFrame) -> float:
    """Return the closed form's standard error of the gap over images."""
    design = design_of(table)
    coefficients = design.coefficients_of(GAP)
    influence = contrast_influence(design, table["value"].to_numpy(), coefficients)
    return float(np.sqrt(two_way_variance(design, influence, coefficients).image))


def bootstrap(table: pd.DataFrame, unit: str, draws: int = 3000) -> float:
    """Draw units with replacement, all their rows together; return the scatter of the gap."""
    chance = np.random.default_rng(11)
    sums = table.pivot_table(
        index=unit, columns="group", values="value", aggfunc="sum", fill_value=0
    )
    counts = table.pivot_table(
        index=unit, columns="group", values="value", aggfunc="count", fill_value=0
    )
    weights = chance.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=draws)
    means = (weights @ sums.to_numpy()) / (weights @ counts.to_numpy())
    gaps = means[:, list(sums.columns).index("dark")] - means[:, list(sums.columns).index("light")]
    return float(gaps.std())


@pytest.mark.parametrize("between", [0.0, 0.5, 2.0])
def test_the_interval_has_the_width_of_a_bootstrap_of_subjects(between):
    """Within the noise of 3,000 draws and the linear approximation, whatever subjects share."""
    table = study(between)
    assert standard_error(table) == pytest.approx(bootstrap(table, "cluster"), rel=0.06)


def test_images_taken_as_independent_give_too_narrow_an_interval():
    """What clusters are for: with shared effects the error over images is half of the true one."""
    table = study(2.0)
    alone = table.assign(cluster=table["md5hash"])
    assert standard_error(alone) == pytest.approx(bootstrap(alone, "cluster"), rel=0.06)
    assert standard_error(table) > 1.6 * standard_error(alone)
