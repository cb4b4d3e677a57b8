"""Skin types and conditions counted: the numbers behind the paper's figures 2 and 7."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from tonegap.cohort.groups import assign_groups
from tonegap.params import GroupDefinition

Level = Literal["coarse", "middle", "fine"]
LEVEL_COLUMNS: dict[Level, str] = {
    "coarse": "three_partition_label",
    "middle": "nine_partition_label",
    "fine": "label",
}
_FST = (-1, 1, 2, 3, 4, 5, 6)
_HALF = 0.5


def fst_counts(annotations: pd.DataFrame) -> pd.DataFrame:
    """Count annotated rows by Fitzpatrick skin type (the paper's figure 2).

    Parameters
    ----------
    annotations
        Columns fitzpatrick_scale and fitzpatrick_centaur: 1-6, or -1 for unknown.

    Returns
    -------
    DataFrame
        fitzpatrick_scale (-1, 1-6), n_scale and n_centaur (rows with that label by Scale
        AI and by Centaur), pct_scale (n_scale in per cent of all rows; 0 without rows).
    """
    scale, centaur = (
        annotations[column].value_counts().reindex(_FST, fill_value=0)
        for column in ("fitzpatrick_scale", "fitzpatrick_centaur")
    )
    return pd.DataFrame(
        {
            "fitzpatrick_scale": _FST,
            "n_scale": scale.to_numpy(),
            "pct_scale": 100 * scale.to_numpy() / max(len(annotations), 1),
            "n_centaur": centaur.to_numpy(),
        }
    )


def prevalence_by_group(
    annotations: pd.DataFrame, level: Level, definition: GroupDefinition = "scale"
) -> pd.DataFrame:
    """Compare how common each condition is in the two groups (the paper's figure 7).

    Parameters
    ----------
    annotations
        Fitzpatrick17k's columns.
    level
        ``coarse`` (3 labels), ``middle`` (9) or ``fine`` (114).
    definition
        What a group is; see :func:`~tonegap.cohort.groups.assign_groups`.

    Returns
    -------
    DataFrame
        As :func:`prevalence`.
    """
    group = assign_groups(
        annotations["fitzpatrick_scale"], annotations["fitzpatrick_centaur"], definition
    )
    return prevalence(annotations[LEVEL_COLUMNS[level]], group)


def prevalence(labels: pd.Series, group: pd.Series) -> pd.DataFrame:
    """Compare how common each label is in the two groups.

    Parameters
    ----------
    labels
        Condition of each image.
    group
        ``light``, ``dark`` or missing, with the index of ``labels``.

    Returns
    -------
    DataFrame
        One row per label, the commonest first (ties as they first appear): label, n_all
        (images in any group or none), n_light, n_dark, prev_light, prev_dark (share of
        the group's images that have the label, in [0, 1]; 0 for an empty group) and
        log2_ratio_dark_light: doublings from light to dark, 0 where the label is equally
        common. The ratio's shares have half an image added to every label (the Jeffreys
        prior of a multinomial), (n + 1/2) / (N + K/2) for K labels, so that a label that
        one group lacks has a finite ratio, nearer to zero the less is known.
    """
    n_all = labels.value_counts()
    light, dark = (
        labels[(group == name).fillna(value=False)]
        .value_counts()
        .reindex(n_all.index, fill_value=0)
        for name in ("light", "dark")
    )
    return pd.DataFrame(
        {
            "label": n_all.index,
            "n_all": n_all.to_numpy(),
            "n_light": light.to_numpy(),
            "n_dark": dark.to_numpy(),
            "prev_light": (light / max(light.sum(), 1)).to_numpy(),
            "prev_dark": (dark / max(dark.sum(), 1)).to_numpy(),
            "log2_ratio_dark_light": np.log2(_smoothed(dark) / _smoothed(light)),
        }
    )


def _smoothed(counts: pd.Series) -> np.ndarray:
    share = (counts + _HALF) / (counts.sum() + _HALF * len(counts))
    return share.to_numpy(dtype=np.float64)
