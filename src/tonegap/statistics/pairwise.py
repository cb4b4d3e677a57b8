"""The paper's reading: tests on run means, which take the runs for independent samples.

They are not: every seed redraws its test sets from the same pools, so images come back from
run to run and the means agree better than independent samples would. Simulated true nulls of
the paper's design are rejected far more often than 5 % (:data:`KNOWN_FALSE_POSITIVE_RATE`).
The tests stand here for comparison only, and decide no verdict.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import special

from tonegap.statistics.contrasts import Contrast
from tonegap.statistics.design import Design
from tonegap.statistics.inference import MIN_VARIATION, obstacle

KNOWN_FALSE_POSITIVE_RATE = 0.187
"""Share of 600 simulated true nulls of the paper's design (10 seeds, pools of 7,755 light and
2,168 dark) that a t-test on run means rejects at .05; `tonegap calibrate` measures it anew."""


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
        p_paired=_p_one_sample(by_seed),
        p_welch=_p_welch(means) if np.array_equal(np.sort(weights), [-1.0, 1.0]) else float("nan"),
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


def _p_one_sample(values: Float[np.ndarray, " seeds"]) -> float:
    if values.size < 2 or _is_constant(values):  # noqa: PLR2004 - the fewest that can differ
        return float("nan")
    return _two_sided(values.mean(), values.var(ddof=1) / values.size, values.size - 1.0)


def _p_welch(means: Float[np.ndarray, "seeds 2"]) -> float:
    first, second = means.T
    if len(means) < 2 or _is_constant(first) or _is_constant(second):  # noqa: PLR2004 - as above
        return float("nan")
    parts = means.var(axis=0, ddof=1) / len(means)
    df = (len(means) - 1) * parts.sum() ** 2 / (parts**2).sum()
    return _two_sided(first.mean() - second.mean(), parts.sum(), df)


def _two_sided(value: float, variance: float, df: float) -> float:
    """P of t = value / sqrt(variance); scipy.stats' own tests take 20 times as long to set up."""
    return float(2.0 * special.stdtr(df, -abs(value) / np.sqrt(variance)))


def _is_constant(values: Float[np.ndarray, " seeds"]) -> bool:
    return bool(np.ptp(values) <= MIN_VARIATION * np.abs(values).max())
