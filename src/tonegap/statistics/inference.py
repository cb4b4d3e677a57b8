"""From a contrast and the study's rows to an estimate with its interval and p value.

The interval is ``estimate +- t * se``, for a bounded measure on the scale of
``atanh(estimate / bound)``: half the logit of an AUC, Fisher's z of a correlation. ``se`` and the
degrees of freedom of ``t`` are those of :class:`~tonegap.statistics.variance.TwoWayVariance`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy import special

from tonegap.statistics.contrasts import LOG_ERROR, Contrast
from tonegap.statistics.design import Arm, Design
from tonegap.statistics.luck import training_luck
from tonegap.statistics.training_pool import variance_of
from tonegap.statistics.variance import arm_means, contrast_influence, distinct

MIN_UNITS = 3
"""Fewest seeds, and fewest image clusters, of an arm that is tested. Two seeds have one
difference: in simulated null studies whose trainings differ much they reject in 12 %, three in
4 to 6 %."""

MIN_VARIATION = 1e-12
"""Standard errors below this share of the measure's size are rounding, not scatter."""

SMALLEST = 1e-100
"""Differences below this are none: their squares would not be numbers."""

ONE_SIDED = 0.05
"""Level of a one-sided test that goes with the 90 % interval."""

POWER = 0.8
"""Power at which the minimum detectable effect is found."""

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
        Distinct ones among the rows that the contrast uses; no seeds for one finished model.
    bound
        The contrast lies in [-bound, bound]; infinite for errors. Where it is finite, interval
        and tests are those of t on ``atanh(value / bound)``, with the delta method's standard
        error: 0.5 of an AUC's logit (Newcombe 2006, Stat. Med. 25:559), Fisher's (1915) z of a
        correlation. The interval then lies within the bounds and is wider towards 0. On the
        plain scale t covers 88-93 % of the AUCs of three or four unlike trainings, on this one
        94-96 % (``docs/experiments.md``).
    pool_share
        Share of the variance that another pool of training images adds, in [0, 1]; NaN where this
        is not known, so that the interval is conditional on the study's pool.
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
    pool_share: float = math.nan

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
        but, where seeds are sampled, never less than ``2 ** -n_seeds``. That is the least that a
        test can give which knows only on which side of the bound each seed lies (the sign test).
        Where trainings decide, a run's AUC is near 0 or near 1; four such seeds agree by chance
        in an eighth of all studies, with hardly any scatter, and t, even on the scale of the
        logit, then rejects up to three times too often at corrected levels
        (``docs/experiments.md``).
        """
        if self.margin is None:
            return math.nan
        return max(self._below(self._t(self.margin)), self._least_p_of_seeds)

    @property
    def minimum_detectable(self) -> float:
        """Effect that a two-sided test at .05 tells from 0 in 80 % of such studies.

        ``se * (t_.975 + t_.8)`` (Bloom 1995, Eval. Rev. 19:547), for a bounded measure on the
        scale of the interval; in the measure's units.
        """
        se = self._transformed()[1]
        return self._back(se * float(special.stdtrit(self.df, [0.975, POWER]).sum()))

    @property
    def seeds_are_too_few(self) -> bool:
        """True if only the number of seeds keeps the contrast from lying beyond the margin.

        The 90 % interval lies beyond it, but so few seeds could agree by chance.
        """
        if self.margin is None:
            return False
        return self._below(self._t(self.margin)) <= ONE_SIDED < self._least_p_of_seeds

    @property
    def is_at_bound(self) -> bool:
        """True if the value is the largest possible, where no scatter can be seen."""
        return abs(self.value) >= NEAR_BOUND * self.bound

    @property
    def _least_p_of_seeds(self) -> float:
        """Least p value of a sign test over seeds; 0 where seeds are not sampled."""
        return 0.5**self.n_seeds if self.n_seeds else 0.0

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
    """Return why a contrast cannot be assessed on these rows, or None."""
    reason = lacking(contrast, design, values)
    if reason is not None:
        return reason
    used = values[design.coefficients_of(contrast.coefficients)[design.arm] != 0.0]
    size = float(np.abs(used).max())
    if np.ptp(used) <= max(MIN_VARIATION * size, SMALLEST):
        return f"{contrast.measure} is the same in every row, so that nothing can be compared"
    return None


def lacking(contrast: Contrast, design: Design, values: Float[np.ndarray, " rows"]) -> str | None:
    """Return which arms, runs, images or values a contrast lacks, or None."""
    if not contrast.coefficients:
        return contrast.lacks
    absent = [arm for arm in contrast.coefficients if arm not in design.arms]
    if absent:
        return f"no {_words(absent[0])}"
    used = design.coefficients_of(contrast.coefficients)[design.arm] != 0.0
    missing = int(np.isnan(values[used]).sum())
    if missing:
        rows = f"{missing} of {int(used.sum())} rows"
        return f"{contrast.measure} is missing or not finite in {rows}{contrast.needs}"
    return _too_few(contrast, design) or _pooled(contrast, design) or _unpaired(contrast, design)


def _too_few(contrast: Contrast, design: Design) -> str | None:
    """Return which arm has too few units or seeds to estimate its scatter."""
    counts = {"image clusters": design.units_by_arm}
    if design.samples_seeds:
        counts["seeds"] = design.seeds_by_arm
    for what, by_arm in counts.items():
        for arm in contrast.coefficients:
            count = int(by_arm[design.arms.index(arm)])
            if count < MIN_UNITS:
                return (
                    f"scatter between {what} needs at least {MIN_UNITS}, there are {count} "
                    f"with {_words(arm)}"
                )
    return None


def _pooled(contrast: Contrast, design: Design) -> str | None:
    """Return where an arm's seed has more than one run, which no claim covers."""
    for arm in contrast.coefficients:
        most = int(design.runs_by_cell[design.arms.index(arm)].max())
        if most > 1:
            return (
                f"{most} runs have the same mix (share {arm.share:g}) and the same seed; they "
                "differ in something that a mean over them would hide"
            )
    return None


