"""How often tests on run means reject a true null, computed for the study's own design.

Null studies are simulated on the study's own crossing of images and seeds. Arms have equal means;
images, images within a mix, rows and runs scatter as in the study. The parts of variance come from
moments: products of two rows of an image are the image's own part, what the means of runs scatter
beyond images and rows is the runs'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import scipy.sparse
from jaxtyping import Bool, Float, Int

from tonegap.statistics.contrasts import Contrast
from tonegap.statistics.design import Design
from tonegap.statistics.pairwise import p_one_sample, p_welch, seed_means

STUDIES = 400
"""Null studies; they leave a standard error of 2 points on a rate of 20 %."""

ALPHA = 0.05


@dataclass(frozen=True)
class Scatter:
    """Variances of one group's rows, in squared units of the measure, not negative.

    Attributes
    ----------
    image
        What comes back with an image in every mix.
    image_in_mix
        What comes back with it in the runs of one mix.
    row
        What is left.
    """

    image: float
    image_in_mix: float
    row: float


def false_positive_rates(
    contrasts: Sequence[Contrast],
    design: Design,
    values: Float[np.ndarray, " rows"],
    rng: np.random.Generator,
    studies: int = STUDIES,
) -> dict[str, tuple[float, float]]:
    """Simulate null studies and count the rejections at .05.

    Parameters
    ----------
    contrasts
        Tested on run means, each of them assessable.
    values
        The measure, finite in every row that a contrast uses.

    Returns
    -------
    dict
        By the contrast's name: rates of the paired and of Welch's test, in [0, 1]; NaN for a
        test that the contrast does not have.
    """
    used = {arm for contrast in contrasts for arm in contrast.coefficients}
    rows = np.isin(design.arm, [code for code, arm in enumerate(design.arms) if arm in used])
    if not rows.any():
        return {}
    means = null_means(_rows_of(design, rows), values[rows], rng, studies)
    return {contrast.name: _rates(contrast, design, means) for contrast in contrasts}


def _rows_of(design: Design, rows: Bool[np.ndarray, " rows"]) -> Design:
    codes = ("arm", "unit", "seed", "image", "run")
    return replace(design, **{name: getattr(design, name)[rows] for name in codes})


def null_means(
    design: Design,
    values: Float[np.ndarray, " rows"],
    rng: np.random.Generator,
    studies: int,
) -> Float[np.ndarray, "studies seeds arms"]:
    """Draw run means of null studies with the study's scatter; NaN where an arm lacks the seed.

    Arms without rows are left out; the others have two seeds or more.
    """
    names = sorted({arm.group for arm in design.arms})
    group = np.array([names.index(arm.group) for arm in design.arms])
    observed = seed_means(design, values)
    means = np.where(np.isnan(observed), np.nan, _image_means(design, values, group, rng, studies))
    common, own = _run_variances(design, observed, means, group)
    runs = np.sqrt(common) * rng.standard_normal((studies, *observed.shape))
    for arm, share in enumerate(arm.share for arm in design.arms):
        first = next(k for k, other in enumerate(design.arms) if other.share == share)
        runs[:, :, arm] = runs[:, :, first]  # groups of a mix are assessed by the same run
    runs += np.sqrt(own[group]) * rng.standard_normal(runs.shape)
    return np.asarray(means + runs)


def scatter_of(
    design: Design, values: Float[np.ndarray, " rows"], rows: Int[np.ndarray, " chosen"]
) -> Scatter:
    """Estimate one group's parts of variance by the method of moments."""
    if rows.size == 0:
        return Scatter(0.0, 0.0, 0.0)
    arm, unit = design.arm[rows], design.unit[rows]
    cell = arm * design.n_seeds + design.seed[rows]
    counts = np.bincount(cell)
    left = values[rows] - (np.bincount(cell, values[rows]) / np.maximum(counts, 1))[cell]
    in_mix = unit * len(design.arms) + arm
    square, squares = float(left @ left), _square_sum(in_mix, left)
    within = _ratio(squares - square, _square_sum(in_mix, np.ones(rows.size)) - rows.size)
    pairs = _square_sum(unit, np.ones(rows.size)) - _square_sum(in_mix, np.ones(rows.size))
    across = _ratio(_square_sum(unit, left) - squares, pairs)
    image = max(min(across, within), 0.0) if pairs > 0.0 else 0.0
    in_mix_only = max(within - image, 0.0)
    return Scatter(image, in_mix_only, max(square / rows.size - image - in_mix_only, 0.0))


