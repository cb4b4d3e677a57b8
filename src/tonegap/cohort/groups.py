"""Skin-tone groups: what "light" and "dark" mean under each definition."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tonegap.params import GroupDefinition

GROUPS = ("light", "dark")

# The paper's text once says "dark = 4-6", but its counts (2,168 = 500 test + 1,668
# train) are those of 5-6, so 5-6 is the default and 4-6 a definition of its own.
_LIGHT = (1, 2)
_DARK = (5, 6)
_DARK_WITH_4 = (4, 5, 6)
_UNKNOWN = -1


def assign_groups(
    fst_scale: pd.Series, fst_centaur: pd.Series, definition: GroupDefinition
) -> pd.Series:
    """Put every row into a group, or into none.

    Parameters
    ----------
    fst_scale, fst_centaur
        Fitzpatrick skin type by Scale AI and by Centaur: 1-6, or -1 for unknown.
    definition
        ``scale``: Scale AI's label, light 1-2, dark 5-6. ``centaur``: the same from the
        Centaur label. ``both``: the two labels agree on the group. ``dark_4_6``: Scale
        AI's label, light 1-2, dark 4-6.

    Returns
    -------
    Series of str
        ``light``, ``dark``, or missing where the row is in neither, with the index of
        ``fst_scale``.
    """
    if definition == "centaur":
        return _group(fst_centaur, _DARK)
    if definition == "dark_4_6":
        return _group(fst_scale, _DARK_WITH_4)
    by_scale = _group(fst_scale, _DARK)
    if definition == "scale":
        return by_scale
    return by_scale.where(by_scale == _group(fst_centaur, _DARK))


def lacks_label(
    fst_scale: pd.Series, fst_centaur: pd.Series, definition: GroupDefinition
) -> pd.Series:
    """Say which rows lack a label that ``definition`` needs (Series of bool)."""
    if definition == "centaur":
        return fst_centaur == _UNKNOWN
    if definition == "both":
        return (fst_scale == _UNKNOWN) | (fst_centaur == _UNKNOWN)
    return fst_scale == _UNKNOWN


def _group(fst: pd.Series, dark: tuple[int, ...]) -> pd.Series:
    names = np.select([fst.isin(_LIGHT), fst.isin(dark)], GROUPS, default="")
    group = pd.Series(names, index=fst.index, dtype="string", name="group")
    return group.where(group != "")
