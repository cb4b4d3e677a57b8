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

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tonegap.groups import LIGHT_AND_DARK, Groups
from tonegap.measures import MEASURES
from tonegap.statistics.contrasts import (
    DESCRIPTION,
    EQUAL_DISTINCT,
    LOG_ERROR,
    MEASURE_WORDS,
    MIXED,
    NOT_SYMMETRIC,
    ONE_MIX,
    PRIMARY,
    Contrast,
    Expected,
    gap_at,
    mean_of,
    slope_coefficients,
    symmetric,
)
from tonegap.statistics.design import Arm

_WORSE: Mapping[str, Expected] = {"lower": "positive", "higher": "negative", "zero": "none"}
_EXPECTED = {row.name: _WORSE[row.better] for row in MEASURES if row.per_image}
"""The sign of a gap by which the compared group fares worse; other measures are described."""

_SIGNED = {row.name for row in MEASURES if row.per_image and row.better == "zero"}
"""Shifts: beside their gaps, the mean shift of each group is a finding."""


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
            *(_means(measure, shares, groups) if measure in _SIGNED else ()),
        )
    ]
    slope = _tone_slope(shares, groups)
    return (*of_log, *_sigma(shares, groups), *twins, *others, *slope)


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


def _means(measure: str, shares: Sequence[float], groups: Groups) -> list[Contrast]:
    return [
        _description(
            f"mean_{group}",
            measure,
            mean_of([{Arm(share, group): 1.0} for share in shares]),
            f"{MEASURE_WORDS[measure]} of {group} images, mean over the mixes",
            claim="C2",
        )
        for group in groups.pair
    ]


def _tone_slope(shares: Sequence[float], groups: Groups) -> list[Contrast]:
    """Tone compression of each mix, and its mean over the mixes."""
    both = {share: {Arm(share, group): 0.5 for group in groups.pair} for share in shares}
    over = [(_percent(share), both[share], _trained(share, groups)) for share in shares]
    over.append(("all", mean_of(list(both.values())), "mean over the mixes"))
    words = "Slope of the reconstructed on the original skin tone, less 1"
    return [
        _description(f"tone_slope_{n}", "tone_slope", c, f"{words}, {w}", claim="C2")
        for n, c, w in over
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
