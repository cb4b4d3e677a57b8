"""What a contrast is: a fixed linear combination of arm means of one measure, and its words.

Which contrasts stand for the paper's claims: :mod:`tonegap.statistics.declared`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from tonegap.groups import LIGHT_AND_DARK, Groups
from tonegap.measures import MEASURES, SCORES
from tonegap.statistics.design import Arm

Expected = Literal["negative", "positive", "equivalent", "none"]

SMALL_EFFECT_D = 0.2
"""Cohen's (1988) small difference, in standard deviations: what C3 counts as none."""

AUC_MARGIN = float(stats.norm.cdf(SMALL_EFFECT_D / np.sqrt(2.0))) - 0.5
"""The same as |AUC - 0.5|: 0.056. P(X > Y) = Phi(d / sqrt 2) for two normals d apart."""

SMALL_CORRELATION = 0.1
"""Cohen's (1988) small correlation: what the scorecard counts as none."""

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
BOUNDS: Mapping[str, float] = {
    "auc_excess": 1.0,
    "score_rank": 1.0,
    "score_partial": 1.0,
    "score_worst": 0.5,
    "score_auc": 0.5,
    **{f"{row.name}_auc": 0.5 for row in SCORES},
    **{f"{row.name}_error_rank": 1.0 for row in SCORES},
}
MARGINS: Mapping[str, float] = {
    "sigma_auc": AUC_MARGIN,
    "score_rank": SMALL_CORRELATION,
    "score_interaction": SMALL_EFFECT_D,
}
_SIGMA_NEEDS = " (a model without a posterior has no sigma)"
_BASELINE_NEEDS = " (it needs the baseline's error in every row, positive and not all the same)"
NEEDS: Mapping[str, str] = {
    LOG_ERROR: " (an error of 0 has no logarithm)",
    **dict.fromkeys(("sigma", "sigma_auc", "auc_excess", "sigma_error_rank"), _SIGMA_NEEDS),
    **dict.fromkeys(("mse_given_pca", "mse_given_jpeg"), _BASELINE_NEEDS),
    **{row.name: f" (it needs {row.needs})" for row in MEASURES if row.needs},
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
        return MARGINS[self.measure] if self.expected == "equivalent" else None

    @property
    def bound(self) -> float:
        """Largest size that the contrast can have; infinite for errors and for sigma itself."""
        return BOUNDS.get(self.measure, math.inf)

    @property
    def needs(self) -> str:
        """What must be there for the measure to exist, as the end of a sentence; may be empty."""
        return NEEDS.get(self.measure, "")


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