def _image_means(
    design: Design,
    values: Float[np.ndarray, " rows"],
    group: Int[np.ndarray, " arms"],
    rng: np.random.Generator,
    studies: int,
) -> Float[np.ndarray, "studies seeds arms"]:
    """Means of runs under images and rows alone."""
    means = np.zeros((studies, design.n_seeds, len(design.arms)))
    of_group = [np.flatnonzero(group[design.arm] == code) for code in range(group.max() + 1)]
    scatters = [scatter_of(design, values, rows) for rows in of_group]
    shared = rng.standard_normal((design.n_units, studies))
    for arm in range(len(design.arms)):
        rows = np.flatnonzero(design.arm == arm)
        counts = np.maximum(np.bincount(design.seed[rows], minlength=design.n_seeds), 1)
        weights = scipy.sparse.coo_array(
            (1.0 / counts[design.seed[rows]], (design.seed[rows], design.unit[rows])),
            shape=(design.n_seeds, design.n_units),
        ).tocsr()
        scatter = scatters[group[arm]]
        images = np.sqrt(scatter.image) * shared
        if scatter.image_in_mix > 0.0:
            images += np.sqrt(scatter.image_in_mix) * rng.standard_normal(shared.shape)
        noise = rng.standard_normal((studies, design.n_seeds)) * np.sqrt(scatter.row / counts)
        means[:, :, arm] = (weights @ images).T + noise
    return means


def _run_variances(
    design: Design,
    observed: Float[np.ndarray, "seeds arms"],
    simulated: Float[np.ndarray, "studies seeds arms"],
    group: Int[np.ndarray, " arms"],
) -> tuple[float, Float[np.ndarray, " groups"]]:
    """Return the variance that runs add to both groups alike, and to each group alone."""
    present = np.flatnonzero(np.isfinite(observed).any(axis=0))
    left = observed[:, present] - np.nanmean(observed[:, present], axis=0)
    expected = np.nanvar(simulated[:, :, present], axis=1, ddof=1).mean(axis=0)
    excess = np.nanvar(left, axis=0, ddof=1) - expected
    of_group = np.zeros(group.max() + 1)
    for code in np.unique(group[present]):
        of_group[code] = max(float(excess[group[present] == code].mean()), 0.0)
    products = [
        float(np.nansum(left[:, a] * left[:, b])) / (np.isfinite(left[:, a] * left[:, b]).sum() - 1)
        for a, b in combinations(range(present.size), 2)
        if design.arms[present[a]].share == design.arms[present[b]].share
    ]
    common = float(np.clip(np.mean(products), 0.0, of_group.min())) if products else 0.0
    return common, of_group - common


def _rates(
    contrast: Contrast, design: Design, means: Float[np.ndarray, "studies seeds arms"]
) -> tuple[float, float]:
    coefficients = design.coefficients_of(contrast.coefficients)
    used = means[:, :, coefficients != 0.0]
    used = used[:, np.isfinite(used[0]).all(axis=1)]
    weights = coefficients[coefficients != 0.0]
    return _rate(p_one_sample(used @ weights)), _rate(p_welch(used, weights))


def _rate(p: Float[np.ndarray, " studies"]) -> float:
    return float("nan") if np.isnan(p).any() else float((p <= ALPHA).mean())


def _square_sum(codes: Int[np.ndarray, " rows"], values: Float[np.ndarray, " rows"]) -> float:
    sums = np.bincount(codes, weights=values)
    return float(sums @ sums)


def _ratio(top: float, bottom: float) -> float:
    return top / bottom if bottom > 0.0 else 0.0
