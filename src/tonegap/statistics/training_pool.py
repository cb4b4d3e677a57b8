"""What another pool of training images would change: the variance that the seeds cannot show.

The seeds of a study draw their training images from one pool, so their scatter says what another
draw would change, not what another pool would. To first order each training image moves a contrast
by an amount of its own, times its share in training. Then the variance between pools is that
between seeds times :func:`~tonegap.statistics.draws.shared_to_own`. Whatever else differs from seed
to seed, initial weights or a response that is not linear, enlarges the latter and nothing else
(Hoeffding 1948, Ann. Math. Stat. 19:293): the product is an upper bound, but for ``C`` below, which
may lower it. No estimate from the runs alone is unbiased for every learner (Bengio and Grandvalet
2004, JMLR 5:1089).

The mixes of a seed draw independently of each other, so each is looked at alone. With ``tau_s``
what the training of seed s on a mix does to all images, and ``eps`` what it does to a single one,
the between-seed variance of a contrast over the M images of a group is ``V + E``, each the sum over
the mixes of

- ``V``: the variance of ``tau_s``. An image comes back under other trainings, so the images' own
  effects are fitted beside the seeds' (:func:`training_variance`);
- ``E``: ``Var(eps) / M``. The same images are tested and trained on, and image i teaches about j
  what j teaches about i, so that this part counts again what images do to the contrast; it is
  therefore limited to that.

Where runs were trained again, :mod:`~tonegap.statistics.luck` says how much of both the draws have
no part in, and it is taken off. ``V`` is an estimate less its noise, so it can be negative. It then
stays so in the sum, which would else be too large in the mean; only the whole is at least 0.

In a contrast in which an image's own difficulty cancels, as in the own share effect, all that is
left of a test image is what training on its like does. The influence of one image on the loss of
another is mutual (Koh and Liang 2017, ICML, eq. 2), so there an image that gains much may also
teach much, and a pool with many such images moves the contrast twice. Seeds show whether it does:
``C`` is the covariance, over the seeds, of ``tau_s`` with the mean gain of the images that the seed
drew, as other seeds measured it. Twice its part between pools is added, limited to what a
correlation of -1 or 1 would give, with the scatter of ``tau_s`` as it is seen, noise included:
``V`` is small by chance where more is needed. Where it is unknown what was drawn, the limit is
added.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from tonegap.statistics.design import Design, Draws
from tonegap.statistics.draws import shared_to_own
from tonegap.statistics.luck import Luck
from tonegap.statistics.variance import PoolVariance, TwoWayVariance, two_way_variance

_RELATIVE_RANK = 1e-10  # singular values below it are none
_SMALLEST_RATIO = 1e-3  # of the images' variance to that of cells: below, images are alike
_ROUNDING = 1e-9


@dataclass(frozen=True)
class TrainingVariance:
    """Variance of what trainings do to a contrast, over the seeds.

    Attributes
    ----------
    common
        ``V``: on all images of a group alike; the sample variance less its noise, summed over the
        mixes, so that it can be negative.
    scatter
        The same with its noise.
    single
        ``E``: what trainings do to single images, mean over the images of the pools, summed over
        the mixes.
    with_gain
        ``C``: covariance of what a training does with the gain of the images that it drew, summed
        over the mixes; 0 where an image's own difficulty does not cancel, NaN where it is unknown
        what was drawn.
    """

    common: float
    scatter: float
    single: float
    with_gain: float


@dataclass(frozen=True)
class _Cells:
    """One group's values by unit and seed.

    Attributes
    ----------
    sums
        Of the values of the rows' images.
    counts
        Images.
    unit
        Code of each unit in the design.
    """

    sums: Float[np.ndarray, "units seeds"]
    counts: Float[np.ndarray, "units seeds"]
    unit: Int[np.ndarray, " units"]


def variance_of(
    design: Design,
    influence: Float[np.ndarray, " rows"],
    coefficients: Float[np.ndarray, " arms"],
    luck: Luck | None = None,
) -> TwoWayVariance:
    """Return the variance of a contrast over images, seeds and, if draws are known, pools.

    Parameters
    ----------
    influence, coefficients
        See :func:`~tonegap.statistics.variance.two_way_variance`.
    luck
        What of the seeds' scatter no draw has brought about; None where this is not known.
    """
    variance = two_way_variance(design, influence, coefficients)
    factor = shared_to_own(design, coefficients)
    if factor is None:
        return variance
    trained = training_variance(design, influence, coefficients)
    if trained is None:
        return variance
    of_luck = max(luck.common, 0.0) if luck else 0.0
    single = max(trained.single - (luck.single if luck else 0.0), 0.0)
    images = min(variance.images_beyond_noise, factor * single)
    seeds = factor * (trained.common - of_luck)
    scatter = factor * max(trained.scatter - of_luck, 0.0)
    most = math.sqrt((variance.images_beyond_noise - images) * scatter)
    mutual = most if math.isnan(trained.with_gain) else factor * trained.with_gain
    pool = max(images + seeds + 2.0 * min(max(mutual, -most), most), 0.0)
    seeds = min(max(seeds, 0.0), pool)
    return replace(variance, pool=PoolVariance(float(seeds), float(pool - seeds)))


def training_variance(
    design: Design,
    influence: Float[np.ndarray, " rows"],
    coefficients: Float[np.ndarray, " arms"],
) -> TrainingVariance | None:
    """Estimate what trainings do to a contrast, apart from the images that they are tested on.

    In each group and mix ``value = image + tau_s + eps``, images random: generalised least squares
    with the images absorbed (Searle, Casella and McCulloch 1992, section 7.4). Where images come
    back often this compares trainings on the same images, where they never do it compares means.

    Returns
    -------
    TrainingVariance or None
        None where draws are unknown or fewer than two seeds have every arm.
    """
    seeds = _complete_seeds(design, coefficients)
    if design.draws is None or seeds.size < 2:  # noqa: PLR2004 - the fewest that can differ
        return None
    gains = _gains(design, influence, coefficients, seeds)
    common = scatter = single = with_gain = 0.0
    centre = np.eye(seeds.size) - 1.0 / seeds.size
    for share in sorted({arm.share for arm in design.arms}):
        effects, noise = np.zeros(seeds.size), np.zeros((seeds.size, seeds.size))
        gain = np.zeros(seeds.size)
        for number, arm in enumerate(design.arms):
            if arm.share != share or coefficients[number] == 0.0:
                continue
            cells = _cells(design, influence, np.arange(len(design.arms)) == number, seeds)
            fitted, covariance, cell = _seed_effects(cells)
            effects, noise = effects + fitted, noise + covariance
            single += cell * float(design.draws.pool[number])
            if gains:
                gain += _mean_of_drawn(*gains[arm.group], design.draws, number, seeds)
        scatter += float(effects @ centre @ effects)
        common += float(effects @ centre @ effects - np.trace(centre @ noise))
        with_gain += float(effects @ centre @ gain)
    degrees = seeds.size - 1
    return TrainingVariance(common / degrees, scatter / degrees, single, with_gain / degrees)


def _own_difficulty_cancels(design: Design, coefficients: Float[np.ndarray, " arms"]) -> bool:
    """Check that the weights sum to zero both within each mix and within each group."""
    sums: dict[object, float] = {}
    for arm, weight in zip(design.arms, coefficients, strict=True):
        for part in arm:
            sums[part] = sums.get(part, 0.0) + weight
    return all(abs(total) < _ROUNDING for total in sums.values())


def _complete_seeds(
    design: Design, coefficients: Float[np.ndarray, " arms"]
) -> Int[np.ndarray, " seeds"]:
    """Find the seeds with rows in every arm of the contrast."""
    used = coefficients != 0.0
    present = np.bincount(
        design.arm * design.n_seeds + design.seed, minlength=len(design.arms) * design.n_seeds
    )
    return np.flatnonzero(present.reshape(-1, design.n_seeds)[used].all(axis=0))


def _cells(
    design: Design,
    influence: Float[np.ndarray, " rows"],
    arms: Bool[np.ndarray, " arms"],
    seeds: Int[np.ndarray, " seeds"],
) -> _Cells:
    """Sum a group's values, the influences of rows times the rows of their arm, over its mixes."""
    rows = arms[design.arm]
    code = design.unit[rows] * design.n_seeds + design.seed[rows]
    value = (influence * np.bincount(design.arm, minlength=len(design.arms))[design.arm])[rows]
    shape, length = (design.n_units, design.n_seeds), design.n_units * design.n_seeds
    counts = np.bincount(code, minlength=length).reshape(shape)[:, seeds]
    tested = np.flatnonzero(counts.any(axis=1))
    sums = np.bincount(code, value, length).reshape(shape)[:, seeds]
    return _Cells(sums[tested], counts[tested] / np.count_nonzero(arms), tested)


