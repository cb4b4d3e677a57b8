"""Errors by training mix, one group beside the other, with their places on one axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from tonegap.groups import Groups
from tonegap.report.axis import Axis, axis_through_zero


@dataclass(frozen=True)
class ArmView:
    """A mix's means over runs.

    Attributes
    ----------
    mix : str
        Its name.
    share : float
        Of the compared group, in [0, 1].
    runs, n : int
        Models, and test images of each group per model.
    mse, sigma : mapping of group to float
        Means over runs, of every group; NaN where there is none.
    groups
        The groups; a gap is between the first two.
    """

    mix: str
    share: float
    runs: int
    n: int
    mse: dict[str, float]
    sigma: dict[str, float]

    groups: Groups

    @property
    def pair(self) -> tuple[float, float]:
        """MSE of the reference, then of the compared group."""
        return self.mse[self.groups.reference], self.mse[self.groups.compared]

    @property
    def gap(self) -> float:
        """MSE of the compared group less that of the reference."""
        reference, compared = self.pair
        return compared - reference

    @property
    def percent(self) -> float:
        """The gap in percent of the reference group's MSE; NaN without one."""
        reference, _ = self.pair
        return 100 * self.gap / reference if reference > 0 else math.nan


def arm_views(arms: pd.DataFrame, groups: Groups) -> list[ArmView]:
    """Bring the groups of each mix together, by share.

    Parameters
    ----------
    arms
        mix, share, group, runs, n, mse, sigma.
    groups
        The groups.
    """
    pairs = arms[["mix", "share"]].drop_duplicates().sort_values(["share", "mix"])
    return [
        _view(str(mix), float(share), arms[arms["mix"] == mix].set_index("group"), groups)
        for mix, share in pairs.itertuples(index=False)
    ]


def error_axis(views: Sequence[ArmView]) -> Axis:
    """Return the axis of the mean errors, from zero."""
    return axis_through_zero(value for view in views for value in view.mse.values())


def _view(mix: str, share: float, rows: pd.DataFrame, groups: Groups) -> ArmView:
    both = rows.reindex(list(groups.names))
    return ArmView(
        mix=mix,
        share=share,
        runs=int(rows["runs"].max()),
        n=int(rows["n"].max()),
        mse={str(group): float(value) for group, value in both["mse"].items()},
        sigma={str(group): float(value) for group, value in both["sigma"].items()},
        groups=groups,
    )
