"""Per-row values whose arm means are what the study speaks of.

Errors and sigma are averaged as they are. Three things are not plain means: the error left
after a difficulty baseline, the chance that an image of the compared group has the larger sigma
(AUC), and a rank correlation. Each is written here as *pseudo-values*: the estimate plus each row's
influence on it (Hajek projection). Their arm means, or the gap between two arm means, give
the estimate exactly, and their scatter is its sampling scatter to first order, so that one
resampling serves every measure.

A row whose measure cannot be computed gets NaN; nothing is imputed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from tonegap.errors import DataError
from tonegap.groups import LIGHT_AND_DARK, Groups
from tonegap.measures import MEASURES
from tonegap.statistics.design import Design
from tonegap.statistics.tone_slope import ORIGINAL, SHIFT, slope_pseudovalues

MIN_ROWS = 3
"""Fewest rows of a run's group, or of an arm, from which a rank or a line is drawn."""

LARGEST = 1e100
"""Larger errors count as not finite: their squares would not be numbers."""

ROUNDING = 1e-12
"""Variances of ranks (scaled to [0, 1]) below this are rounding: all values are equal."""


def measure_columns(
    table: pd.DataFrame,
    design: Design,
    names: Sequence[str] | None = None,
    groups: Groups = LIGHT_AND_DARK,
) -> pd.DataFrame:
    """Compute every measure of the study, one column each, NaN where the table has no data.

    Parameters
    ----------
    table, design
        Rows of the two compared groups, and their design.
    names
        The measures that are wanted, in this order; None: all.
    groups
        The two that are compared.

    Returns
    -------
    DataFrame
        ``log_mse`` (natural logarithm; NaN for an error of 0), the measures of an image and its
        reconstruction, ``sigma`` (arm mean = mean); ``mse_given_pca``, ``mse_given_jpeg``
        (arm mean = mean at the study's common difficulty); ``sigma_auc`` (gap of a mix's two
        arms = AUC - 0.5); ``auc_excess`` (gap = AUC of the error - AUC of sigma);
        ``sigma_error_rank`` (arm mean = mean over runs of Spearman's correlation);
        ``tone_slope`` (mean of a mix's two arms = slope of the tone - 1).
    """
    makers = _makers(table, design, groups)
    return pd.DataFrame({name: makers[name]() for name in names or makers})


def _makers(
    table: pd.DataFrame, design: Design, groups: Groups
) -> dict[str, Callable[[], Float[np.ndarray, " rows"]]]:
    """Return the maker of each measure; those that are not wanted cost nothing."""
    mse, sigma = numeric(table, "mse"), numeric(table, "sigma")
    compared = np.asarray(table["group"].to_numpy() == groups.compared)

    @cache
    def sigma_auc() -> Float[np.ndarray, " rows"]:
        return auc_pseudovalues(sigma, compared, design.run)

    def given(baseline: str) -> Float[np.ndarray, " rows"]:
        return given_difficulty(mse, _difficulty(table, baseline, design), design)

    return {
        "log_mse": lambda: _log(mse),
        **{row.name: partial(numeric, table, row.name) for row in MEASURES if row.per_image},
        "sigma": lambda: sigma,
        "mse_given_pca": lambda: given("mse_pca"),
        "mse_given_jpeg": lambda: given("mse_jpeg"),
        "sigma_auc": sigma_auc,
        "auc_excess": lambda: auc_pseudovalues(mse, compared, design.run) - sigma_auc(),
        "sigma_error_rank": lambda: rank_pseudovalues(sigma, mse, 2 * design.run + compared),
        "tone_slope": lambda: slope_pseudovalues(
            numeric(table, ORIGINAL), numeric(table, SHIFT), compared, design.run
        ),
    }


