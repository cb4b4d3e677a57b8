"""The share of a group among images without labels, from a measured tone that errs.

A classifier calls an image *compared* if its tone lies beyond a threshold. It errs in both
directions, so the share that it calls is not the share that there is. On labelled images its rates
are known: ``t`` of the compared group and ``f`` of the reference group are called compared. If the
unlabelled images are a mixture of the two groups, a share ``p`` of them is called with the rate
``q = p t + (1 - p) f``, so that::

    p = (q - f) / (t - f)

(Rogan and Gladen 1978, Am. J. Epidemiol. 107:71; "adjusted count", Forman 2008, Data Min. Knowl.
Discov. 17:164). Its variance is by the delta method
``(var q + (1 - p)^2 var f + p^2 var t) / (t - f)^2``. The threshold maximises ``t - f``; it is
fitted on four fifths of the clusters and read on the rest, so that the rates are not flattered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import special

from tonegap.generation.share import adjusted_count

FOLDS: Final = 5
MIN_IMAGES: Final = 20
"""Fewest images of each group, and of the unlabelled, from which a share is estimated."""

_REACH: Final = float(special.ndtri(0.975))


@dataclass(frozen=True)
class Share:
    """The estimated share of the compared group.

    Attributes
    ----------
    value, low, high
        In [0, 1], with a 95 % interval; NaN if there is no estimate.
    unclipped
        The estimate before it is clipped to [0, 1]; far outside, the images are no mixture of the
        groups.
    called, true_rate, false_rate
        ``q``, ``t`` and ``f``.
    threshold
        Tone beyond which an image is called, mean over the folds.
    reason
        Why there is no estimate; empty if there is one.
    """

    value: float
    low: float
    high: float
    unclipped: float
    called: float
    true_rate: float
    false_rate: float
    threshold: float
    reason: str = ""


@dataclass(frozen=True)
class Tones:
    """Measured tones of some images.

    Attributes
    ----------
    tone
        Of each image, degrees of ITA.
    unit
        Its cluster of copies, from 0.
    """

    tone: Float[np.ndarray, " images"]
    unit: Int[np.ndarray, " images"]


def adjusted_share(
    labelled: Tones, compared: Bool[np.ndarray, " labelled"], unlabelled: Tones, seed: int = 0
) -> Share:
    """Estimate the share of the compared group among unlabelled images.

    Parameters
    ----------
    labelled, compared
        Images of the two groups, and whether each is of the compared group. That group has the
        smaller tones, or the larger ones; both directions are tried.
    unlabelled
        The other images.
    seed
        Of the folds.
    """
    counts = int(compared.sum()), int((~compared).sum()), len(unlabelled.tone)
    if min(counts) < MIN_IMAGES:
        return _none(
            f"needs {MIN_IMAGES} images of each group and as many generated ones, has "
            f"{counts[1]}, {counts[0]} and {counts[2]}"
        )
    calls, called, threshold = _cross_fitted(labelled, compared, unlabelled.tone, seed)
    t, t_var = _rate(calls[compared], labelled.unit[compared])
    f, f_var = _rate(calls[~compared], labelled.unit[~compared])
    q, q_var = _rate(called, unlabelled.unit)
    value = adjusted_count(q, t, f)
    if math.isnan(value):
        return _none("the measured tone does not tell the data's groups apart")
    p = (q - f) / (t - f)
    reach = _REACH * math.sqrt(q_var + (1.0 - p) ** 2 * f_var + p**2 * t_var) / (t - f)
    return Share(value, _clipped(p - reach), _clipped(p + reach), p, q, t, f, threshold)


def best_threshold(
    tone: Float[np.ndarray, " images"], compared: Bool[np.ndarray, " images"]
) -> tuple[float, float]:
    """Return the threshold that tells the groups apart best, and the sign of the compared side.

    Images with ``sign * tone < sign * threshold`` are called compared; the rate at which this is
    right minus the rate at which it is wrong is the largest (Youden 1950, Cancer 3:32).
    """
    order = np.argsort(tone, kind="stable")
    sorted_tone, is_compared = tone[order], compared[order]
    below = np.cumsum(is_compared) / max(is_compared.sum(), 1)
    below -= np.cumsum(~is_compared) / max((~is_compared).sum(), 1)
    ends = np.append(np.diff(sorted_tone) > 0.0, True)  # no threshold parts equal tones
    best = int(np.argmax(np.where(ends, np.abs(below), -1.0)))
    above = sorted_tone[min(best + 1, len(sorted_tone) - 1)]
    return float((sorted_tone[best] + above) / 2.0), float(np.sign(below[best]) or 1.0)


def _cross_fitted(
    labelled: Tones,
    compared: Bool[np.ndarray, " labelled"],
    unlabelled: Float[np.ndarray, " images"],
    seed: int,
) -> tuple[Float[np.ndarray, " labelled"], Float[np.ndarray, " images"], float]:
    """Call each labelled image by a threshold of other folds, the unlabelled by all, averaged."""
    tone, unit = labelled.tone, labelled.unit
    fold = np.random.default_rng(seed).permutation(int(unit.max()) + 1)[unit] % FOLDS
    calls, called, thresholds = np.zeros(len(tone)), np.zeros(len(unlabelled)), []
    for held_out in range(FOLDS):
        others = fold != held_out
        threshold, sign = best_threshold(tone[others], compared[others])
        mine = ~others
        calls[mine] = sign * tone[mine] < sign * threshold
        called += (sign * unlabelled < sign * threshold) / FOLDS
        thresholds.append(threshold)
    return calls, called, float(np.mean(thresholds))


def _rate(
    calls: Float[np.ndarray, " images"], unit: Int[np.ndarray, " images"]
) -> tuple[float, float]:
    """Return a rate and its variance over clusters.

    The variance is at least that of a binomial with two more successes and two more failures
    (Agresti and Coull 1998, Am. Stat. 52:119): a rate of 0 or 1 is not known exactly.
    """
    n, rate = len(calls), float(calls.mean())
    codes = np.unique(unit, return_inverse=True)[1]
    sums = np.bincount(codes, calls - rate)
    units = len(sums)
    over_clusters = float(sums @ sums) / n**2 * units / max(units - 1, 1)
    shrunk = (units * rate + 2.0) / (units + 4.0)
    return rate, max(over_clusters, shrunk * (1.0 - shrunk) / (units + 4.0))


def _clipped(share: float) -> float:
    return min(max(share, 0.0), 1.0)


def _none(reason: str) -> Share:
    nothing = math.nan
    return Share(nothing, nothing, nothing, nothing, nothing, nothing, nothing, nothing, reason)
