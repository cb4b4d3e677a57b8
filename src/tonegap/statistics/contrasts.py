"""The contrasts that stand for the paper's claims, declared before any result is seen.

Each is a fixed linear combination of arm means of one measure, with the direction that
would support the claim. Which arms exist follows from the mixes alone, never from outcomes.

=====  ==========================================  =============================================
claim  contrast                                    supports the claim when
=====  ==========================================  =============================================
C1     slope of a group's error on its own share   negative, for light and for dark
C2     gap (dark - light) in mixed, in the worst   positive, in all three
       and in the best case of both groups
C3     AUC - 0.5 of sigma, per mix                 within the equivalence margin, in every mix
=====  ==========================================  =============================================

C3 claims an absence, and a test that finds nothing does not show an absence. So C3 is a test
of equivalence: two one-sided tests (Schuirmann 1987, J. Pharmacokinet. Biopharm. 15:657)
against a margin declared here: Cohen's "small" effect, d = 0.2, which is an AUC of .556.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from tonegap.groups import LIGHT_AND_DARK, Groups
from tonegap.statistics.design import Arm

Expected = Literal["negative", "positive", "equivalent", "none"]

SMALL_EFFECT_D = 0.2
"""Cohen's (1988) small difference, in standard deviations: what C3 counts as none."""

AUC_MARGIN = float(stats.norm.cdf(SMALL_EFFECT_D / np.sqrt(2.0))) - 0.5
"""The same as |AUC - 0.5|: 0.056. P(dark > light) = Phi(d / sqrt 2) for two normals."""

ROUNDING = 1e-9

LIGHT_ONLY, MIXED, DARK_ONLY = 0.0, 0.5, 1.0

PRIMARY = "primary"
DESCRIPTION = "description"
MEASURE_WORDS: Mapping[str, str] = {
    "mse": "MSE",
    "nmse": "NMSE",
    "mse_given_pca": "MSE at equal difficulty for PCA",
    "mse_given_jpeg": "MSE at equal difficulty for JPEG",
}
BOUNDS: Mapping[str, float] = {"sigma_auc": 0.5, "auc_excess": 1.0, "sigma_error_rank": 1.0}
_SIGMA_NEEDS = " (a model without a posterior has no sigma)"
_BASELINE_NEEDS = " (it needs the baseline's error in every row, positive and not all the same)"
NEEDS: Mapping[str, str] = {
    **dict.fromkeys(("sigma", "sigma_auc", "auc_excess", "sigma_error_rank"), _SIGMA_NEEDS),
    **dict.fromkeys(("mse_given_pca", "mse_given_jpeg"), _BASELINE_NEEDS),
}
ERROR_FAMILIES: Mapping[str, str] = {
    "mse": PRIMARY,
    "nmse": "nmse",
    "mse_given_pca": "mse_given_pca",
    "mse_given_jpeg": "mse_given_jpeg",
}


@dataclass(frozen=True)
class Contrast:
    """One pre-declared comparison.

    Attributes
    ----------
    claim
        ``C1``, ``C2`` or ``C3``.
    name
        Unique within the measure, e.g. ``gap_worst_case``.
    measure
        A column of :func:`tonegap.statistics.measures.measure_columns`.
    family
        Contrasts whose p values are corrected together (Holm). Only ``primary`` decides
        the claims; the other families stand beside it, ``description`` is never tested.
    expected
        The direction that supports the claim; ``none`` for a description.
    coefficients
        Weight of each arm's mean.
    meaning
        What the estimate is, in words that a sentence can begin with.
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
    equal_distinct: bool = False

    @property
    def is_tested(self) -> bool:
        """Whether it has a verdict, not only an interval."""
        return self.expected != "none"

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
    """All contrasts of a study over these mixes.

    Parameters
    ----------
    shares
        Share of the compared group in each mix, in [0, 1]; order and repetition do not matter.
        Contrasts that need an arm which is not there are declared all the same: they come
        out as not assessable, never silently missing.
    groups
        The groups, whose names contrasts carry.
    """
    shares = sorted({round(float(share), 9) for share in shares})
    errors = [
        contrast
        for measure, family in ERROR_FAMILIES.items()
        for contrast in (*_slopes(measure, family, shares, groups), *_gaps(measure, family, groups))
    ]
    return (*errors, *_sigma(shares, groups))


def slope_coefficients(
    shares: Sequence[float], group: str, groups: Groups = LIGHT_AND_DARK
) -> dict[Arm, float]:
    """Least-squares slope of a group's arm means on its own share; each arm counts once.

    Empty with fewer than two different shares.
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


