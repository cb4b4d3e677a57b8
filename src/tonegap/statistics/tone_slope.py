"""Tone compression: the slope of the reconstructed on the original skin tone, within a run.

Over the test images of a run, or of one of its groups::

    ITA of the reconstruction = a + slope * ITA of the original

1 is faithful: tones keep their distances, whatever the common shift. Below 1 tones move together,
dark ones towards light and light ones towards dark; at 0 every reconstruction has the same tone.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from tonegap.groups import Groups

ORIGINAL, SHIFT = "ita_seen", "ita_shift_skin"
"""Columns: the tone of an original's skin as the model sees it, and how far it is shifted."""

MIN_ROWS = 3
"""Fewest images from which a line is drawn."""

_SAME = 1e-9  # degrees: angles that differ by less do not differ


def tone_slopes(images: pd.DataFrame, groups: Groups) -> dict[str, float | None]:
    """Return the slope over each group's images and over those of the compared pair.

    Parameters
    ----------
    images
        One row per test image of one run: group and the columns :data:`ORIGINAL` and
        :data:`SHIFT`.
    groups
        The groups.

    Returns
    -------
    dict
        ``{group: slope, "all": slope}``; None with fewer than three images, with a missing
        value, or where all originals have one tone.
    """
    chosen = {name: images[images["group"] == name] for name in groups.names}
    chosen["all"] = images[images["group"].isin(groups.pair)]
    return {name: _slope(rows) for name, rows in chosen.items()}


def _slope(rows: pd.DataFrame) -> float | None:
    if len(rows) < MIN_ROWS or not {ORIGINAL, SHIFT} <= set(rows.columns):
        return None
    original, shift = (rows[name].to_numpy(dtype=np.float64) for name in (ORIGINAL, SHIFT))
    centred = original - original.mean()
    if not np.isfinite(centred).all() or np.abs(centred).max() < _SAME:
        return None
    slope = 1.0 + float(centred @ shift) / float(centred @ centred)
    return slope if np.isfinite(slope) else None


def slope_pseudovalues(
    original: Float[np.ndarray, " rows"],
    shift: Float[np.ndarray, " rows"],
    compared: Bool[np.ndarray, " rows"],
    run: Int[np.ndarray, " rows"],
) -> Float[np.ndarray, " rows"]:
    """Pseudo-values of the slope minus 1 within each run; 0 means faithful.

    The mean of the two group means of a run is its slope over both groups, minus 1. Each row adds
    its influence on that slope, ``(x - mean x) residual / sum of (x - mean x)^2``. NaN for a run
    with a missing value, without both groups, or without different tones.
    """
    half = 2 * run + compared
    n_runs = int(run.max()) + 1
    own = np.bincount(half, minlength=2 * n_runs)
    count = np.maximum(np.bincount(run, minlength=n_runs), 1)
    centred, moved = (v - (np.bincount(run, v, n_runs) / count)[run] for v in (original, shift))
    scatter = np.bincount(run, centred**2, n_runs)
    usable = (own.reshape(-1, 2) > 0).all(axis=1) & np.isfinite(scatter) & (scatter > _SAME**2)
    scatter = np.where(usable, scatter, 1.0)
    slope = np.bincount(run, centred * moved, n_runs) / scatter
    influence = centred * (moved - slope[run] * centred) / scatter[run]
    return np.where(usable[run], slope[run] + 2.0 * own[half] * influence, np.nan)
