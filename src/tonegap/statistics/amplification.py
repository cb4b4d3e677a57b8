"""Amplification: how the tones of samples follow the tones of training.

Across the runs of a study, with the shares of the compared group::

    share among samples = a + slope * share among training draws

1 is faithful. Above 1 the model exaggerates the mix that it was trained on, below 1 it levels it,
at 0 it ignores it.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import special

from tonegap.statistics.inference import MIN_UNITS

COLUMNS: Final = ("sampler", "slope", "low", "high", "n_runs", "n_seeds", "reason")
PREFIX: Final = "sample_share_"
"""Start of the columns of metrics/study.csv that hold shares among samples."""


def amplification(runs: pd.DataFrame) -> pd.DataFrame:
    """Estimate the slope of each sampler.

    Parameters
    ----------
    runs
        metrics/study.csv: run, seed, share and ``sample_share_<sampler>``, the same in each
        row of a run.

    Returns
    -------
    DataFrame
        A row per sampler: ``slope``, the mean of the seeds' own least-squares slopes; ``low``
        and ``high``, its 95 % interval (t over seeds, which are independent trainings on other
        draws); or the ``reason`` why there is none. No rows without samples.
    """
    by_run = runs.drop_duplicates("run")
    names = [name for name in runs.columns if name.startswith(PREFIX) and runs[name].notna().any()]
    rows = [_row(by_run, name) for name in names]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(by_run: pd.DataFrame, name: str) -> dict[str, object]:
    known = by_run.dropna(subset=[name])
    slopes = np.array(
        [
            _slope(rows["share"].to_numpy(dtype=float), rows[name].to_numpy(dtype=float))
            for _, rows in known.groupby("seed")
            if rows["share"].max() > rows["share"].min()
        ]
    )
    row: dict[str, object] = dict.fromkeys(("slope", "low", "high"), math.nan)
    row |= {"sampler": name.removeprefix(PREFIX), "n_runs": len(known), "n_seeds": len(slopes)}
    if len(slopes) < MIN_UNITS:
        few = f"{len(slopes)} seeds have samples of several mixes, an interval needs {MIN_UNITS}"
        return row | {"reason": few}
    low, high = _interval(slopes)
    return row | {"slope": float(slopes.mean()), "low": low, "high": high, "reason": ""}


def _slope(x: Float[np.ndarray, " runs"], y: Float[np.ndarray, " runs"]) -> float:
    centred = x - x.mean()
    return float(centred @ y / (centred @ centred))


def _interval(values: Float[np.ndarray, " seeds"]) -> tuple[float, float]:
    reach = special.stdtrit(len(values) - 1, 0.975) * values.std(ddof=1) / math.sqrt(len(values))
    return float(values.mean() - reach), float(values.mean() + reach)