def _gains(
    design: Design,
    influence: Float[np.ndarray, " rows"],
    coefficients: Float[np.ndarray, " arms"],
    seeds: Int[np.ndarray, " seeds"],
) -> dict[str, tuple[Int[np.ndarray, " units"], Float[np.ndarray, "units seeds"]]]:
    """Return each group's units and their gains; none where own difficulty does not cancel."""
    if not _own_difficulty_cancels(design, coefficients):
        return {}
    gains = {}
    for group in sorted({arm.group for arm in design.arms}):
        arms = np.array([arm.group == group for arm in design.arms]) & (coefficients != 0.0)
        if arms.any():
            cells = _cells(design, influence, arms, seeds)
            gains[group] = cells.unit, _gain(cells, _seed_effects(cells)[0])
    return gains


def _gain(cells: _Cells, fitted: Float[np.ndarray, " seeds"]) -> Float[np.ndarray, "units seeds"]:
    """Return each image's mean effect on the contrast in the tests of the other seeds.

    Less the mean of all images; NaN where no other seed tested the image.
    """
    left = cells.sums - cells.counts * (fitted - fitted.mean())
    value = left.sum(axis=1, keepdims=True) - left
    times_tested = cells.counts.sum(axis=1, keepdims=True) - cells.counts
    known = times_tested > _ROUNDING
    effect = np.divide(value, times_tested, where=known, out=np.full_like(value, math.nan))
    sums = np.where(known, effect, 0.0).sum(axis=0)
    return np.asarray(effect - sums / np.maximum(known.sum(axis=0), 1))


