"""The contrasts that stand for the paper's claims, declared before any result is seen.

Each is a fixed linear combination of arm means of one measure, with the direction that
would support the claim. Which arms exist follows from the mixes alone, never from outcomes.
With ``y = log MSE`` and ``s`` the compared group's share in training, the gap of a run and its
model are::

    gap_r = mean y(compared) - mean y(reference) within run r;   gap(s) = tone + delta (2 s - 1)

=====  ======================  ==========================================  =====================
claim  decided by              contrast                                    supports when
=====  ======================  ==========================================  =====================
C1     ``own_share_effect``    (gap(1) - gap(0)) / 2 = delta               negative
C2     ``gap_overall``         mean gap(s), mixes symmetric about 1/2      positive
C3     ``sigma_auc_all``       AUC - 0.5 of sigma, mean over mixes         within the margin
=====  ======================  ==========================================  =====================

The first two compare groups within runs, so that a training's own factor on all errors cancels.
Slopes, the worst and the best case compare models, and those trained on the paper's draws also
differ in how many distinct images they saw: without any effect their slopes are rejected in 70 to
80 % of studies. They decide nothing. Each contrast has a twin, ``*_equal_distinct``, over runs
trained on equally many distinct images, where slopes and ``sensitivity`` are tested.

C3 claims an absence, and a test that finds nothing does not show an absence. So C3 is a test
of equivalence: two one-sided tests (Schuirmann 1987, J. Pharmacokinet. Biopharm. 15:657)
against a margin declared here: Cohen's "small" effect, d = 0.2, which is an AUC of .556.
Whether sigma indicates the gap is another question; see :mod:`tonegap.statistics.flag`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import stats

from tonegap.groups import LIGHT_AND_DARK, Groups
from tonegap.measures import MEASURES
from tonegap.statistics.design import Arm

Expected = Literal["negative", "positive", "equivalent", "none"]

SMALL_EFFECT_D = 0.2
"""Cohen's (1988) small difference, in standard deviations: what C3 counts as none."""

AUC_MARGIN = float(stats.norm.cdf(SMALL_EFFECT_D / np.sqrt(2.0))) - 0.5
"""The same as |AUC - 0.5|: 0.056. P(X > Y) = Phi(d / sqrt 2) for two normals d apart."""

ROUNDING = 1e-9
MIXED = 0.5
"""The share at which both groups are half of the training draws."""

PRIMARY = "primary"
DESCRIPTION = "description"
EQUAL_DISTINCT = "equal_distinct"
LOG_ERROR = "log_mse"
MEASURE_WORDS: Mapping[str, str] = {
    LOG_ERROR: "log MSE",
    **{row.name: row.words for row in MEASURES if row.per_image},
    "mse_given_pca": "MSE at equal difficulty for PCA",
    "mse_given_jpeg": "MSE at equal difficulty for JPEG",
}
_EXPECTED: Mapping[str, Expected] = {
    row.name: "positive" if row.better == "lower" else "negative"
    for row in MEASURES
    if row.per_image
}
"""The sign of a gap by which the compared group fares worse; other measures are described."""
BOUNDS: Mapping[str, float] = {"sigma_auc": 0.5, "auc_excess": 1.0, "sigma_error_rank": 1.0}
_SIGMA_NEEDS = " (a model without a posterior has no sigma)"
_BASELINE_NEEDS = " (it needs the baseline's error in every row, positive and not all the same)"
NEEDS: Mapping[str, str] = {
    LOG_ERROR: " (an error of 0 has no logarithm)",
    **dict.fromkeys(("sigma", "sigma_auc", "auc_excess", "sigma_error_rank"), _SIGMA_NEEDS),
    **dict.fromkeys(("mse_given_pca", "mse_given_jpeg"), _BASELINE_NEEDS),
}
ONE_MIX = "the study has runs of one mix only, a slope needs two"
NOT_SYMMETRIC = "the study has no mixes that are symmetric about an even one"