def _slopes(measure: str, family: str, shares: Sequence[float], groups: Groups) -> list[Contrast]:
    return [
        Contrast(
            claim="C1",
            name=f"slope_{group}",
            measure=measure,
            family=family,
            expected="negative",
            coefficients=slope_coefficients(shares, group, groups),
            meaning=f"Change of {MEASURE_WORDS[measure]} of {group} images as their share in "
            "training goes from 0 to 1",
        )
        for group in groups.pair
    ]


def _gaps(measure: str, family: str, groups: Groups) -> list[Contrast]:
    cases = {
        "gap_mixed": (MIXED, MIXED, "Gap with an even mix"),
        "gap_worst_case": (LIGHT_ONLY, DARK_ONLY, "Gap with each group unseen in training"),
        "gap_best_case": (DARK_ONLY, LIGHT_ONLY, "Gap with each group alone in training"),
    }
    gaps = [
        Contrast(
            claim="C2",
            name=name,
            measure=measure,
            family=family,
            expected="positive",
            coefficients=_gap(dark, light, groups),
            meaning=f"{words}, {MEASURE_WORDS[measure]}",
        )
        for name, (dark, light, words) in cases.items()
    ]
    equal = Contrast(
        claim="C2",
        name="gap_best_case_equal_distinct",
        measure=measure,
        family="equal_distinct",
        expected="positive",
        coefficients=_gap(DARK_ONLY, LIGHT_ONLY, groups),
        meaning=f"Gap with each group alone in training on equally many images, "
        f"{MEASURE_WORDS[measure]}",
        equal_distinct=True,
    )
    return [*gaps, equal] if family == PRIMARY else gaps


def _gap(compared_under: float, reference_under: float, groups: Groups) -> dict[Arm, float]:
    return {
        Arm(compared_under, groups.compared): 1.0,
        Arm(reference_under, groups.reference): -1.0,
    }


def _sigma(shares: Sequence[float], groups: Groups) -> list[Contrast]:
    """C3: per mix the test of equivalence; beside it, what describes sigma."""
    tests = [
        Contrast(
            claim="C3",
            name=f"sigma_auc_{_percent(share)}",
            measure="sigma_auc",
            family=PRIMARY,
            expected="equivalent",
            coefficients=_gap(share, share, groups),
            meaning=f"AUC - 0.5 of sigma, dark against light, {_percent(share)} % dark in training",
        )
        for share in shares
    ]
    pooled = _mean_of([_gap(share, share, groups) for share in shares])
    differences = [
        _description(f"sigma_gap_{_percent(share)}", "sigma", _gap(share, share, groups), words)
        for share in shares
        for words in [f"Gap in sigma, {_percent(share)} % dark in training"]
    ]
    # Per mix, too: where the gap changes sign between the mixes, their mean hides it.
    excess = "AUC of the error minus AUC of sigma: what sigma does not show of the gap"
    excesses = [
        _description(
            f"auc_excess_{_percent(share)}",
            "auc_excess",
            _gap(share, share, groups),
            f"{excess}, {_percent(share)} % dark in training",
        )
        for share in shares
    ]
    overall = [
        _description("sigma_auc_all", "sigma_auc", pooled, "AUC - 0.5 of sigma, mean of mixes"),
        _description("sigma_gap_all", "sigma", pooled, "Gap in sigma, mean of mixes"),
        _description("auc_excess_all", "auc_excess", pooled, f"{excess}, mean of mixes"),
    ]
    ranks = [
        _description(
            f"sigma_error_rank_{group}",
            "sigma_error_rank",
            _mean_of([{Arm(share, group): 1.0} for share in shares]),
            f"Rank correlation of sigma with the error within {group} images of a run",
        )
        for group in groups.pair
    ]
    return [*tests, *differences, *excesses, *overall, *ranks]


def _description(
    name: str, measure: str, coefficients: Mapping[Arm, float], meaning: str
) -> Contrast:
    return Contrast("C3", name, measure, DESCRIPTION, "none", coefficients, meaning)


def _mean_of(parts: Sequence[Mapping[Arm, float]]) -> dict[Arm, float]:
    return {arm: weight / len(parts) for part in parts for arm, weight in part.items()}


def _percent(share: float) -> str:
    return f"{100.0 * share:g}"
