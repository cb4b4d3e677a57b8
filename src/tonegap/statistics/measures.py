"""Per-row values whose arm means are what the study speaks of.

Errors and sigma are averaged as they are. Three things are no plain means: the error left
after a difficulty baseline, the chance that a dark image has the larger sigma (AUC), and a
rank correlation. Each is written here as *pseudo-values*: the estimate plus each row's
influence on it (Hajek projection). Their arm means, or the gap between two arm means, give
the estimate exactly, and their scatter is its sampling scatter to first order, so that one
resampling serves every measure.

A row whose measure cannot be computed gets NaN; nothing is imputed.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy import stats

from tonegap.statistics.design import Design

MIN_ROWS = 3
"""Fewest rows of a run's group, or of an arm, from which a rank or a line is drawn."""


def measure_columns(table: pd.DataFrame, design: Design) -> pd.DataFrame:
    """Every measure of the study, one column each, NaN where the table has no data.

    Returns
    -------
    DataFrame
        ``mse``, ``nmse``, ``sigma`` (arm mean = mean); ``mse_given_pca``, ``mse_given_jpeg``
        (arm mean = mean at the study's common difficulty); ``sigma_auc`` (gap of a mix's two
        arms = AUC - 0.5); ``auc_excess`` (gap = AUC of the error - AUC of sigma);
        ``sigma_error_rank`` (arm mean = mean over runs of Spearman's correlation).
    """
    mse, sigma = _column(table, "mse"), _column(table, "sigma")
    dark = table["group"].to_numpy() == "dark"
    sigma_auc = auc_pseudovalues(sigma, dark, design.run)
    return pd.DataFrame(
        {
            "mse": mse,
            "nmse": _column(table, "nmse"),
            "sigma": sigma,
            "mse_given_pca": given_difficulty(mse, _difficulty(table, "mse_pca", design), design),
            "mse_given_jpeg": given_difficulty(mse, _difficulty(table, "mse_jpeg", design), design),
            "sigma_auc": sigma_auc,
            "auc_excess": auc_pseudovalues(mse, dark, design.run) - sigma_auc,
            "sigma_error_rank": rank_pseudovalues(sigma, mse, 2 * design.run + dark),
        }
    )


def auc_pseudovalues(
    values: Float[np.ndarray, " rows"], dark: np.ndarray, run: Int[np.ndarray, " rows"]
) -> Float[np.ndarray, " rows"]:
    """Pseudo-values of AUC - 0.5 within each run; 0 means that groups cannot be told apart.

    AUC is the chance that a dark image of the run has the larger value than a light one of
    the same run, ties counting half (Mann and Whitney 1947); runs may differ in level. The
    influence is that of DeLong, DeLong and Clarke-Pearson (1988, Biometrics 44:837): the
    place of each value among the other group's. Mean over dark minus mean over light rows of
    a run is its AUC - 0.5.
    """
    frame = pd.DataFrame({"value": values, "dark": dark, "run": run})
    by_run, by_half = frame.groupby("run")["value"], frame.groupby(["run", "dark"])["value"]
    own_count = by_half.transform("count")
    other_count = by_run.transform("count") - own_count
    # Rows of the other group below this one: its rank among all minus that among its own.
    below = (by_run.rank() - by_half.rank()) / other_count.where(other_count > 0)
    auc = below.where(frame["dark"]).groupby(frame["run"]).transform("mean")
    centre = auc.where(frame["dark"], 1.0 - auc)
    half_effect = (centre - 0.5) / 2.0
    # A run with a missing value is left out whole: its ranks would speak of other images.
    incomplete = frame["value"].isna().groupby(frame["run"]).transform("any")
    return (below - centre + half_effect).mask(incomplete).to_numpy(dtype=float)


def rank_pseudovalues(
    x: Float[np.ndarray, " rows"], y: Float[np.ndarray, " rows"], block: Int[np.ndarray, " rows"]
) -> Float[np.ndarray, " rows"]:
    """Pseudo-values of Spearman's rank correlation of ``x`` and ``y`` within each block.

    Their mean over a block is its correlation, in [-1, 1]; NaN for blocks with a missing
    value, fewer than three rows, or no variation.
    """
    out = np.full(x.size, np.nan)
    order = np.argsort(block, kind="stable")
    borders = np.flatnonzero(np.diff(block[order])) + 1
    for rows in np.split(order, borders):
        if rows.size >= MIN_ROWS and np.isfinite(x[rows]).all() and np.isfinite(y[rows]).all():
            out[rows] = _spearman_pseudovalues(x[rows], y[rows])
    return out


def _spearman_pseudovalues(
    x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Influence of each pair on 12 E[F(x) G(y)] - 3, ranks' own sampling included."""
    u = (stats.rankdata(x) - 0.5) / x.size
    v = (stats.rankdata(y) - 0.5) / y.size
    scale = u.std() * v.std()
    if scale <= 0.0:
        return np.full(x.size, np.nan)
    rho = float(((u - u.mean()) * (v - v.mean())).mean() / scale)
    influence = (u * v + _mean_above(x, v) + _mean_above(y, u)) / scale
    return np.asarray(influence - influence.mean() + rho)


def _mean_above(
    key: Float[np.ndarray, " n"], weight: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """``sum_j weight_j [key_j >= key_i] / n`` for each i; equal keys count in table order."""
    order = np.argsort(key, kind="stable")[::-1]
    out = np.empty(key.size)
    out[order] = np.cumsum(weight[order]) / key.size
    return out


def given_difficulty(
    mse: Float[np.ndarray, " rows"],
    log_difficulty: Float[np.ndarray, " rows"],
    design: Design,
) -> Float[np.ndarray, " rows"]:
    """Pseudo-values of each arm's mean error at the study's common difficulty.

    Within every arm the error is regressed on log difficulty, the log error of a baseline
    (PCA, JPEG); the line is read off at the mean log difficulty of all rows, light and dark
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
    values = _column(table, name)
    positive = values > 0.0
    log_error = np.where(positive, np.log(np.where(positive, values, 1.0)), np.nan)
    sums = np.bincount(design.image, weights=log_error)
    return np.asarray((sums / np.bincount(design.image))[design.image])


def _column(table: pd.DataFrame, name: str) -> Float[np.ndarray, " rows"]:
    """Read a numeric column, infinities as NaN; all NaN where the table lacks it."""
    if name not in table.columns:
        return np.full(len(table), np.nan)
    values = table[name].to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)
