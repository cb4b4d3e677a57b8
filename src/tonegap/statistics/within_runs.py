"""Regressions of the log error within runs, with errors over images and seeds.

A run's own factor on the error cancels: every quantity is first centred within its run. A slope
is averaged over the training mixes, each of which counts once. Each row's influence on it goes
through the two-way variance of :mod:`tonegap.statistics.variance`.

Frisch and Waugh (1933, Econometrica 1:387) and Lovell (1963): the coefficient of ``x`` in a
regression of ``y`` on ``x`` and covariates is that of the residuals, ``w y`` with ``w`` the
residual of ``x`` on the covariates over its sum of squares. A row with the residual ``r`` of the
whole regression moves it by ``w r``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy import sparse

from tonegap.errors import DataError
from tonegap.groups import Groups
from tonegap.statistics.design import Design, design_of
from tonegap.statistics.draws import with_draws
from tonegap.statistics.inference import MIN_UNITS, Estimate
from tonegap.statistics.luck import training_luck
from tonegap.statistics.training_pool import variance_of
from tonegap.statistics.variance import distinct

OVERALL = "overall"
"""Name of the mean over mixes, in the place of a mix."""

Covariates: TypeAlias = sparse.csr_array[Any, tuple[int, int]]
"""Columns that are held equal, one row per row of the table."""

_RELATIVE_RANK = 1e-10  # singular values of the covariates' cross products below it are none
_CONSTANT = 1e-12  # share of a variable's sum of squares below which nothing of it is left


@dataclass(frozen=True)
class Rows:
    """Rows of a study with what regressions within runs need.

    Attributes
    ----------
    table
        The per-image rows, index from 0.
    design
        Codes of arm, unit, seed, image and run.
    log_mse
        Natural logarithm of the error.
    mixes
        Name and share of each mix, by share; ``mix`` counts into them.
    mix
        Mix of each row.
    """

    table: pd.DataFrame
    design: Design
    log_mse: Float[np.ndarray, " rows"]
    mixes: tuple[tuple[str, float], ...]
    mix: Int[np.ndarray, " rows"]

    def where(self, chosen: Bool[np.ndarray, " rows"]) -> Rows:
        """Return the chosen rows; codes stay those of the whole study."""
        return replace(
            self,
            table=self.table[chosen].reset_index(drop=True),
            design=design_where(self.design, chosen),
            log_mse=self.log_mse[chosen],
            mix=self.mix[chosen],
        )

    def is_group(self, name: str) -> Bool[np.ndarray, " rows"]:
        """Find the rows of a group."""
        return np.asarray(self.table["group"].to_numpy(dtype=object) == name)

    @property
    def n_images(self) -> int:
        """Distinct images among the rows."""
        return distinct(self.design.image)


@dataclass(frozen=True)
class Slope:
    """A regression coefficient and how much each row moves it; influences sum to zero."""

    value: float
    influence: Float[np.ndarray, " rows"]


def rows_of(table: pd.DataFrame, groups: Groups | None = None, *, finished: bool = False) -> Rows:
    """Prepare a per-image study table.

    Parameters
    ----------
    table
        One row per run x test image: run, mix, share, seed, md5hash, group, cluster, mse.
    groups
        Keep the rows of these two groups only; None: all rows that have a group.
    finished
        The table is of one finished model (:func:`~tonegap.statistics.design.design_of`).

    Raises
    ------
    DataError
        If the table is not a crossed design (:func:`~tonegap.statistics.design.design_of`), or an
        error is missing, infinite or not positive: it has no logarithm.
    """
    kept = table["group"].isin(groups.pair) if groups else table["group"].notna()
    table = table[kept].reset_index(drop=True)
    keys = table[["share", "mix"]].drop_duplicates().sort_values(["share", "mix"])
    mixes = tuple((str(mix), float(share)) for share, mix in keys.itertuples(index=False))
    mix = pd.Index(mixes).get_indexer(pd.MultiIndex.from_arrays([table["mix"], table["share"]]))
    design = with_draws(design_of(table, finished=finished), table)
    return Rows(table, design, log_of(table, "mse"), mixes, np.asarray(mix))


def given_pool(rows: Rows) -> Rows:
    """Forget what the runs drew, so that errors are conditional on the study's training images.

    For what is compared between images of the same models, such as conditions: another pool would
    move them together. It also takes more images than a condition has to tell a training's scatter
    from that of its test images.
    """
    return replace(rows, design=replace(rows.design, draws=None))


def design_where(
    design: Design, chosen: Bool[np.ndarray, " rows"] | Int[np.ndarray, " chosen"]
) -> Design:
    """Return the design of some rows; codes stay those of the whole study."""
    codes = ("arm", "unit", "seed", "image", "run")
    return replace(design, **{name: getattr(design, name)[chosen] for name in codes})


def log_of(table: pd.DataFrame, column: str) -> Float[np.ndarray, " rows"]:
    """Return the natural logarithm of a column.

    Raises
    ------
    DataError
        If a value is missing, infinite or not positive.
    """
    values = pd.to_numeric(table[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    bad = ~(np.isfinite(values) & (values > 0.0))
    if bad.any():
        raise DataError(
            f"per-image study table: {column} is {table[column][bad].iloc[0]} in a row and has no "
            "logarithm; gaps are ratios of errors: run `tonegap study collect` again"
        )
    return np.asarray(np.log(values))


def has_logarithm(table: pd.DataFrame, column: str) -> bool:
    """Check that the table has the column and that all values are positive and finite."""
    if column not in table.columns:
        return False
    values = pd.to_numeric(table[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return bool((np.isfinite(values) & (values > 0.0)).all())


def residuals(
    columns: Float[np.ndarray, "rows columns"],
    covariates: Covariates,
    run: Int[np.ndarray, " rows"],
) -> Float[np.ndarray, "rows columns"]:
    """Return what the covariates and a constant for each run leave of the columns.

    Covariates may be collinear. They are sparse, scaled to unit length and solved by their cross
    products: tens of thousands of rows with a hundred indicators take milliseconds.
    """
    left = _centred(columns, run)
    if covariates.shape[1] == 0:
        return left
    held = sparse.hstack([indicators(pd.Series(run)), covariates], format="csr")
    length = np.sqrt(np.asarray(held.power(2).sum(axis=0)).ravel())
    held = held[:, length > _CONSTANT] @ sparse.diags_array(1.0 / length[length > _CONSTANT])
    products = (held.T @ held).toarray()
    solved = np.linalg.lstsq(products, held.T @ left, rcond=_RELATIVE_RANK)[0]
    return np.asarray(left - held @ solved)


def partial_slope(
    x: Float[np.ndarray, " rows"],
    y: Float[np.ndarray, " rows"],
    covariates: Covariates,
    run: Int[np.ndarray, " rows"],
) -> Slope | None:
    """Return the slope of ``y`` on ``x`` within runs at equal covariates.

    None where the runs and the covariates leave no variation of ``x``.
    """
    left_x, left_y = residuals(np.column_stack([x, y]), covariates, run).T
    squares = float(left_x @ left_x)
    if squares <= _CONSTANT * max(float(x @ x), 1.0):
        return None
    value = float(left_x @ left_y) / squares
    return Slope(value, left_x * (left_y - value * left_x) / squares)


def no_covariates(n_rows: int) -> Covariates:
    """Return an empty set of covariates."""
    return sparse.csr_array((n_rows, 0))


def indicators(values: pd.Series) -> Covariates:
    """Return one column per value: 1 where the row has it, else 0. Missing is a value."""
    codes, names = pd.factorize(values, use_na_sentinel=False)
    ones, places = np.ones(len(codes)), np.arange(len(codes))
    return sparse.csr_array((ones, (places, codes)), shape=(len(codes), len(names)))


def continuous(values: Float[np.ndarray, " rows"]) -> Covariates:
    """Return one column of centred values."""
    return sparse.csr_array((values - values.mean())[:, None])


def estimate_of(design: Design, slope: Slope) -> Estimate:
    """Add the two-way error to a slope; every arm with rows counts as used.

    Where runs were trained again, the luck of a training is taken to move the slope as it moves
    the plain gap between the two groups.
    """
    present = np.bincount(design.arm, minlength=len(design.arms)) > 0
    luck = training_luck(design, _gap_weights(design, present))
    variance = variance_of(design, slope.influence, present.astype(float), luck)
    return Estimate(
        value=slope.value,
        se=max(math.sqrt(variance.total), _CONSTANT),
        df=variance.df,
        margin=None,
        n_images=distinct(design.image),
        n_clusters=variance.n_units,
        n_runs=distinct(design.run),
        n_seeds=design.count_seeds(),
        pool_share=variance.pool_share,
    )


def _gap_weights(design: Design, present: Bool[np.ndarray, " arms"]) -> Float[np.ndarray, " arms"]:
    """Return the weights of the gap between the groups, mean over the mixes that have both."""
    names = sorted({arm.group for arm in design.arms})
    sign = np.array([1.0 if arm.group == names[0] else -1.0 for arm in design.arms])
    shares = np.array([arm.share for arm in design.arms])
    return np.where(present, sign, 0.0) / max(np.unique(shares[present]).size, 1)


def mean_over_mixes(rows: Rows, slopes: Mapping[int, Slope]) -> Slope:
    """Average the slopes of mixes; each is keyed by its code and holds that mix's rows."""
    influence = np.zeros(rows.mix.size)
    for code, slope in slopes.items():
        influence[rows.mix == code] = slope.influence / len(slopes)
    return Slope(float(np.mean([slope.value for slope in slopes.values()])), influence)