def _unpaired(contrast: Contrast, design: Design) -> str | None:
    """Return where a run lacks one of the groups that are compared within runs."""
    if not contrast.is_within_runs:
        return None
    for share in sorted({arm.share for arm in contrast.coefficients}):
        arms = [design.arms.index(arm) for arm in contrast.coefficients if arm.share == share]
        has_runs = design.runs_by_cell[arms] > 0
        if (has_runs.any(axis=0) != has_runs.all(axis=0)).any():
            return f"a run of the mix with share {share:g} has test images of one group only"
    return None


def estimate(contrast: Contrast, design: Design, values: Float[np.ndarray, " rows"]) -> Estimate:
    """Estimate a contrast that has no :func:`obstacle`.

    Parameters
    ----------
    values
        The contrast's measure, one per row. A contrast within runs first loses each run's
        midpoint, so that what a training does to both groups cancels however many images of
        each the run has.
    """
    coefficients = design.coefficients_of(contrast.coefficients)
    used = coefficients != 0.0
    rows = used[design.arm]
    filled = np.where(rows, values, 0.0)
    size = float(np.abs(filled).max())
    if contrast.is_within_runs:
        filled = np.where(rows, filled - midpoints(design, filled, rows), 0.0)
    influence = contrast_influence(design, filled, coefficients)
    luck = training_luck(design, coefficients) if contrast.measure == LOG_ERROR else None
    variance = variance_of(design, influence, coefficients, luck)
    return Estimate(
        value=float(coefficients[used] @ arm_means(design, filled)[0][used]),
        # A measure that is constant within arms has no scatter to divide by.
        se=max(float(np.sqrt(variance.total)), MIN_VARIATION * size),
        df=variance.df,
        margin=contrast.margin,
        n_images=distinct(design.image[rows]),
        n_clusters=variance.n_units,
        n_runs=distinct(design.run[rows]),
        n_seeds=design.count_seeds(rows),
        bound=contrast.bound,
        pool_share=variance.pool_share,
    )


def midpoints(
    design: Design, values: Float[np.ndarray, " rows"], used: Bool[np.ndarray, " rows"]
) -> Float[np.ndarray, " rows"]:
    """Return the mean of the group means of each row's run, over the rows that are used."""
    n_runs, n_arms = int(design.run.max()) + 1, len(design.arms)
    cell = (design.run * n_arms + design.arm)[used]
    counts = np.bincount(cell, minlength=n_runs * n_arms).reshape(n_runs, n_arms)
    sums = np.bincount(cell, values[used], n_runs * n_arms).reshape(n_runs, n_arms)
    groups = np.maximum((counts > 0).sum(axis=1), 1)
    return np.asarray(((sums / np.maximum(counts, 1)).sum(axis=1) / groups)[design.run])


def _words(arm: Arm) -> str:
    return f"{arm.group} test images under the mix with share {arm.share:g}"