@dataclass(frozen=True)
class Contrast:
    """One pre-declared comparison.

    Attributes
    ----------
    claim
        ``C1``, ``C2`` or ``C3``.
    name
        Unique within the measure, e.g. ``gap_worst``.
    measure
        A column of :func:`tonegap.statistics.measures.measure_columns`.
    family
        Contrasts whose p values are corrected together (Holm). Only ``primary`` decides
        the claims; the other families stand beside it, ``description`` is never tested.
    expected
        The direction that supports the claim; ``none`` for a description.
    coefficients
        Weight of each arm's mean; empty where the study's mixes do not define the contrast.
    meaning, lacks
        What the estimate is, to begin a sentence with, and why there are no coefficients.
    equal_distinct
        Whether it needs runs trained on equal numbers of distinct images.
    """

    claim: str
    name: str
    measure: str
    family: str
    expected: Expected
    coefficients: Mapping[Arm, float]
    meaning: str
    lacks: str = ""
    equal_distinct: bool = False

    @property
    def is_tested(self) -> bool:
        """True if it has a verdict, not only an interval."""
        return self.expected != "none"

    @property
    def is_log(self) -> bool:
        """True if the estimate is a difference of logarithms, which reads as percent."""
        return self.measure == LOG_ERROR

    @property
    def is_within_runs(self) -> bool:
        """True if the weights of each mix cancel, so that groups are compared within runs."""
        sums: dict[float, float] = {}
        for arm, weight in self.coefficients.items():
            sums[arm.share] = sums.get(arm.share, 0.0) + weight
        return all(abs(total) < ROUNDING for total in sums.values())

    @property
    def margin(self) -> float | None:
        """Largest difference that still counts as none, for a test of equivalence."""
        return AUC_MARGIN if self.expected == "equivalent" else None

    @property
    def bound(self) -> float:
        """Largest size that the contrast can have; infinite for errors and for sigma itself."""
        return BOUNDS.get(self.measure, math.inf)

    @property
    def needs(self) -> str:
        """What must be there for the measure to exist, as the end of a sentence; may be empty."""
        return NEEDS.get(self.measure, "")


def declared_contrasts(
    shares: Sequence[float], groups: Groups = LIGHT_AND_DARK
) -> tuple[Contrast, ...]:
    """Return all contrasts of a study over these mixes.

    Parameters
    ----------
    shares
        Share of the compared group in each mix, in [0, 1]; order and repetition do not matter.
        Contrasts that need an arm which is not there are declared all the same: they come
        out as not assessable, never silently missing.
    groups
        The two that are compared.
    """
    shares = sorted({round(float(share), 9) for share in shares})
    of_log = _of_log_error(shares, groups)
    twins = [_twin(contrast, groups) for contrast in of_log]
    others = [
        contrast
        for measure in MEASURE_WORDS
        if measure != LOG_ERROR
        for contrast in (
            *_slopes(measure, shares, groups),
            *_gaps(measure, _EXPECTED.get(measure, "none"), groups),
        )
    ]
    return (*of_log, *_sigma(shares, groups), *twins, *others)


def slope_coefficients(
    shares: Sequence[float], group: str, groups: Groups = LIGHT_AND_DARK
) -> dict[Arm, float]:
    """Return the least-squares slope of a group's arm means on its own share.

    Each arm counts once. Empty with fewer than two different shares.
    """
    own = np.array([share if group == groups.compared else 1.0 - share for share in shares])
    if own.size < 2:  # noqa: PLR2004 - a line needs two points
        return {}
    centred = own - own.mean()
    weights = centred / (centred @ centred)
    # The middle mix of an even design weighs nothing: it is left out, rounding included.
    return {
        Arm(share, group): float(weight)
        for share, weight in zip(shares, weights, strict=True)
        if abs(weight) > ROUNDING
    }


def gap_at(share: float, groups: Groups, weight: float = 1.0) -> dict[Arm, float]:
    """Return the weights of the gap between the groups under one mix, times ``weight``."""
    return {Arm(share, groups.compared): weight, Arm(share, groups.reference): -weight}


