"""The exclusion rules, in their fixed order.

Rules about annotations come first, rules about images second. The flow thus shows the study's
groups (7,755 light and 2,168 dark in Fitzpatrick17k) on any machine, and then how many of their
images that machine has. Each rule sees only the rows that passed the rules before it, so a row
is excluded once, with one reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from tonegap.cohort.groups import (
    MEASURED,
    OWN,
    columns_of,
    groups_disagree,
    lacks_value,
    partly_in_group,
)
from tonegap.params import FilterParams, GroupsParams
from tonegap.tables import TAKEN


class CohortParams(NamedTuple):
    """The two sections that decide the cohort."""

    filter: FilterParams
    groups: GroupsParams


Rule = Callable[[pd.DataFrame, CohortParams], pd.DataFrame]


def without_value(rows: pd.DataFrame, params: CohortParams) -> pd.DataFrame:
    """Find rows that lack the value that defines the groups."""
    return _leaving(rows, lacks_value(rows, params.groups), "no_value", _values(rows, params))


def without_group(rows: pd.DataFrame, params: CohortParams) -> pd.DataFrame:
    """Find rows outside every group, or that two annotators put into different ones.

    A span of skin types that lies partly in a group has a reason of its own.
    """
    reason = pd.Series("outside_groups", index=rows.index, dtype="string")
    reason[partly_in_group(rows, params.groups)] = "partly_in_group"
    reason[groups_disagree(rows, params.groups)] = "groups_disagree"
    return _leaving(rows, rows["group"].isna(), reason, _values(rows, params))


def flagged(rows: pd.DataFrame, params: CohortParams) -> pd.DataFrame:
    """Find rows whose quality flag begins with the words of one of ``filter.exclude_qc``."""
    flags = rows["qc"].astype("string").str.strip()
    unfit = "|".join(re.escape(flag.strip()) for flag in params.filter.exclude_qc if flag.strip())
    # The match must end at a word's end: "1" is not "10". Without flags to exclude, none matches.
    matches = flags.str.match(rf"(?:{unfit})(?!\w)" if unfit else r"(?!)").fillna(value=False)
    return _leaving(rows, matches, "qc_flag", flags)


def listed_out(rows: pd.DataFrame, _params: CohortParams) -> pd.DataFrame:
    """Find rows that a list in ``lists/`` excludes."""
    return _leaving(rows, rows["listed"].notna(), rows["listed"], rows["url"])


def not_fetched(rows: pd.DataFrame, _params: CohortParams) -> pd.DataFrame:
    """Find rows without an image; the reason is the status in data/fetch.csv."""
    status = rows["status"].fillna("not_fetched")
    return _leaving(rows, ~status.isin(TAKEN), status, rows["detail"])


def unreadable(rows: pd.DataFrame, _params: CohortParams) -> pd.DataFrame:
    """Find rows whose image cannot be decoded."""
    return _leaving(rows, ~rows["readable"].astype(bool), "unreadable", rows["problem"])


def too_small(rows: pd.DataFrame, params: CohortParams) -> pd.DataFrame:
    """Find rows whose image has a side shorter than ``filter.min_side`` pixels."""
    size = (
        rows["width"].astype("Int64").astype(str) + "x" + rows["height"].astype("Int64").astype(str)
    )
    short = rows[["width", "height"]].min(axis=1) < params.filter.min_side
    return _leaving(rows, short, "too_small", size)


def duplicated(rows: pd.DataFrame, params: CohortParams) -> pd.DataFrame:
    """Find rows that repeat another one, by ``filter.duplicates``.

    The image with the most pixels stays in each set, or the smallest md5hash among equals.
    The detail names the image that stays. A set with images in both groups keeps one image
    too, because the rule cannot know which label is right.
    """
    if params.filter.duplicates == "keep":
        return _leaving(rows, pd.Series(data=False, index=rows.index), "duplicate", rows["copies"])
    exact = params.filter.duplicates == "drop_exact"
    sets = rows["pixel_sha256" if exact else "copies"]
    best_first = rows.assign(pixels=rows["width"] * rows["height"], set=sets).sort_values(
        ["pixels", "md5hash"], ascending=[False, True]
    )
    kept = best_first.groupby("set")["md5hash"].transform("first").reindex(rows.index)
    reason = "identical_pixels" if exact else "near_duplicate"
    return _leaving(rows, rows["md5hash"] != kept, reason, "kept " + kept.astype("string"))


# Each step of the flow chart is named after what the passing rows have in common.
_BY_ANNOTATION: tuple[tuple[str, Rule], ...] = (
    ("labelled", without_value),
    ("grouped", without_group),
)
_BY_IMAGE: tuple[tuple[str, Rule], ...] = (
    ("quality", flagged),
    ("listed", listed_out),
    ("fetched", not_fetched),
    ("readable", unreadable),
    ("large_enough", too_small),
)
_LAST: tuple[tuple[str, Rule], ...] = (("distinct", duplicated),)


def rules_of(params: CohortParams) -> tuple[tuple[str, Rule], ...]:
    """Return the rules in their order: a measured tone needs the image before it can group."""
    if params.groups.column in MEASURED:
        return (*_BY_IMAGE, *_BY_ANNOTATION, *_LAST)
    return (*_BY_ANNOTATION, *_BY_IMAGE, *_LAST)


def _leaving(
    rows: pd.DataFrame, leaves: pd.Series, reason: str | pd.Series, detail: pd.Series
) -> pd.DataFrame:
    table = rows[["md5hash", "group"]].assign(reason=reason, detail=detail)
    return table.loc[leaves.astype(bool)]


def _values(rows: pd.DataFrame, params: CohortParams) -> pd.Series:
    """Show the values that decide the group, as text such as ``fst 3, fst_second 4``."""
    columns = columns_of(params.groups)
    shown = rows[list(columns)].astype("string").fillna("missing")
    names = [params.groups.column if column == OWN else column for column in columns]
    first, *others = (f"{name} " + shown[c] for name, c in zip(names, columns, strict=True))
    for other in others:
        first = first + ", " + other
    return first.astype("string")