def slope_within_runs(x: Float[np.ndarray, " rows"], rows: Rows) -> Slope | None:
    """Return the mean over mixes of the slope of the log error on ``x`` within runs.

    None where a mix has no variation of ``x`` within runs.
    """
    slopes = {}
    for code in range(len(rows.mixes)):
        of_mix = rows.mix == code
        slope = partial_slope(
            x[of_mix],
            rows.log_mse[of_mix],
            no_covariates(int(of_mix.sum())),
            rows.design.run[of_mix],
        )
        if slope is None:
            return None
        slopes[code] = slope
    return mean_over_mixes(rows, slopes)


def gap_of(rows: Rows, groups: Groups) -> Slope | None:
    """Return the gap in log error within runs, mean over mixes."""
    return slope_within_runs(rows.is_group(groups.compared).astype(float), rows)


def contrast_of_groups(
    design: Design, values: Float[np.ndarray, " rows"], weights: Mapping[str, float]
) -> Slope:
    """Return a weighted sum of group means, averaged over the mixes that the rows have.

    Parameters
    ----------
    design, values
        Rows of the weighted groups only; each mix among them has every group.
    weights
        Weight of each group's mean.
    """
    counts = np.bincount(design.arm, minlength=len(design.arms))
    means = np.bincount(design.arm, values, len(design.arms)) / np.maximum(counts, 1)
    n_mixes = int((counts > 0).sum()) / len(weights)
    wanted = np.array([weights.get(arm.group, 0.0) for arm in design.arms])
    coefficients = np.where(counts > 0, wanted / n_mixes, 0.0)
    share = (coefficients / np.maximum(counts, 1))[design.arm]
    return Slope(float(coefficients @ means), share * (values - means[design.arm]))