def mean_of(parts: Sequence[Mapping[Arm, float]]) -> dict[Arm, float]:
    """Average contrasts of different arms."""
    return {arm: weight / len(parts) for part in parts for arm, weight in part.items()}


def symmetric(shares: Sequence[float]) -> list[float]:
    """Return the shares whose mirror image about one half is there, too."""
    return [s for s in shares if any(abs(1.0 - s - other) < ROUNDING for other in shares)]


def _of_log_error(shares: Sequence[float], groups: Groups) -> list[Contrast]:
    """Contrasts of the log error: the two that decide, and those beside them."""
    even = symmetric(shares)
    own = Contrast(
        claim="C1",
        name="own_share_effect",
        measure=LOG_ERROR,
        family=PRIMARY,
        expected="negative",
        coefficients={**gap_at(1.0, groups, 0.5), **gap_at(0.0, groups, -0.5)},
        meaning="Change of a group's error, beside the other group's in the same runs, as its "
        "share in training goes from 0 to 1",
    )
    overall = Contrast(
        claim="C2",
        name="gap_overall",
        measure=LOG_ERROR,
        family=PRIMARY,
        expected="positive",
        coefficients=mean_of([gap_at(share, groups) for share in even]),
        meaning=f"Gap in error ({groups.gap}) within runs, mean over the mixes",
        lacks=NOT_SYMMETRIC,
    )
    gaps, slopes = _gaps(LOG_ERROR, "positive", groups), _slopes(LOG_ERROR, shares, groups)
    return [own, overall, *gaps, *slopes, *_between_gaps(groups)]


def _slopes(measure: str, shares: Sequence[float], groups: Groups) -> list[Contrast]:
    return [
        Contrast(
            claim="C1",
            name=f"slope_{group}",
            measure=measure,
            family=DESCRIPTION,
            expected="none",
            coefficients=slope_coefficients(shares, group, groups),
            meaning=f"Change of {MEASURE_WORDS[measure]} of {group} images as their share in "
            "training goes from 0 to 1",
            lacks=ONE_MIX,
        )
        for group in groups.pair
    ]


def _gaps(measure: str, expected: Expected, groups: Groups) -> list[Contrast]:
    cases = {
        "gap_mixed": (gap_at(MIXED, groups), "Gap with an even mix"),
        "gap_worst": (_worst(groups), "Gap with each group unseen in training"),
        "gap_best": (_best(groups), "Gap with each group alone in training"),
    }
    return [
        Contrast(
            claim="C2",
            name=name,
            measure=measure,
            family=DESCRIPTION if expected == "none" else measure,
            expected=expected,
            coefficients=coefficients,
            meaning=f"{words}, {MEASURE_WORDS[measure]}",
        )
        for name, (coefficients, words) in cases.items()
    ]


def _between_gaps(groups: Groups) -> list[Contrast]:
    """Compare the gaps of different mixes."""
    best = {arm: -weight for arm, weight in _best(groups).items()}
    pure = {**gap_at(0.0, groups, -0.5), **gap_at(1.0, groups, -0.5)}
    return [
        _description(
            "sensitivity",
            LOG_ERROR,
            {**_worst(groups), **best},
            f"How much more the error of {groups.compared} than of {groups.reference} images "
            "depends on the training mix (gap in the worst less gap in the best case)",
            claim="C1",
        ),
        _description(
            "curvature",
            LOG_ERROR,
            {**gap_at(MIXED, groups), **pure},
            "Gap with an even mix less the mean of the gaps with pure mixes",
            claim="C2",
        ),
    ]