def _mean_of_drawn(
    units: Int[np.ndarray, " units"],
    gain: Float[np.ndarray, "units seeds"],
    draws: Draws,
    arm: int,
    seeds: Int[np.ndarray, " seeds"],
) -> Float[np.ndarray, " seeds"]:
    """Return the mean gain of the images that each seed drew of an arm; 0 if it drew none.

    NaN where it is unknown what was drawn. Images of unknown gain are left out.
    """
    if draws.times is None:
        return np.full(seeds.size, math.nan)
    drawn = draws.times[arm][units][:, seeds] * ~np.isnan(gain)
    return np.asarray((drawn * np.nan_to_num(gain)).sum(axis=0) / np.maximum(drawn.sum(axis=0), 1))


def _seed_effects(
    cells: _Cells,
) -> tuple[Float[np.ndarray, " seeds"], Float[np.ndarray, "seeds seeds"], float]:
    """Return the effects of seeds, their covariance given the seeds, and the variance of cells."""
    often = cells.counts.sum(axis=1) > 1.0
    again = _Cells(cells.sums[often], cells.counts[often], cells.unit[often])
    n_seeds = cells.sums.shape[1]
    free = float(again.counts.sum()) - np.count_nonzero(often) - (n_seeds - 1)
    if free > 0.0:
        plain = _solve(again, 0.0)[0]
        cell = _residual(again, plain - plain.mean()) / free
        of_seeds = cells.sums - cells.counts * (plain - plain.mean())
    else:  # no image comes back: all is scatter of cells
        of_seeds = cells.sums - cells.counts * (cells.sums.sum(axis=0) / cells.counts.sum(axis=0))
        cell = float((of_seeds**2).sum() / cells.counts.sum())
    image = float((of_seeds**2).sum() / cells.counts.sum()) - cell
    fitted, inverse = _solve(cells, cell / max(image, _SMALLEST_RATIO * cell, 1e-300))
    return fitted, cell * inverse, cell


def _solve(
    cells: _Cells, ratio: float
) -> tuple[Float[np.ndarray, " seeds"], Float[np.ndarray, "seeds seeds"]]:
    """Fit the seeds with the images absorbed.

    Parameters
    ----------
    ratio
        Variance of cells over that of images; 0 fits images freely, and the seeds up to a constant.
    """
    weight = 1.0 / (cells.counts.sum(axis=1) + ratio)
    left = np.diag(cells.counts.sum(axis=0)) - cells.counts.T @ (cells.counts * weight[:, None])
    right = cells.sums.sum(axis=0) - cells.counts.T @ (cells.sums.sum(axis=1) * weight)
    inverse = np.linalg.pinv(left, rcond=_RELATIVE_RANK, hermitian=True)
    return inverse @ right, inverse


def _residual(cells: _Cells, effects: Float[np.ndarray, " seeds"]) -> float:
    """Sum the squares that images and seeds leave."""
    left = cells.sums - cells.counts * effects
    image = left.sum(axis=1) / cells.counts.sum(axis=1)
    return float(((left - cells.counts * image[:, None]) ** 2).sum())
