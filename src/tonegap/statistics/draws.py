"""What the training draws of a study's seeds have in common.

All seeds draw from one pool. Two draws of ``n`` images, as the shares ``q_i = n_i / n`` of the
clusters, overlap by ``sum_i q_i p_i``; a draw overlaps with itself by ``sum_i q_i^2``, one over
Kish's (1965, Survey Sampling, section 8.2) effective number of clusters. The pool's own effective
number is that of drawing from it evenly, so that two independent draws overlap by one over it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from jaxtyping import Float

from tonegap.errors import DataError
from tonegap.statistics.design import Design, Draws, units_of

COLUMNS = ("n_train", "n_effective_train", "n_effective_pool")
"""Columns of metrics/study.csv that tell what each run drew of a group, and from how much."""

DRAWN_BY_SEED = "drawn_by_seed"
"""Column of metrics/study_images.csv: the seeds whose training on the row's mix drew the image, or
a near duplicate, and how often: ``0:2 7:1`` is twice by seed 0 and once by seed 7."""

RETRAINED = "mse_retrained"
"""Column of metrics/study_images.csv: the image's error under a second training on the run's draw,
from other initial weights and in another order; missing where there was none."""

_SEEDS = r"\d+:\d+( \d+:\d+)*"

GIVEN_THE_POOL = (
    "Intervals are given the pool of images that the study trains on: metrics/study.csv does not "
    "say what its runs drew from. `tonegap study collect` adds it, and intervals then hold against "
    "other pools, too."
)
UNKNOWN_IMAGES = (
    "Intervals of the own share effect are as wide as they can be: metrics/study_images.csv does "
    "not say which images the seeds drew. `tonegap study collect` adds it."
)
UNKNOWN_LUCK = (
    "Intervals count the luck of a training, other initial weights, as if another pool had brought "
    "it, and are too wide by that: no run was trained again. A study `<name>_retrained` with "
    "another train.seed tells the two apart (docs/statistics.md)."
)


def knows_draws(table: pd.DataFrame) -> bool:
    """Check that a table says of each row what its run drew."""
    return all(name in table.columns and table[name].notna().all() for name in COLUMNS)


def drawn_by_seed(images: pd.DataFrame, splits: Mapping[str, pd.DataFrame]) -> pd.Series:
    """Write the column :data:`DRAWN_BY_SEED`.

    Parameters
    ----------
    images
        The rows of a study: run, mix, distinct, seed, md5hash, cluster.
    splits
        By run: role, md5hash, cluster, one row per draw.

    Returns
    -------
    Series
        Text; missing where no seed drew the image.
    """
    keys = ["mix", "distinct", "unit"]
    trained = pd.concat([split.assign(run=run) for run, split in splits.items()])
    trained = trained[trained["role"] == "train"]
    drawn = pd.DataFrame({"run": trained["run"], "unit": units_of(trained)}).merge(
        images[["run", "mix", "distinct", "seed"]].drop_duplicates(), on="run"
    )
    times = drawn.groupby([*keys, "seed"]).size().rename("times").reset_index()
    text = times["seed"].astype(str) + ":" + times["times"].astype(str)
    texts = text.groupby([times[key] for key in keys]).agg(" ".join)
    rows = pd.MultiIndex.from_frame(images[keys[:2]].assign(unit=units_of(images)))
    return pd.Series(texts.reindex(rows).to_numpy(), index=images.index, name=DRAWN_BY_SEED)


def with_draws(design: Design, table: pd.DataFrame) -> Design:
    """Add to a design what its runs drew.

    Parameters
    ----------
    table
        The rows of the design, with :data:`COLUMNS`: of the row's run, and of the row's group in
        the training of that run. Without the columns, or with a missing value, the design comes
        back as it is: its intervals are then conditional on the pool. Without
        :data:`DRAWN_BY_SEED` it does not know which images were drawn, without :data:`RETRAINED`
        not what a second training changes.

    Raises
    ------
    DataError
        A row's text in :data:`DRAWN_BY_SEED` does not tell seeds and times.
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
    share, itself, pool = found.to_numpy().T
    times, retrained = _times(design, table), _retrained(design, table)
    return replace(design, draws=Draws(share, itself, pool, times, retrained))


