"""The per-condition table: one row per condition, the mixes side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tonegap.labels import LABEL_COLUMNS

_LEVELS = list(LABEL_COLUMNS)
_SHADES = 4  # the strongest for the largest gap of the table


@dataclass(frozen=True)
class ConditionRow:
    """A condition's errors.

    Attributes
    ----------
    level, label : str
        Level of the labels, and the condition.
    n_reference, n_compared : int
        Distinct test images, the most that any mix has.
    few : bool
        True if a group has too few images for its mean to represent the condition.
    errors : sequence of (mse_reference, mse_compared, gap, shade) or None
        By mix, in the order of the columns; None where a mix has no image of a group.
        ``shade`` is the gap's place between the table's largest gaps, from -4 (the
        reference fares worse) to 4.
    """

    level: str
    label: str
    n_reference: int
    n_compared: int
    few: bool
    errors: Sequence[tuple[float, float, float, int] | None]


def condition_rows(conditions: pd.DataFrame, mixes: Sequence[str]) -> list[ConditionRow]:
    """Group the mixes of each condition, coarse labels first, then by name.

    Parameters
    ----------
    conditions
        mix, level, label, n_reference, n_compared, mse_reference, mse_compared, gap, drawn
        (whether both groups have enough images).
    mixes
        The mixes in the order of the columns.
    """
    ordered = conditions.assign(rank=conditions["level"].map(_LEVELS.index))
    largest = float(conditions.loc[conditions["drawn"].astype(bool), "gap"].abs().max())
    return [
        _row(str(level), str(label), rows, mixes, largest)
        for (_, level, label), rows in ordered.groupby(["rank", "level", "label"], sort=True)
    ]


def _row(
    level: str, label: str, rows: pd.DataFrame, mixes: Sequence[str], largest: float
) -> ConditionRow:
    values = rows[["mse_reference", "mse_compared", "gap"]].to_numpy(dtype=np.float64).tolist()
    by_mix = {
        str(mix): (reference, compared, gap, _shade(gap, largest))
        for mix, (reference, compared, gap) in zip(rows["mix"], values, strict=True)
    }
    return ConditionRow(
        level=level,
        label=label,
        n_reference=int(rows["n_reference"].max()),
        n_compared=int(rows["n_compared"].max()),
        few=not rows["drawn"].any(),
        errors=[by_mix.get(mix) for mix in mixes],
    )


def _shade(gap: float, largest: float) -> int:
    """Return the shade of a gap: 0 for none, ``_SHADES`` for the largest or beyond."""
    share = abs(gap) / largest if largest > 0 else 0.0
    shade = min(round(share * _SHADES), _SHADES)
    return shade if gap > 0 else -shade
