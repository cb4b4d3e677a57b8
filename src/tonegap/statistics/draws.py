"""What the training draws of a study's seeds have in common.

All seeds draw from one pool. Two draws of ``n`` images, as the shares ``q_i = n_i / n`` of the
clusters, overlap by ``sum_i q_i p_i``; a draw overlaps with itself by ``sum_i q_i^2``, one over
Kish's (1965, Survey Sampling, section 8.2) effective number of clusters. The pool's own effective
number is that of drawing from it evenly, so that two independent draws overlap by one over it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from tonegap.statistics.design import Design, Draws

COLUMNS = ("n_train", "n_effective_train", "n_effective_pool")
"""Columns of metrics/study.csv that tell what each run drew of a group, and from how much."""

GIVEN_THE_POOL = (
    "Intervals are given the pool of images that the study trains on: metrics/study.csv does not "
    "say what its runs drew from. `tonegap study collect` adds it, and intervals then hold against "
    "other pools, too."
)


def knows_draws(table: pd.DataFrame) -> bool:
    """Check that a table says of each row what its run drew."""
    return all(name in table.columns and table[name].notna().all() for name in COLUMNS)


def with_draws(design: Design, table: pd.DataFrame) -> Design:
    """Add to a design what its runs drew.

    Parameters
    ----------
    table
        The rows of the design, with :data:`COLUMNS`: of the row's run, and of the row's group in
        the training of that run. Without the columns, or with a missing value, the design comes
        back as it is: its intervals are then conditional on the pool.
    """
    if not knows_draws(table):
        return design
    rows = table[list(COLUMNS)].astype(float).assign(arm=design.arm, run=design.run)
    runs = rows.drop_duplicates(["arm", "run"])
    drawn, total = runs["n_train"], runs.groupby("run")["n_train"].transform("sum")
    by_arm = runs.assign(
        share=drawn / total.clip(lower=1.0),
        itself=(1.0 / runs["n_effective_train"].clip(lower=1.0)).where(drawn > 0.0, 0.0),
        pool=1.0 / runs["n_effective_pool"].clip(lower=1.0),
    ).groupby("arm")[["share", "itself", "pool"]]
    found = by_arm.mean().reindex(range(len(design.arms)), fill_value=0.0)
    return replace(design, draws=Draws(*found.to_numpy().T))


def shared_to_own(design: Design, coefficients: Float[np.ndarray, " arms"]) -> float | None:
    """Return how much of a contrast's training two seeds share, over what each has of its own.

    ``rho / (1 - rho)`` with ``rho`` the overlap of the seeds' training, mixes weighted as the
    contrast weights them. For ``n`` distinct images of ``N`` this is ``n / (N - n)``, the ratio of
    the variances ``s^2 / N`` and ``s^2 (1 / n - 1 / N)`` of a mean between pools and between
    draws from one pool (Cochran 1977, Sampling Techniques, theorem 2.2).

    Returns
    -------
    float or None
        0 where the mixes' weights cancel in every pool; None where draws are unknown, or are the
        same in every seed.
    """
    if design.draws is None:
        return None
    weights = _mix_weights(design, coefficients) * design.draws.share
    shared = own = 0.0
    for group in sorted({arm.group for arm in design.arms}):
        arms = np.array([arm.group == group for arm in design.arms])
        weight, pool = weights[arms], float(design.draws.pool[arms].max())
        total, squares = float(weight.sum()), float(weight @ weight)
        shared += total**2 * pool
        between_mixes = (total**2 - squares) * _left_after_tests(pool, _tested(design, arms))
        own += float(weight**2 @ design.draws.itself[arms]) + between_mixes
    return shared / (own - shared) if own > shared else None


def _mix_weights(
    design: Design, coefficients: Float[np.ndarray, " arms"]
) -> Float[np.ndarray, " arms"]:
    """Return the weight of each arm's mix: of its last group that has one, by name."""
    by_mix: dict[float, float] = {}
    for arm, weight in zip(design.arms, coefficients, strict=True):
        by_mix[arm.share] = float(weight) or by_mix.get(arm.share, 0.0)
    return np.array([by_mix[arm.share] for arm in design.arms])


def _tested(design: Design, arms: Bool[np.ndarray, " arms"]) -> float:
    """Return how many clusters of a group a seed tests, in the mean."""
    rows = arms[design.arm]
    cells = np.unique(design.unit[rows] * design.n_seeds + design.seed[rows])
    return cells.size / max(np.unique(design.seed[rows]).size, 1)


def _left_after_tests(pool: float, tested: float) -> float:
    """Return the overlap of two draws of one seed, which leave its test images out."""
    return 1.0 / max(1.0 / pool - tested, 1.0) if pool > 0.0 else 0.0
