"""The declared contrasts say what their names promise."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from tonegap.statistics.contrasts import AUC_MARGIN, PRIMARY, Contrast, slope_coefficients
from tonegap.statistics.declared import declared_contrasts
from tonegap.statistics.design import Arm

THREE = (0.0, 0.5, 1.0)
PAIR = ("light", "dark")
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
    assert value(contrasts["gap_worst"], means) == (0.0 + 1.0) - 10.0
    assert value(contrasts["gap_best"], means) == (10.0 + 1.0) - 0.0


def test_one_contrast_decides_each_claim() -> None:
    """Own share effect, overall gap and pooled equivalence of sigma, whatever the mixes."""
    for shares in (THREE, SWEEP, (0.0, 1.0)):
        primary = [c for c in declared_contrasts(shares) if c.family == PRIMARY]
        assert [(c.claim, c.name, c.expected) for c in primary] == [
            ("C1", "own_share_effect", "negative"),
            ("C2", "gap_overall", "positive"),
            ("C3", "sigma_auc_all", "equivalent"),
        ]


@pytest.mark.parametrize("shares", [THREE, SWEEP])
def test_contrasts_within_runs_read_off_the_line_through_the_gaps(shares) -> None:
    """With gap(s) = tone + delta (2 s - 1) they give tone, delta and no curvature."""
    tone, delta = 0.3, -0.1
    rng = np.random.default_rng(0)
    runs = dict(zip(shares, rng.normal(size=len(shares)), strict=True))
    means = {
        Arm(s, g): runs[s] + (tone + delta * (2.0 * s - 1.0)) * (g == "dark")
        for s in shares
        for g in ("light", "dark")
    }
    contrasts = named(shares, "log_mse")
    assert value(contrasts["own_share_effect"], means) == pytest.approx(delta)
    assert value(contrasts["gap_overall"], means) == pytest.approx(tone)
    assert value(contrasts["gap_mixed"], means) == pytest.approx(tone)
    assert value(contrasts["curvature"], means) == pytest.approx(0.0, abs=1e-12)
    within = {name for name, contrast in contrasts.items() if contrast.is_within_runs}
    names = {"own_share_effect", "gap_overall", "gap_mixed", "curvature"}
    assert within == names | {f"{name}_equal_distinct" for name in names}


def test_sensitivity_is_the_worst_less_the_best_case() -> None:
    """It is how much further dark errors fall with their own share than light ones do."""
    means = {Arm(s, g): 5.0 * s**2 + 3.0 * (g == "dark") * s for s in THREE for g in PAIR}
    contrasts = named(THREE, "log_mse")
    by_gaps = value(contrasts["gap_worst"], means) - value(contrasts["gap_best"], means)
    falls = {
        "dark": means[Arm(0.0, "dark")] - means[Arm(1.0, "dark")],
        "light": means[Arm(1.0, "light")] - means[Arm(0.0, "light")],
    }
    found = value(contrasts["sensitivity"], means)
    assert found == pytest.approx(by_gaps)
    assert found == pytest.approx(falls["dark"] - falls["light"])


def test_the_overall_gap_leaves_out_mixes_without_a_mirror_image() -> None:
    """Mixes at 0, .25, .75 and .9: only .25 and .75 mirror each other."""
    contrast = named((0.0, 0.25, 0.75, 0.9), "log_mse")["gap_overall"]
    assert {arm.share for arm in contrast.coefficients} == {0.25, 0.75}


def test_what_compares_models_is_tested_at_equal_distinct_images_only() -> None:
    """Slopes and sensitivity are described under the paper's draw, tested in their twins."""
    contrasts = named(THREE, "log_mse")
    for name, expected in (("slope_dark", "negative"), ("sensitivity", "positive")):
        twin = contrasts[f"{name}_equal_distinct"]
        assert not contrasts[name].is_tested
        assert (twin.expected, twin.equal_distinct) == (expected, True)
        assert twin.coefficients == contrasts[name].coefficients


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
