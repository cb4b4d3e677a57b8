"""A cohort of twelve images, and a split that it suffices for."""

from __future__ import annotations

import pandas as pd

from tonegap.params import DataParams

SHARE = 0.5
DATA = DataParams(
    image_size=32,
    seed=3,
    mix="mixed",
    n_test=2,
    n_train=8,
    replacement=True,
    duplicates="paper",
    match="none",
    distinct="paper",
    panel_seeds=0,
)


def twelve_images() -> pd.DataFrame:
    """Give what the split reads of the cohort, six images of each group."""
    names = [f"a{n:031x}" for n in range(12)]
    return pd.DataFrame(
        {
            "md5hash": names,
            "group": ["light", "dark"] * 6,
            "label_fine": "acne",
            "source": "atlas",
            "cluster": names,
            "subject": names,
        }
    )
