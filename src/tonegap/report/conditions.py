"""The per-condition table: one row per condition, the mixes side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

_LEVELS = ("coarse", "middle", "fine")


@dataclass(frozen=True)
class ConditionRow:
    """A condition's errors.

    Attributes
    ----------
    level, label : str
        Level of the labels, and the condition.
    n_light, n_dark : int
        Distinct test images, the most that any mix has.
    errors : sequence of (mse_light, mse_dark, gap) or None
        By mix, in the order of the columns; None where a mix has no image of a group.
    """

    level: str
    label: str
    n_light: int
    n_dark: int
    errors: Sequence[tuple[float, float, float] | None]


def condition_rows(conditions: pd.DataFrame, mixes: Sequence[str]) -> list[ConditionRow]:
    """Bring the mixes of each condition together, coarse labels first, then by name.

    Parameters
    ----------
    conditions
        mix, level, label, n_light, n_dark, mse_light, mse_dark, gap.
    mixes
        The mixes in the order of the columns.
    """
    ordered = conditions.assign(rank=conditions["level"].map(_LEVELS.index))
    return [
        _row(str(level), str(label), rows, mixes)
        for (_, level, label), rows in ordered.groupby(["rank", "level", "label"], sort=True)
    ]


def _row(level: str, label: str, rows: pd.DataFrame, mixes: Sequence[str]) -> ConditionRow:
    values = rows[["mse_light", "mse_dark", "gap"]].to_numpy(dtype=np.float64).tolist()
    by_mix = {
        str(mix): (light, dark, gap)
        for mix, (light, dark, gap) in zip(rows["mix"], values, strict=True)
    }
    return ConditionRow(
        level=level,
        label=label,
        n_light=int(rows["n_light"].max()),
        n_dark=int(rows["n_dark"].max()),
        errors=[by_mix.get(mix) for mix in mixes],
    )
