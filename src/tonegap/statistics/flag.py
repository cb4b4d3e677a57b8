"""Does an uncertainty raise a flag? The four answers, and the question of C3b about sigma.

A quantity that is positive where the score is higher as the error is larger, and that has a margin
within which it counts as none, gives one of

=============  ==============================================================================
``flags``      shown to lie above the margin: the score is higher where the error is larger
``blind``      shown to lie within the margin: the score hardly differs
``anti-flag``  shown to lie below minus the margin: the score is lower where the error is larger
``undecided``  none of these
=============  ==============================================================================

each at 5 %, one-sided (:func:`flag_reading`). The scorecard of every score
(:mod:`tonegap.statistics.scorecard`) speaks these words, too.

C3b asks whether sigma is larger on the group that is reconstructed worse. In each mix whose gap in
log error is established (its 95 % interval leaves out 0), sigma's AUC - 0.5 takes the sign of that
gap; the mean over these mixes is ``sigma_flag``, with the margin of C3. In a mix without an
established gap there is nothing to warn of. The sign comes from the same images; at the interval's
95 % it is wrong in at most 2.5 % of studies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from tonegap.groups import Groups
from tonegap.statistics.contrasts import LOG_ERROR, Contrast, gap_at, mean_of
from tonegap.statistics.design import Design
from tonegap.statistics.inference import Estimate, estimate, obstacle
from tonegap.statistics.verdicts import Finding, Reading, Verdict

FAMILY = "flag"
NO_GAP = "no mix has a gap in error whose sign is established, so there is nothing to warn of"


def flag_finding(
    design: Design,
    measures: pd.DataFrame,
    shares: Sequence[float],
    groups: Groups,
    alpha: float = 0.05,
) -> Finding:
    """Find whether sigma warns of the error gap.

    Parameters
    ----------
    design, measures
        Rows of the two groups; columns ``log_mse`` and ``sigma_auc``.
    shares
        The mixes.
    """
    reasons = []
    signs: dict[float, float] = {}
    for share in sorted(set(shares)):
        gap = replace(_contrast({share: 1.0}, groups), measure=LOG_ERROR, expected="none")
        values = measures[LOG_ERROR].to_numpy()
        reason = obstacle(gap, design, values)
        if reason is not None:
            reasons.append(reason)
            continue
        low, high = estimate(gap, design, values).interval()
        if not low <= 0.0 <= high:
            signs[share] = math.copysign(1.0, low)
    if not signs:
        contrast = _contrast(dict.fromkeys(shares, 1.0), groups)
        return Finding(contrast, None, reasons[0] if reasons else NO_GAP)
    contrast = _contrast(signs, groups)
    sigma = measures["sigma_auc"].to_numpy()
    reason = obstacle(contrast, design, sigma)
    if reason is not None:
        return Finding(contrast, None, reason)
    found = estimate(contrast, design, sigma)
    return Finding(
        contrast,
        found,
        p_holm=found.p,
        p_beyond_holm=found.p_beyond,
        verdict=flag_reading(found, alpha),
    )


def _contrast(signs: dict[float, float], groups: Groups) -> Contrast:
    mixes = ", ".join(f"{100.0 * share:g} %" for share in sorted(signs))
    return Contrast(
        claim="C3",
        name="sigma_flag",
        measure="sigma_auc",
        family=FAMILY,
        expected="equivalent",
        coefficients=mean_of([gap_at(share, groups, sign) for share, sign in signs.items()]),
        meaning="AUC - 0.5 of sigma, the group with the larger error against the other, "
        f"mean over the mixes with an established gap ({mixes} {groups.compared} in training)",
    )


def flag_reading(found: Estimate, alpha: float = 0.05) -> Verdict | Reading:
    """Return the answer of an estimate that has a margin and is positive where a score warns."""
    if found.p <= alpha:
        return "blind"
    if found.p_beyond > alpha:
        return "undecided"
    return "flags" if np.sign(found.value) > 0.0 else "anti-flag"
