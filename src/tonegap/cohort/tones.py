"""Measured skin tone of each group, and a warning if it contradicts the skin types."""

from __future__ import annotations

import re
from typing import Any, Final

import pandas as pd

from tonegap.cohort.groups import MEASURED
from tonegap.groups import Groups
from tonegap.skin_types import middle

SKIN_TYPE_PREFIX = "fst"
"""Prefix of the columns of skin types; a higher Fitzpatrick skin type is darker."""

_NAMES: Final = {"light", "dark"}
_ABOUT_TONE: Final = re.compile("tone|skin|monk|fitz|ita", re.IGNORECASE)


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
    """Return a warning if the darker group measures lighter, else "".

    Parameters
    ----------
    cohort
        One row per image: group, ita and ``fst``.
    groups
        The two that are compared.
    column
        The column that defines the groups (``groups.column``). The darker group is the one with
        the higher skin types; under the user's own column of skin tone, the one called ``dark``
        beside ``light``. Other groups have no darker side, so there is no warning.
    """
    darker, why = _darker(cohort, groups, column)
    if not darker:
        return ""
    tones = group_tones(cohort, groups)
    lighter = next(name for name in groups.pair if name != darker)
    high, low = tones[darker]["median_ita"], tones[lighter]["median_ita"]
    if high is None or low is None or high <= low:
        return ""
    return (
        f"{darker} images {why} but measure lighter than {lighter} ones "
        f"(median ITA {high:g} against {low:g} degrees): lighting, labels or a scale that counts "
        "from the darkest may be at fault, and a gap between these groups may not be one of skin "
        "tone; look at the images before you interpret it"
    )


def _darker(cohort: pd.DataFrame, groups: Groups, column: str) -> tuple[str, str]:
    """Return the group that ought to be darker, and why; empty if nothing says so."""
    if column.startswith(SKIN_TYPE_PREFIX):
        types = {
            name: pd.Series(middle(cohort.loc[cohort["group"] == name, "fst"])).mean()
            for name in groups.pair
        }
        return max(groups.pair, key=lambda name: types[name]), "have the higher skin types"
    if column not in MEASURED and _ABOUT_TONE.search(column) and set(groups.pair) == _NAMES:
        return "dark", f"are called so by {column}"
    return "", ""
