"""From a contrast and the study's rows to an estimate with its interval and p value.

The interval is ``estimate +- t * se``, for a bounded measure on the scale of
``atanh(estimate / bound)``: half the logit of an AUC, Fisher's z of a correlation. ``se`` is the
standard deviation of the contrast over the two-way bootstrap, its weights drawn towards 1 so that
noise of cells counts once, or its closed form where no resamples are given; ``t`` has
the degrees of freedom of :class:`~tonegap.statistics.variance.TwoWayVariance`.
Percentiles of the resamples are not used: with 4 or 10 seeds they are too narrow, and plain
pigeonhole percentiles too wide (see :mod:`tonegap.statistics.variance`).
"""

from __future__ import annotations

import math
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
"""Fewest seeds, and fewest image clusters, of an arm that is judged. Two seeds have one
difference: in simulated null studies whose trainings differ much they reject in 12 %, three in
4 to 6 %."""

MIN_VARIATION = 1e-12
"""Standard errors below this share of the measure's size are rounding, not scatter."""

SMALLEST = 1e-100
"""Differences below this are none: their squares would not be numbers."""

ONE_SIDED = 0.05
"""Level of a one-sided test that goes with the 90 % interval."""

NEAR_BOUND = 1.0 - 1e-9
"""A bounded estimate is taken to lie at most this share of the way to its bound."""


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
    bound
        The contrast lies in [-bound, bound]; infinite for errors. Where it is finite, interval
        and tests are those of t on ``atanh(value / bound)``, with the delta method's standard
        error: 0.5 of an AUC's logit (Newcombe 2006, Stat. Med. 25:559), Fisher's (1915) z of a
        correlation. The interval then lies within the bounds and is wider towards 0. On the
        plain scale t covers 88-93 % of the AUCs of three or four unlike trainings, on this one
        94-96 % (``docs/experiments.md``).
    """

    value: float
    se: float
    df: float
    margin: float | None
    n_images: int
    n_clusters: int
    n_runs: int
    n_seeds: int
    bound: float = math.inf

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Two-sided interval of the given coverage, in the measure's units."""
        centre, se = self._transformed()
        reach = float(special.stdtrit(self.df, 0.5 + level / 2.0)) * se
        return self._back(centre - reach), self._back(centre + reach)

    @property
    def p(self) -> float:
        """P value, in [0, 1].

        Without a margin: two-sided, of the null "the contrast is 0"; at most .05 exactly when
        the 95 % interval leaves out 0. With one: of the null "the contrast lies at or beyond
        the margin" (two one-sided tests); at most .05 exactly when the 90 % interval lies
        within the margin.
        """
        if self.margin is None:
            return 2.0 * self._below(self._t(0.0))
        return self._below(-self._t(self.margin))

    @property
    def p_beyond(self) -> float:
        """P value of the null "the contrast lies within the margin"; NaN without a margin.

        The test that contradicts equivalence: one-sided t on the nearer bound of the margin,
        but never less than ``2 ** -n_seeds``. That is the least that a test can give which
        knows only on which side of the bound each seed lies (the sign test). Where trainings
        decide, a run's AUC is near 0 or near 1; four such seeds agree by chance in an eighth
        of all studies, with hardly any scatter, and t, even on the scale of the logit, then
        rejects up to three times too often at corrected levels (``docs/experiments.md``).
        """
        if self.margin is None:
            return math.nan
        return max(self._below(self._t(self.margin)), 0.5**self.n_seeds)

    @property
    def seeds_are_too_few(self) -> bool:
        """Whether the 90 % interval lies beyond the margin and only the seeds' number holds back.

        Their agreement could then be chance, however narrow the interval.
        """
        if self.margin is None:
            return False
        return self._below(self._t(self.margin)) <= ONE_SIDED < 0.5**self.n_seeds

    @property
    def is_at_bound(self) -> bool:
        """Whether the value is the largest possible, from where there is no scatter to see."""
        return abs(self.value) >= NEAR_BOUND * self.bound

    def _t(self, size: float) -> float:
        """How far ``size`` lies beyond the estimate, seen from 0, in standard errors."""
        centre, se = self._transformed()
        return (self._forth(size) - abs(centre)) / se

    def _below(self, t: float) -> float:
        return float(special.stdtr(self.df, t))

    def _transformed(self) -> tuple[float, float]:
        """Value and standard error on the scale of the interval."""
        if math.isinf(self.bound):
            return self.value, self.se
        share = self._forth(self.value)
        return share, self.se / self.bound * math.cosh(share) ** 2

    def _forth(self, value: float) -> float:
        if math.isinf(self.bound):
            return value
        return math.atanh(min(max(value / self.bound, -NEAR_BOUND), NEAR_BOUND))

    def _back(self, value: float) -> float:
        return value if math.isinf(self.bound) else self.bound * math.tanh(value)


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
        rows = f"{missing} of {int(used.sum())} rows"
        return f"{contrast.measure} is missing or not finite in {rows}{contrast.needs}"
    few = _too_few(contrast, design) or _pooled(contrast, design)
    if few is not None:
        return few
    size = float(np.abs(values[used]).max())
    if np.ptp(values[used]) <= max(MIN_VARIATION * size, SMALLEST):
        return f"{contrast.measure} is the same in every row, so that nothing can be compared"
    return None


def _too_few(contrast: Contrast, design: Design) -> str | None:
    """Say which arm has too few units or seeds for its scatter to be seen."""
    counts = (("image clusters", design.units_by_arm), ("seeds", design.seeds_by_arm))
    for what, by_arm in counts:
        for arm in contrast.coefficients:
            count = int(by_arm[design.arms.index(arm)])
            if count < MIN_UNITS:
                return (
                    f"scatter between {what} needs at least {MIN_UNITS}, there are {count} "
                    f"with {_words(arm)}"
                )
    return None


def _pooled(contrast: Contrast, design: Design) -> str | None:
    """Say where an arm's seed has more than one run: they differ in what no claim speaks of."""
    for arm in contrast.coefficients:
        most = int(design.runs_by_cell[design.arms.index(arm)].max())
        if most > 1:
            return (
                f"{most} runs have the same mix ({100.0 * arm.share:g} % dark images) and the "
                "same seed; they differ in something that a mean over them would hide"
            )
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
        n_seeds=distinct(design.seed[rows]),
        bound=contrast.bound,
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
    return variance.left_to_scale * float(drawn[np.isfinite(drawn)].std(ddof=1))


def _words(arm: Arm) -> str:
    return f"{arm.group} test images under a mix with {100.0 * arm.share:g} % dark images"
