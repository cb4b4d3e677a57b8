"""The paper's reading: tests on run means, which take the runs for independent samples.

They are not: every seed redraws its test sets from the same pools, so images come back from
run to run and the means agree better than independent samples would. True nulls are rejected far
more often than 5 % (:mod:`tonegap.statistics.false_positives`). The tests stand here for
comparison only, and decide no verdict.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy import special

from tonegap.statistics.contrasts import Contrast
from tonegap.statistics.design import Design
from tonegap.statistics.inference import MIN_VARIATION, obstacle


@dataclass(frozen=True)
class RunMeansTest:
    """A contrast tested on the means of runs.

    Attributes
    ----------
    value
        Mean over seeds of the contrast of run means.
    p_paired
        One-sample t on the contrast of each seed; NaN where it cannot be computed.
    p_welch
        Welch's two-sample t on the run means of the two arms; NaN for a contrast that is no
        difference of two arms.
    """

    name: str
    measure: str
    value: float
    p_paired: float
    p_welch: float
    n_seeds: int


def run_means_test(
    contrast: Contrast, design: Design, values: Float[np.ndarray, " rows"]
) -> RunMeansTest | None:
    """Test a contrast as if runs were independent samples; None where it cannot be assessed."""
    if obstacle(contrast, design, values) is not None:
        return None
    coefficients = design.coefficients_of(contrast.coefficients)
    means = seed_means(design, values)[:, coefficients != 0.0]
    means = means[np.isfinite(means).all(axis=1)]
    weights = coefficients[coefficients != 0.0]
    by_seed = means @ weights
    return RunMeansTest(
        name=contrast.name,
        measure=contrast.measure,
        value=float(by_seed.mean()) if by_seed.size else float("nan"),
        p_paired=float(p_one_sample(by_seed[None])[0]),
        p_welch=float(p_welch(means[None], weights)[0]),
        n_seeds=len(by_seed),
    )


def seed_means(
    design: Design, values: Float[np.ndarray, " rows"]
) -> Float[np.ndarray, "seeds arms"]:
    """Mean of each seed's rows in each arm; NaN where a seed lacks the arm."""
    n_arms = len(design.arms)
    cell = design.seed * n_arms + design.arm
    counts = np.bincount(cell, minlength=design.n_seeds * n_arms)
    sums = np.bincount(cell, weights=values, minlength=counts.size)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return means.reshape(design.n_seeds, n_arms)


def p_one_sample(values: Float[np.ndarray, "studies seeds"]) -> Float[np.ndarray, " studies"]:
    """Return the p values of one-sample t tests; NaN where the values do not scatter."""
    studies, n = values.shape
    if n < 2:  # noqa: PLR2004 - the fewest that can differ
        return np.full(studies, np.nan)
    variance = np.where(_is_constant(values), np.nan, values.var(axis=1, ddof=1) / n)
    return _two_sided(values.mean(axis=1), variance, np.full(studies, n - 1.0))


def p_welch(
    means: Float[np.ndarray, "studies seeds arms"], weights: Float[np.ndarray, " arms"]
) -> Float[np.ndarray, " studies"]:
    """Return the p values of Welch's tests; NaN unless the weights compare two arms."""
    studies, n, _ = means.shape
    if n < 2 or not np.array_equal(np.sort(weights), [-1.0, 1.0]):  # noqa: PLR2004 - as above
        return np.full(studies, np.nan)
    constant = _is_constant(means[:, :, 0]) | _is_constant(means[:, :, 1])
    parts = np.where(constant[:, None], np.nan, means.var(axis=1, ddof=1) / n)
    df = (n - 1) * parts.sum(axis=1) ** 2 / (parts**2).sum(axis=1)
    return _two_sided(means.mean(axis=1) @ weights, parts.sum(axis=1), df)


def _two_sided(
    value: Float[np.ndarray, " studies"],
    variance: Float[np.ndarray, " studies"],
    df: Float[np.ndarray, " studies"],
) -> Float[np.ndarray, " studies"]:
    """P of t = value / sqrt(variance); scipy.stats' own tests take 20 times as long to set up."""
    return np.asarray(2.0 * special.stdtr(df, -np.abs(value) / np.sqrt(variance)))


def _is_constant(values: Float[np.ndarray, "studies seeds"]) -> Bool[np.ndarray, " studies"]:
    size = MIN_VARIATION * np.abs(values).max(axis=1)
    return np.asarray(np.ptp(values, axis=1) <= size)
