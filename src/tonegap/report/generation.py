"""What the models generate, in one sentence per sampler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from tonegap.groups import Groups

_FAITHFUL: Final = 1.0
_SAMPLERS: Final = {
    "prior": "draws from the models' prior",
    "fitted": "draws from a Gaussian fitted to the training latents",
}


def generation_sentences(amplification: pd.DataFrame, groups: Groups) -> Sequence[str]:
    """Say how the share of the compared group among samples follows its share in training.

    Parameters
    ----------
    amplification
        Rows of :func:`tonegap.statistics.amplification.amplification`.
    groups
        The two that are compared.
    """
    return [_sentence(row, groups) for row in amplification.to_dict("records")]


def _sentence(row: dict[Any, Any], groups: Groups) -> str:
    sampler = _SAMPLERS.get(row["sampler"], f"draws of the sampler {row['sampler']}")
    what = f"Among {sampler}, the share of {groups.compared} images"
    if row["slope"] != row["slope"]:  # NaN
        return f"{what} cannot be followed over the mixes: {row['reason']}."
    span = f"slope {row['slope']:.2f}, 95 % interval {row['low']:.2f} to {row['high']:.2f}"
    if row["low"] <= _FAITHFUL <= row["high"]:
        reading = "is consistent with following their share in training"
    elif row["high"] < _FAITHFUL:
        reading = "follows their share in training too little"
    else:
        reading = "exaggerates their share in training"
    return f"{what} {reading} ({span}; 1 is faithful)."