def too_few(rows: Rows, groups: Groups | None = None) -> str:
    """Return which mix or group has too few units or seeds to estimate scatter, or empty."""
    sampled = {"image clusters": rows.design.unit}
    if rows.design.samples_seeds:
        sampled["seeds"] = rows.design.seed
    for code, (mix, _) in enumerate(rows.mixes):
        of_mix = rows.mix == code
        for name in groups.pair if groups else (None,):
            chosen = of_mix if name is None else of_mix & rows.is_group(name)
            for what, codes in sampled.items():
                count = distinct(codes[chosen]) if chosen.any() else 0
                if count < MIN_UNITS:
                    whose = f"{name} images of " if name else ""
                    where = f"mix {mix}" if rows.design.samples_seeds else "the model"
                    return f"needs {MIN_UNITS} {what}, has {count} among {whose}{where}"
    return ""


def percent(log_ratio: float) -> float:
    """Turn a difference of logarithms into per cent of the reference."""
    return 100.0 * math.expm1(log_ratio)


NUMBERS = (
    "estimate",
    "low",
    "high",
    "percent",
    "percent_low",
    "percent_high",
    "se",
    "df",
    "p",
    "mde",
    "mde_percent",
)
"""Columns that :func:`numbers` fills: log units, then per cent; intervals of 95 %."""

COUNTS = ("n_images", "n_clusters", "n_runs", "n_seeds")
"""Columns of counts beside them."""


def numbers(found: Estimate | None) -> dict[str, Any]:
    """Return an estimate as columns of a table; NaN and zeros if there is none."""
    if found is None:
        return {**dict.fromkeys(NUMBERS, math.nan), **dict.fromkeys(COUNTS, 0)}
    interval = found.interval()
    logs = (found.value, *interval)
    mde = found.minimum_detectable
    values = (*logs, *map(percent, logs), found.se, found.df, found.p, mde, percent(mde))
    counts = {name: getattr(found, name) for name in COUNTS}
    return {**dict(zip(NUMBERS, values, strict=True)), **counts}


def _centred(
    columns: Float[np.ndarray, "rows columns"], run: Int[np.ndarray, " rows"]
) -> Float[np.ndarray, "rows columns"]:
    """Subtract each run's mean."""
    codes, n_rows = np.unique(run, return_inverse=True)[1], np.bincount(run)
    counts = n_rows[n_rows > 0]
    sums = np.stack([np.bincount(codes, weights=column) for column in columns.T], axis=1)
    return np.asarray(columns - (sums / counts[:, None])[codes])