def _times(design: Design, table: pd.DataFrame) -> Float[np.ndarray, "arms units seeds"] | None:
    """Read how often each seed drew each unit under each arm's mix."""
    if DRAWN_BY_SEED not in table.columns:
        return None
    told = table[[DRAWN_BY_SEED, "md5hash", "run"]].dropna().astype(str)
    wrong = told[~told[DRAWN_BY_SEED].str.fullmatch(_SEEDS)]
    if len(wrong):
        text, image, run = wrong.iloc[0]
        raise DataError(
            f"per-image study table: {DRAWN_BY_SEED} is {text!r} for image {image} in run {run}; "
            "it names seeds and how often each drew the image, like '0:2 7:1', which tells what "
            "another pool would change; run `tonegap study collect` again"
        )
    rows = pd.DataFrame({"arm": design.arm, "unit": design.unit})
    rows = rows.assign(text=table[DRAWN_BY_SEED].to_numpy()).drop_duplicates().dropna()
    each = rows.assign(text=rows["text"].str.split(" ")).explode("text")
    pairs = each["text"].str.split(":", expand=True).reindex(columns=[0, 1]).astype(float)
    code = dict(zip(table["seed"].astype(float), design.seed, strict=True))
    seed = pairs[0].map(code)
    known = seed.notna().to_numpy()
    times = np.zeros((len(design.arms), design.n_units, design.n_seeds))
    where = tuple(column[known].astype(int) for column in (each["arm"], each["unit"], seed))
    times[where] = pairs[1][known]
    return times


def _retrained(design: Design, table: pd.DataFrame) -> Float[np.ndarray, "arms units seeds"] | None:
    """Read what a second training changes in each unit's log error."""
    if not {RETRAINED, "mse"} <= set(table.columns):
        return None
    first, second = (
        pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        for name in ("mse", RETRAINED)
    )
    rows = np.flatnonzero((first > 0.0) & (second > 0.0))
    if rows.size == 0:
        return None
    shape = (len(design.arms), design.n_units, design.n_seeds)
    cell = np.ravel_multi_index((design.arm[rows], design.unit[rows], design.seed[rows]), shape)
    counts = np.bincount(cell, minlength=math.prod(shape))
    sums = np.bincount(cell, np.log(first[rows] / second[rows]), math.prod(shape))
    means = np.divide(sums, counts, where=counts > 0, out=np.full(counts.size, np.nan))
    return np.asarray(means.reshape(shape))


def shared_to_own(design: Design, coefficients: Float[np.ndarray, " arms"]) -> float | None:
    """Return how much of a contrast's training two seeds share, over what each has of its own.

    Overlaps times squared weights: of the mixes together in what is shared, for all draw from one
    pool, and of each mix alone in its own. For ``n`` distinct images of ``N`` this is
    ``n / (N - n)``, the ratio of the variances ``s^2 / N`` and ``s^2 (1 / n - 1 / N)`` of a mean
    between pools and between draws from one pool (Cochran 1977, Sampling Techniques, theorem 2.2).

    Returns
    -------
    float or None
        0 where the mixes' weights cancel in every pool; None where draws are unknown, or are the
        same in every seed.
    """
    if design.draws is None:
        return None
    draws = design.draws
    weights = _mix_weights(design, coefficients) * draws.share
    own = float(weights**2 @ np.where(draws.itself > 0.0, draws.itself - draws.pool, 0.0))
    shared = 0.0
    for group in sorted({arm.group for arm in design.arms}):
        arms = np.array([arm.group == group for arm in design.arms])
        shared += float(weights[arms].sum()) ** 2 * float(draws.pool[arms].max())
    return shared / own if own > 0.0 else None


def _mix_weights(
    design: Design, coefficients: Float[np.ndarray, " arms"]
) -> Float[np.ndarray, " arms"]:
    """Return the weight of each arm's mix: of its last group that has one, by name."""
    by_mix: dict[float, float] = {}
    for arm, weight in zip(design.arms, coefficients, strict=True):
        by_mix[arm.share] = float(weight) or by_mix.get(arm.share, 0.0)
    return np.array([by_mix[arm.share] for arm in design.arms])