def auc_pseudovalues(
    values: Float[np.ndarray, " rows"],
    compared: Bool[np.ndarray, " rows"],
    run: Int[np.ndarray, " rows"],
) -> Float[np.ndarray, " rows"]:
    """Pseudo-values of AUC - 0.5 within each run; 0 means no difference between groups.

    AUC is the chance that an image of the compared group has a larger value than one of the
    reference group in the same run, ties counting half (Mann and Whitney 1947); runs may differ
    in level. The influence is that of DeLong, DeLong and Clarke-Pearson (1988, Biometrics
    44:837): the place of each value among the other group's. Mean over the compared minus mean
    over the reference rows of a run is its AUC - 0.5. NaN for a run with a missing value, whose
    ranks would be those of other images, and for one without both groups.
    """
    half = 2 * run + compared
    own = np.bincount(half, minlength=2 * (int(run.max()) + 1))
    usable = np.bincount(run, weights=np.isnan(values)) == 0
    usable &= (own.reshape(-1, 2) > 0).all(axis=1)
    rows = usable[run]
    others = np.where(rows, own[half ^ 1], 1)
    # Rows of the other group below this one: its rank among all minus that among its own.
    below = (_sorted(values, run).ranks() - _sorted(values, half).ranks()) / others
    auc = np.bincount(run, weights=below * compared) / np.maximum(own[1::2], 1)
    centre = np.where(compared, auc[run], 1.0 - auc[run])
    return np.where(rows, below - centre + (centre - 0.5) / 2.0, np.nan)


def rank_pseudovalues(
    x: Float[np.ndarray, " rows"], y: Float[np.ndarray, " rows"], block: Int[np.ndarray, " rows"]
) -> Float[np.ndarray, " rows"]:
    """Pseudo-values of Spearman's rank correlation of ``x`` and ``y`` within each block.

    Their mean over a block is its correlation, in [-1, 1]; NaN for blocks with a missing
    value, fewer than three rows, or no variation. Each is the influence of its pair on
    ``12 E[F(x) G(y)] - 3``, the sampling of the ranks included.
    """
    count = np.bincount(block)
    sorted_x, sorted_y = _sorted(x, block), _sorted(y, block)
    u = (sorted_x.ranks() - 0.5) / count[block]
    v = (sorted_y.ranks() - 0.5) / count[block]
    cu, cv = (part - _block_means(part, block)[block] for part in (u, v))
    scale = np.sqrt(_block_means(cu * cu, block) * _block_means(cv * cv, block))
    missing = np.bincount(block, weights=np.isnan(x) | np.isnan(y)) > 0
    good = (count >= MIN_ROWS) & ~missing & (scale > ROUNDING)
    divisor = np.where(good, scale, 1.0)
    above = (sorted_x.sums_above(v) + sorted_y.sums_above(u)) / count[block]
    influence = u * v + above
    rho = _block_means(cu * cv, block) / divisor
    centred = (influence - _block_means(influence, block)[block]) / divisor[block]
    return np.where(good[block], centred + rho[block], np.nan)


