"""The declared contrasts say what their names promise."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from tonegap.statistics.contrasts import (
    AUC_MARGIN,
    PRIMARY,
    Contrast,
    declared_contrasts,
    slope_coefficients,
)
from tonegap.statistics.design import Arm

THREE = (0.0, 0.5, 1.0)
SWEEP = (0.0, 0.25, 0.5, 0.75, 1.0)


def value(contrast: Contrast, means: dict[Arm, float]) -> float:
    """Evaluate the contrast on given arm means."""
    return sum(c * means[arm] for arm, c in contrast.coefficients.items())


def named(shares: tuple[float, ...], measure: str = "mse") -> dict[str, Contrast]:
    """List the declared contrasts of one measure by name."""
    return {c.name: c for c in declared_contrasts(shares) if c.measure == measure}


@pytest.mark.parametrize("shares", [THREE, SWEEP, (0.0, 0.1, 1.0)])
@pytest.mark.parametrize("group", ["light", "dark"])
def test_slopes_are_those_of_polyfit_and_statsmodels(shares, group) -> None:
    """A line through the arm means, against the group's own share, each arm once."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=len(shares))
    own = np.array(shares) if group == "dark" else 1.0 - np.array(shares)
    coefficients = slope_coefficients(shares, group)
    slope = sum(coefficients.get(Arm(s, group), 0.0) * v for s, v in zip(shares, y, strict=True))
    assert slope == pytest.approx(np.polyfit(own, y, 1)[0])
    weighted = sm.WLS(y, sm.add_constant(own), weights=np.full(len(shares), 7.0)).fit()
    assert slope == pytest.approx(weighted.params[1])


def test_gaps_are_dark_minus_light_of_the_right_arms() -> None:
    """Worst case: each group where it is absent; best case: each where it is alone."""
    means = {Arm(s, g): 10.0 * s + (g == "dark") for s in THREE for g in ("light", "dark")}
    contrasts = named(THREE)
    assert value(contrasts["gap_mixed"], means) == 1.0
    assert value(contrasts["gap_worst_case"], means) == (0.0 + 1.0) - 10.0
    assert value(contrasts["gap_best_case"], means) == (10.0 + 1.0) - 0.0


def test_what_decides_the_claims_is_fixed_by_the_mixes() -> None:
    """The primary family of the paper's mixes: 2 slopes, 3 gaps, 3 tests of equivalence."""
    primary = [c for c in declared_contrasts(THREE) if c.family == PRIMARY]
    assert [(c.claim, c.expected) for c in primary] == (
        [("C1", "negative")] * 2 + [("C2", "positive")] * 3 + [("C3", "equivalent")] * 3
    )


def test_names_are_unique_within_a_measure() -> None:
    """A row of the table is found by measure and name."""
    pairs = [(c.measure, c.name) for c in declared_contrasts(SWEEP)]
    assert len(set(pairs)) == len(pairs)


def test_one_mix_has_no_slope() -> None:
    """Without a second share the slope has no coefficients, but is declared all the same."""
    contrasts = named((0.5,))
    assert not contrasts["slope_dark"].coefficients
    assert contrasts["gap_mixed"].coefficients


def test_the_margin_is_a_small_effect_of_cohen() -> None:
    """Cohen's d = 0.2 between two normals is an AUC of .556; only C3's tests have a margin."""
    rng = np.random.default_rng(1)
    simulated = (rng.normal(0.2, 1, 400_000) > rng.normal(0, 1, 400_000)).mean()
    assert pytest.approx(simulated, abs=0.003) == AUC_MARGIN + 0.5
    assert all(
        (c.margin is not None) == (c.expected == "equivalent") for c in declared_contrasts(THREE)
    )
