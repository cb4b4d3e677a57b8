"""What decides the claims keeps its level on true nulls and finds what is planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tonegap.calibration.simulation import Scenario, draw_study
from tonegap.statistics.claims import assess_claims
from tonegap.statistics.contrasts import PRIMARY
from tonegap.statistics.declared import declared_contrasts
from tonegap.statistics.design import design_of
from tonegap.statistics.inference import Estimate, estimate
from tonegap.statistics.measures import measure_columns

PILOT_SCATTER = Scenario(
    n_seeds=10,
    n_test=60,
    pool_light=400,
    pool_dark=200,
    image_sd=0.75,
    run_sd=0.11,
    run_group_sd=0.03,
)
"""Scatter of log errors as the pilot's intervals show it, on small test sets."""

CONTRASTS = [
    c
    for c in declared_contrasts(PILOT_SCATTER.shares)
    if c.measure == "log_mse" and not c.equal_distinct
]


def estimates(scenario: Scenario, studies: int) -> dict[str, list[Estimate]]:
    """Estimate the contrasts of the log error in many studies."""
    found: dict[str, list[Estimate]] = {contrast.name: [] for contrast in CONTRASTS}
    for seed in range(studies):
        table = draw_study(scenario, np.random.default_rng([seed, 7]))
        design = design_of(table, trusted=True)
        values = measure_columns(table, design, ["log_mse"])["log_mse"].to_numpy()
        for contrast in CONTRASTS:
            found[contrast.name].append(estimate(contrast, design, values))
    return found


def rejected(found: list[Estimate]) -> float:
    """Share of studies that reject at .05."""
    return float(np.mean([one.p <= 0.05 for one in found]))


def test_true_nulls_are_rejected_in_about_5_percent() -> None:
    """400 null studies leave 1.1 points of counting error: primaries within 3 to 7 %."""
    found = estimates(PILOT_SCATTER, 400)
    for contrast in CONTRASTS:
        if contrast.family == PRIMARY:
            assert 0.03 <= rejected(found[contrast.name]) <= 0.07, contrast.name


def test_each_primary_finds_its_own_effect_and_no_other() -> None:
    """An own share effect of 10 % is found where slopes miss it; the overall gap stays silent.

    The other way round a gap of 29 % is found, and the own share effect stays silent. Intervals
    cover what is planted.
    """
    larger = replace(PILOT_SCATTER, n_test=80, pool_light=900, pool_dark=500)
    own = estimates(replace(larger, log_slope=float(np.log(0.9))), 100)
    assert rejected(own["own_share_effect"]) > 0.9
    assert rejected(own["slope_dark"]) < 0.6
    assert rejected(own["gap_overall"]) < 0.1
    gap = estimates(replace(larger, log_gap=float(np.log(1.29))), 100)
    assert rejected(gap["gap_overall"]) > 0.9
    assert rejected(gap["own_share_effect"]) < 0.1
    for found, truth in (
        (own["own_share_effect"], np.log(0.9)),
        (gap["gap_overall"], np.log(1.29)),
    ):
        bounds = [one.interval() for one in found]
        assert 0.91 <= np.mean([low <= truth <= high for low, high in bounds]) <= 0.99


@pytest.mark.parametrize(
    ("planted", "then"),
    [
        ({"log_gap": 0.6}, ("undecided", "supported")),
        ({"log_slope": -0.3}, ("supported", "undecided")),
        ({"log_gap": -0.6, "log_slope": 0.3}, ("contradicted", "contradicted")),
        ({}, ("undecided", "undecided")),
    ],
)
def test_verdicts_say_what_is_planted(planted, then) -> None:
    """A gap alone, representation alone, both reversed, nothing."""
    table = draw_study(replace(PILOT_SCATTER, **planted), np.random.default_rng(11))
    claims = assess_claims(table, "planted")
    assert (claims.verdict("C1"), claims.verdict("C2")) == then
