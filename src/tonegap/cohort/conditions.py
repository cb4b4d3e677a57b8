"""How common each condition is in the two groups: the numbers behind the paper's figure 7."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tonegap.groups import Groups

_HALF = 0.5


def prevalence(labels: pd.Series, group: pd.Series, groups: Groups) -> pd.DataFrame:
    """Compare how common each label is in the two groups (the paper's figure 7).

    Parameters
    ----------
    labels
        Condition of each image.
    group
        Group of each image, or missing, with the index of ``labels``.
    groups
        The groups; two of them are compared.

    Returns
    -------
    DataFrame
        One row per label, the commonest first (ties as they first appear): label, n_all
        (images in any group or none), n_reference, n_compared, prev_reference, prev_compared
        (share of the group's images that have the label, in [0, 1]; 0 for an empty group) and
        log2_ratio: doublings from the reference to the compared group, 0 where the label is
        equally common. The ratio's shares have half an image added to every label (the
        Jeffreys prior of a multinomial), (n + 1/2) / (N + K/2) for K labels, so that a label
        that one group lacks has a finite ratio, which is nearer to zero for small groups.
    """
    n_all = labels.value_counts()
    reference, compared = (
        labels[(group == name).fillna(value=False)]
        .value_counts()
        .reindex(n_all.index, fill_value=0)
        for name in groups.pair
    )
    return pd.DataFrame(
        {
            "label": n_all.index,
            "n_all": n_all.to_numpy(),
            "n_reference": reference.to_numpy(),
            "n_compared": compared.to_numpy(),
            "prev_reference": (reference / max(reference.sum(), 1)).to_numpy(),
            "prev_compared": (compared / max(compared.sum(), 1)).to_numpy(),
            "log2_ratio": np.log2(_smoothed(compared) / _smoothed(reference)),
        }
    )


def _smoothed(counts: pd.Series) -> np.ndarray:
    share = (counts + _HALF) / (counts.sum() + _HALF * len(counts))
    return share.to_numpy(dtype=np.float64)