@dataclass(frozen=True)
class _Sorted:
    """Rows in the order of their block and value.

    ``tie`` numbers, from 0, the sets of rows that share both; ``block`` is that of each row in
    this order.
    """

    order: Int[np.ndarray, " rows"]
    block: Int[np.ndarray, " rows"]
    tie: Int[np.ndarray, " rows"]

    def ranks(self) -> Float[np.ndarray, " rows"]:
        """Rank of each row within its block, from 1; ties get their mean rank."""
        first = np.cumsum(np.bincount(self.block)) - np.bincount(self.block)
        place = np.arange(1.0, self.order.size + 1.0) - first[self.block]
        return self._back(_block_means(place, self.tie)[self.tie])

    def sums_above(self, weight: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
        """Sum of the weights of rows that are not smaller; other rows that tie count half."""
        own = weight[self.order]
        of_tie = np.bincount(self.tie, weights=own)
        last = np.cumsum(np.bincount(self.tie)) - 1
        through_block = np.cumsum(np.bincount(self.block, weights=own))
        larger = through_block[self.block[last]] - np.cumsum(of_tie)
        return self._back((larger + of_tie / 2.0)[self.tie] + own / 2.0)

    def _back(self, values: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
        """Reorder values from this order to that of the table."""
        out = np.empty(values.size)
        out[self.order] = values
        return out


def _sorted(values: Float[np.ndarray, " rows"], block: Int[np.ndarray, " rows"]) -> _Sorted:
    """Sort rows within blocks: by value, then stably by block, which is a radix sort of codes."""
    by_value = np.argsort(values)
    codes = block[by_value]
    short = codes.astype(np.uint16) if codes.max() <= np.iinfo(np.uint16).max else codes
    order = by_value[np.argsort(short, kind="stable")]
    new = np.ones(values.size, dtype=bool)
    new[1:] = (np.diff(block[order]) != 0) | (np.diff(values[order]) != 0)
    return _Sorted(order, block[order], np.cumsum(new) - 1)


def _block_means(
    values: Float[np.ndarray, " rows"], block: Int[np.ndarray, " rows"]
) -> Float[np.ndarray, " blocks"]:
    """Mean of each block; 0 for a number that no row has."""
    return np.bincount(block, weights=values) / np.maximum(np.bincount(block), 1)


def given_difficulty(
    mse: Float[np.ndarray, " rows"],
    log_difficulty: Float[np.ndarray, " rows"],
    design: Design,
) -> Float[np.ndarray, " rows"]:
    """Pseudo-values of each arm's mean error at the study's common difficulty.

    Within every arm the error is regressed on log difficulty, the log error of a baseline
    (PCA, JPEG); the line is read off at the mean log difficulty of all rows, of both groups
    alike (direct standardisation; with a straight line, averaging over the pooled
    distribution and reading off at its mean are the same). The common difficulty itself is
    taken as given, not resampled. What the straight line misses stays in the gap.

    Returns
    -------
    array
        Units of ``mse``. All NaN where one row has no difficulty; NaN for an arm with a
        missing error or without variation in difficulty.
    """
    out = np.full(mse.size, np.nan)
    if np.isnan(log_difficulty).any():
        return out
    common = float(log_difficulty.mean())
    for code in range(len(design.arms)):
        rows = np.flatnonzero(design.arm == code)
        out[rows] = _read_off(log_difficulty[rows] - common, mse[rows])
    return out


def _read_off(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Pseudo-values of the intercept of the least-squares line of y on x."""
    centred = x - x.mean()
    scatter = float(centred @ centred)
    # Rounding leaves a constant with a scatter of about n * (eps * x)^2, never a real one.
    constant = scatter <= x.size * (1e-12 * (1.0 + float(np.abs(x).max()))) ** 2
    if x.size < MIN_ROWS or constant or not np.isfinite(y).all():
        return np.full(x.size, np.nan)
    slope = float(centred @ y) / scatter
    residual = y - y.mean() - slope * centred
    intercept = y.mean() - slope * x.mean()
    leverage = 1.0 - x.mean() * x.size * centred / scatter
    return np.asarray(intercept + residual * leverage)


def _difficulty(table: pd.DataFrame, name: str, design: Design) -> Float[np.ndarray, " rows"]:
    """Log error of a baseline, averaged over the runs that assessed the image.

    A run fits its PCA on its own training images, so that a mix makes its own group look
    easy; the mixes of a seed share their test images, and their mean favours none of them.
    """
    log_error = _log(numeric(table, name))
    sums = np.bincount(design.image, weights=log_error)
    return np.asarray((sums / np.bincount(design.image))[design.image])


def _log(values: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
    """Return natural logarithms; NaN if undefined."""
    positive = values > 0.0
    return np.where(positive, np.log(np.where(positive, values, 1.0)), np.nan)


def numeric(table: pd.DataFrame, name: str) -> Float[np.ndarray, " rows"]:
    """Read a numeric column; all NaN where the table lacks it.

    Infinities become NaN, and so do sizes whose squares would be infinite.
    """
    if name not in table.columns:
        return np.full(len(table), np.nan)
    values = pd.to_numeric(table[name], errors="coerce")
    unread = table[name][values.isna() & table[name].notna()]
    if not unread.empty:
        raise DataError(
            f"per-image study table: {name} is {unread.iloc[0]!r} in a row, which is not a number "
            "and cannot be averaged; run `tonegap study collect` again"
        )
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.abs(numbers) < LARGEST, numbers, np.nan)
