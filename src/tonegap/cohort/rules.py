"""The rules by which rows leave, in their fixed order.

What the annotations say is asked first, what became of the image second: so the flow
shows the study's groups (7,755 light and 2,168 dark in Fitzpatrick17k) on any machine,
and then how many of their images that machine has. Each rule sees only the rows that
the rules before it kept, so a row leaves once, with one reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pandas as pd

from tonegap.cohort.groups import assign_groups, lacks_label
from tonegap.params import FilterParams

# Statuses of data/fetch.csv whose image is in data/raw.zip.
TAKEN = ("verified", "rendered", "unverified")

Rule = Callable[[pd.DataFrame, FilterParams], pd.DataFrame]


def without_label(rows: pd.DataFrame, params: FilterParams) -> pd.DataFrame:
    """Rows that lack a Fitzpatrick label that the group definition needs."""
    scale, centaur = rows["fitzpatrick_scale"], rows["fitzpatrick_centaur"]
    return _leaving(rows, lacks_label(scale, centaur, params.group), "no_fst_label", _labels(rows))


def without_group(rows: pd.DataFrame, params: FilterParams) -> pd.DataFrame:
    """Rows between the groups, or that two labels put into different ones."""
    scale, centaur = rows["fitzpatrick_scale"], rows["fitzpatrick_centaur"]
    # Missing, and so no disagreement, where either label lies between the groups.
    differ = assign_groups(scale, centaur, "scale") != assign_groups(scale, centaur, "centaur")
    reason = pd.Series("boundary_fst", index=rows.index, dtype="string")
    if params.group == "both":
        reason[differ.fillna(value=False)] = "groups_disagree"
    return _leaving(rows, rows["group"].isna(), reason, _labels(rows))


def flagged(rows: pd.DataFrame, params: FilterParams) -> pd.DataFrame:
    """Rows whose quality flag is, or begins with the words of, one of ``filter.exclude_qc``."""
    flags = rows["qc"].astype("string").str.strip()
    unfit = "|".join(re.escape(flag.strip()) for flag in params.exclude_qc if flag.strip())
    # No word goes on behind the match: "1" is not "10". Without flags to exclude none matches.
    matches = flags.str.match(rf"(?:{unfit})(?!\w)" if unfit else r"(?!)").fillna(value=False)
    return _leaving(rows, matches, "qc_flag", flags)


def listed_out(rows: pd.DataFrame, _params: FilterParams) -> pd.DataFrame:
    """Rows that a list in ``lists/`` tells to leave out."""
    return _leaving(rows, rows["listed"].notna(), rows["listed"], rows["url"])


def not_fetched(rows: pd.DataFrame, _params: FilterParams) -> pd.DataFrame:
    """Rows whose image could not be had; the reason is the status in data/fetch.csv."""
    status = rows["status"].fillna("not_fetched")
    return _leaving(rows, ~status.isin(TAKEN), status, rows["detail"])


def unreadable(rows: pd.DataFrame, _params: FilterParams) -> pd.DataFrame:
    """Rows whose image cannot be decoded."""
    return _leaving(rows, ~rows["readable"].astype(bool), "unreadable", rows["problem"])


def too_small(rows: pd.DataFrame, params: FilterParams) -> pd.DataFrame:
    """Rows whose image has a side shorter than ``filter.min_side`` pixels."""
    size = (
        rows["width"].astype("Int64").astype(str) + "x" + rows["height"].astype("Int64").astype(str)
    )
    short = rows[["width", "height"]].min(axis=1) < params.min_side
    return _leaving(rows, short, "too_small", size)


def duplicated(rows: pd.DataFrame, params: FilterParams) -> pd.DataFrame:
    """Rows that repeat another one, by ``filter.duplicates``.

    Of each set the image with the most pixels is kept, the smallest md5hash among
    equals. The detail names the one kept. A set that lies in both groups keeps one
    image too: which of its labels is right cannot be known here.
    """
    if params.duplicates == "keep":
        return _leaving(rows, pd.Series(data=False, index=rows.index), "duplicate", rows["cluster"])
    exact = params.duplicates == "drop_exact"
    sets = rows["pixel_sha256" if exact else "cluster"]
    best_first = rows.assign(pixels=rows["width"] * rows["height"], set=sets).sort_values(
        ["pixels", "md5hash"], ascending=[False, True]
    )
    kept = best_first.groupby("set")["md5hash"].transform("first").reindex(rows.index)
    reason = "identical_pixels" if exact else "near_duplicate"
    return _leaving(rows, rows["md5hash"] != kept, reason, "kept " + kept.astype("string"))


# Named by what the rows that pass have in common: the steps of the flow chart.
RULES: tuple[tuple[str, Rule], ...] = (
    ("labelled", without_label),
    ("grouped", without_group),
    ("quality", flagged),
    ("listed", listed_out),
    ("fetched", not_fetched),
    ("readable", unreadable),
    ("large_enough", too_small),
    ("distinct", duplicated),
)


def _leaving(
    rows: pd.DataFrame, leaves: pd.Series, reason: str | pd.Series, detail: pd.Series
) -> pd.DataFrame:
    table = rows[["md5hash", "group"]].assign(reason=reason, detail=detail)
    return table.loc[leaves.astype(bool)]


def _labels(rows: pd.DataFrame) -> pd.Series:
    scale, centaur = rows["fitzpatrick_scale"], rows["fitzpatrick_centaur"]
    return "scale " + scale.astype(str) + ", centaur " + centaur.astype(str)