def _twin(contrast: Contrast, groups: Groups) -> Contrast:
    """Return the same contrast over runs at equal distinct images, where more can be tested."""
    kind = contrast.name.removesuffix(f"_{groups.reference}").removesuffix(f"_{groups.compared}")
    twins: Mapping[str, Expected] = {"slope": "negative", "sensitivity": "positive"}
    expected = twins.get(kind, contrast.expected)
    return replace(
        contrast,
        name=f"{contrast.name}_{EQUAL_DISTINCT}",
        family=DESCRIPTION if expected == "none" else EQUAL_DISTINCT,
        expected=expected,
        meaning=f"{contrast.meaning}; trained on equally many distinct images",
        equal_distinct=True,
    )


def _worst(groups: Groups) -> dict[Arm, float]:
    """Return weights of the gap between the groups, each under the mix without it."""
    return {Arm(0.0, groups.compared): 1.0, Arm(1.0, groups.reference): -1.0}


def _best(groups: Groups) -> dict[Arm, float]:
    """Return weights of the gap between the groups, each under the mix of it alone."""
    return {Arm(1.0, groups.compared): 1.0, Arm(0.0, groups.reference): -1.0}


def _sigma(shares: Sequence[float], groups: Groups) -> list[Contrast]:
    """C3: the test of equivalence; beside it the same per mix, and what describes sigma."""
    versus = f"{groups.compared} against {groups.reference}"
    pooled = mean_of([gap_at(share, groups) for share in shares])
    decides = Contrast(
        claim="C3",
        name="sigma_auc_all",
        measure="sigma_auc",
        family=PRIMARY,
        expected="equivalent",
        coefficients=pooled,
        meaning=f"AUC - 0.5 of sigma, {versus}, mean over the mixes",
    )
    by_mix = [
        replace(
            decides,
            name=f"sigma_auc_{_percent(share)}",
            family="sigma_by_mix",
            coefficients=gap_at(share, groups),
            meaning=f"AUC - 0.5 of sigma, {versus}, {_trained(share, groups)}",
        )
        for share in shares
    ]
    on_share = slope_coefficients(shares, groups.compared, groups)
    falls = [
        Contrast(
            claim="C3",
            name=f"sigma_share_slope_{group}",
            measure="sigma",
            family="sigma_share",
            expected="negative",
            coefficients={Arm(arm.share, group): weight for arm, weight in on_share.items()},
            meaning=f"Change of sigma of {group} images as the share of {groups.compared} images "
            "in training goes from 0 to 1",
            lacks=ONE_MIX,
        )
        for group in groups.pair
    ]
    return [decides, *by_mix, *falls, *_sigma_described(shares, pooled, groups)]


def _sigma_described(
    shares: Sequence[float], pooled: Mapping[Arm, float], groups: Groups
) -> list[Contrast]:
    # Per mix, too: where the gap changes sign between the mixes, their mean hides it.
    over: list[tuple[str, Mapping[Arm, float], str]] = [
        (_percent(s), gap_at(s, groups), _trained(s, groups)) for s in shares
    ]
    over.append(("all", pooled, "mean over the mixes"))
    excess = "AUC of the error minus AUC of sigma: what sigma does not show of the gap"
    gaps = [_description(f"sigma_gap_{n}", "sigma", c, f"Gap in sigma, {w}") for n, c, w in over]
    excesses = [
        _description(f"auc_excess_{n}", "auc_excess", c, f"{excess}, {w}") for n, c, w in over
    ]
    ranks = [
        _description(
            f"sigma_error_rank_{group}",
            "sigma_error_rank",
            mean_of([{Arm(share, group): 1.0} for share in shares]),
            f"Rank correlation of sigma with the error within {group} images of a run",
        )
        for group in groups.pair
    ]
    return [*gaps, *excesses, *ranks]


def _description(
    name: str, measure: str, coefficients: Mapping[Arm, float], meaning: str, claim: str = "C3"
) -> Contrast:
    return Contrast(claim, name, measure, DESCRIPTION, "none", coefficients, meaning)


def _trained(share: float, groups: Groups) -> str:
    return f"{_percent(share)} % {groups.compared} in training"


def _percent(share: float) -> str:
    return f"{100.0 * share:g}"
