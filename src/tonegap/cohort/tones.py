"""Measured skin tone of each group, and a warning if it contradicts the skin types."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tonegap.groups import Groups
from tonegap.skin_types import middle

SKIN_TYPE_PREFIX = "fst"
"""Prefix of the columns of skin types; a higher Fitzpatrick skin type is darker."""


def group_tones(cohort: pd.DataFrame, groups: Groups) -> dict[str, dict[str, Any]]:
    """Return the median ITA of each group, for metrics/cohort.json.

    Parameters
    ----------
    cohort
        One row per image: group, ita (degrees; high is light; missing where not measured).

    Returns
    -------
    dict
        By group: ``median_ita`` (degrees, one decimal; None without a measured image) and
        ``n`` (images with a measured ITA).
    """
    tones = {}
    for name in groups.names:
        ita = pd.to_numeric(cohort.loc[cohort["group"] == name, "ita"], errors="coerce").dropna()
        median = round(float(ita.median()), 1) if len(ita) else None
        tones[name] = {"median_ita": median, "n": len(ita)}
    return tones


def tone_warning(cohort: pd.DataFrame, groups: Groups, column: str) -> str:
    """Return a warning if the group with the higher skin types measures lighter, else "".

    Parameters
    ----------
    cohort
        One row per image: group, ita and ``fst``.
    groups
        The two that are compared.
    column
        The column that defines the groups (``groups.column``). Groups that are not defined by
        skin type have no darker side, so there is no warning.
    """
    if not column.startswith(SKIN_TYPE_PREFIX):
        return ""
    tones = group_tones(cohort, groups)
    skin_type = {
        name: pd.Series(middle(cohort.loc[cohort["group"] == name, "fst"])).mean()
        for name in groups.pair
    }
    darker = max(groups.pair, key=lambda name: skin_type[name])
    lighter = next(name for name in groups.pair if name != darker)
    high, low = tones[darker]["median_ita"], tones[lighter]["median_ita"]
    if high is None or low is None or high <= low:
        return ""
    return (
        f"{darker} images have the higher skin types but measure lighter than {lighter} ones "
        f"(median ITA {high:g} against {low:g} degrees): lighting, labels or a scale that counts "
        "from the darkest may be at fault, and a gap between these groups may not be one of skin "
        "tone; look at the images before you interpret it"
    )
