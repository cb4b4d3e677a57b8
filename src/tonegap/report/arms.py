"""Errors by training mix, light beside dark, with their places on one axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from tonegap.report.axis import Axis, axis_through_zero


@dataclass(frozen=True)
class ArmView:
    """A mix's means over runs.

    Attributes
    ----------
    mix : str
        Its name.
    share : float
        In [0, 1].
    runs, n : int
        Models, and test images of each group per model.
    mse, sigma : mapping of group to float
        Means over runs; NaN where there is none.
    """

    mix: str
    share: float
    runs: int
    n: int
    mse: dict[str, float]
    sigma: dict[str, float]

    @property
    def gap(self) -> float:
        """MSE of dark less that of light."""
        return self.mse["dark"] - self.mse["light"]

    @property
    def percent(self) -> float:
        """The gap in percent of the light group's MSE; NaN without one."""
        light = self.mse["light"]
        return 100 * self.gap / light if light > 0 else math.nan


def arm_views(arms: pd.DataFrame) -> list[ArmView]:
    """Bring the groups of each mix together, by dark share.

    Parameters
    ----------
    arms
        mix, share, group, runs, n, mse, sigma.
    """
    pairs = arms[["mix", "share"]].drop_duplicates().sort_values(["share", "mix"])
    return [
        _view(str(mix), float(share), arms[arms["mix"] == mix].set_index("group"))
        for mix, share in pairs.itertuples(index=False)
    ]


def error_axis(views: Sequence[ArmView]) -> Axis:
    """Give the axis of the mean errors, from zero."""
    return axis_through_zero(value for view in views for value in view.mse.values())


def _view(mix: str, share: float, rows: pd.DataFrame) -> ArmView:
    both = rows.reindex(["light", "dark"])
    return ArmView(
        mix=mix,
        share=share,
        runs=int(rows["runs"].max()),
        n=int(rows["n"].max()),
        mse={str(group): float(value) for group, value in both["mse"].items()},
        sigma={str(group): float(value) for group, value in both["sigma"].items()},
    )
