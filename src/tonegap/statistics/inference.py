"""From a contrast and the study's rows to an estimate with its interval and p value.

The interval is ``estimate +- t * se``. ``se`` is the standard deviation of the contrast over
the two-way bootstrap, its weights drawn towards 1 so that noise of cells counts once, or its
closed form where no resamples are given; ``t`` has Satterthwaite's degrees of freedom.
Percentiles of the resamples are not used: with 4 or 10 seeds they are too narrow, and plain
pigeonhole percentiles too wide (see :mod:`tonegap.statistics.variance`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import special

from tonegap.statistics.bootstrap import Resamples
from tonegap.statistics.contrasts import Contrast
from tonegap.statistics.design import Arm, Design
from tonegap.statistics.variance import (
    TwoWayVariance,
    arm_means,
    contrast_influence,
    distinct,
    two_way_variance,
)

MIN_UNITS = 3
"""Fewest seeds, and fewest image clusters, that are judged. Two seeds have one difference: in
simulated null studies whose trainings differ much they reject in 12 %, three in 4 to 9 %."""

MIN_VARIATION = 1e-12
"""Standard errors below this share of the measure's size are rounding, not scatter."""


@dataclass(frozen=True)
class Estimate:
    """A contrast's value and what is known of it.

    Attributes
    ----------
    value, se
        In the measure's units.
    df
        Degrees of freedom of the t distribution.
    margin
        The margin of an equivalence test, else None; it decides what ``p`` means.
    n_images, n_clusters, n_runs, n_seeds
        Distinct ones among the rows that the contrast uses.
    """

    value: float
    se: float
    df: float
    margin: float | None
    n_images: int
    n_clusters: int
    n_runs: int
    n_seeds: int

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Two-sided interval of the given coverage, in the measure's units."""
        reach = float(special.stdtrit(self.df, 0.5 + level / 2.0)) * self.se
        return self.value - reach, self.value + reach

    @property
    def p(self) -> float:
        """P value, in [0, 1].

        Without a margin: two-sided, of the null "the contrast is 0". With one: of the null
        "the contrast lies at or beyond the margin" (two one-sided tests); at most .05 exactly
        when the 90 % interval lies within the margin.
        """
        if self.margin is None:
            return float(2.0 * special.stdtr(self.df, -abs(self.value) / self.se))
        return float(special.stdtr(self.df, (abs(self.value) - self.margin) / self.se))

    @property
    def p_beyond(self) -> float:
        """P value of the null "the contrast lies within the margin"; NaN without a margin.

        The test that contradicts equivalence: one-sided t on the nearer bound of the margin,
        but never less than ``2 ** -n_seeds``. That is the least that a test can give which
        knows only on which side of the bound each seed lies (the sign test). Where trainings
        decide, a run's AUC is near 0 or near 1; four such seeds agree by chance in an eighth
        of all studies, with hardly any scatter, and t would take that for certainty
        (``docs/experiments.md``).
        """
        if self.margin is None:
            return float("nan")
        by_t = float(special.stdtr(self.df, (self.margin - abs(self.value)) / self.se))
        return max(by_t, 0.5**self.n_seeds)


def obstacle(contrast: Contrast, design: Design, values: Float[np.ndarray, " rows"]) -> str | None:
    """Why a contrast cannot be assessed on these rows; None where it can."""
    if not contrast.coefficients:
        return "the study has runs of one mix only, a slope needs two"
    absent = [arm for arm in contrast.coefficients if arm not in design.arms]
    if absent:
        return f"no {_words(absent[0])}"
    used = design.coefficients_of(contrast.coefficients)[design.arm] != 0.0
    missing = int(np.isnan(values[used]).sum())
    if missing:
        return f"{contrast.measure} is missing in {missing} of {int(used.sum())} rows"
    for unit, codes in (("image clusters", design.unit), ("seeds", design.seed)):
        count = distinct(codes[used])
        if count < MIN_UNITS:
            return f"scatter between {unit} needs at least {MIN_UNITS}, there are {count}"
    if np.ptp(values[used]) <= MIN_VARIATION * float(np.abs(values[used]).max()):
        return f"{contrast.measure} is the same in every row, so that nothing can be compared"
    return None


def estimate(
    contrast: Contrast,
    design: Design,
    values: Float[np.ndarray, " rows"],
    resamples: Resamples | None = None,
    column: int = 0,
) -> Estimate:
    """Estimate a contrast that has no :func:`obstacle`.

    Parameters
    ----------
    values
        The contrast's measure, one per row.
    resamples, column
        Resampled sums and the measure's column in them; None: the closed-form variance.
    """
    coefficients = design.coefficients_of(contrast.coefficients)
    used = coefficients != 0.0
    rows = used[design.arm]
    filled = np.where(rows, values, 0.0)
    variance = two_way_variance(
        design, contrast_influence(design, filled, coefficients), coefficients
    )
    if resamples is None:
        se = float(np.sqrt(variance.total))
    else:
        se = _bootstrap_se(resamples, column, coefficients, variance)
    return Estimate(
        value=float(coefficients[used] @ arm_means(design, filled)[0][used]),
        # A measure that is constant within arms has no scatter to divide by.
        se=max(se, MIN_VARIATION * float(np.abs(filled).max())),
        df=variance.df,
        margin=contrast.margin,
        n_images=distinct(design.image[rows]),
        n_clusters=variance.n_units,
        n_runs=distinct(design.run[rows]),
        n_seeds=variance.n_seeds,
    )


def _bootstrap_se(
    resamples: Resamples,
    column: int,
    coefficients: Float[np.ndarray, " arms"],
    variance: TwoWayVariance,
) -> float:
    """Take the standard deviation of the contrast over the resamples that hold all of its arms."""
    means = resamples.arm_means(column, variance.seed_shrinkage, variance.image_shrinkage)
    used = coefficients != 0.0
    drawn = means[:, used] @ coefficients[used]
    return float(drawn[np.isfinite(drawn)].std(ddof=1))


def _words(arm: Arm) -> str:
    return f"{arm.group} test images under a mix with {100.0 * arm.dark_share:g} % dark images"
