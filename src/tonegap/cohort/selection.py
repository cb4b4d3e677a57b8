"""From annotations, fetch statuses and image measures to the cohort."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tonegap.cohort.groups import OWN, assign_groups, columns_of, groups_of
from tonegap.cohort.lists import ImageLists
from tonegap.cohort.rules import CohortParams, rules_of
from tonegap.cohort.source import source_of_url
from tonegap.cohort.units import unit_columns
from tonegap.errors import DataError
from tonegap.groups import Groups
from tonegap.labels import ANNOTATION_LABELS, LABEL_COLUMNS
from tonegap.nearest import nearest
from tonegap.params import GroupsParams
from tonegap.skin_types import UNKNOWN
from tonegap.tables import COHORT_COLUMNS, GROUP_WORDS, ROW_COLUMNS, SUBJECT, TAKEN

ANNOTATION_COLUMNS = (
    "md5hash",
    "fitzpatrick_scale",
    "fitzpatrick_centaur",
    *ANNOTATION_LABELS.values(),
    "qc",
    "url",
)
FETCH_COLUMNS = ("md5hash", "status", "detail")
INDEX_COLUMNS = (
    "md5hash",
    "readable",
    "problem",
    "width",
    "height",
    "pixel_sha256",
    "ita",
    "bytes_per_pixel",
)

_RENAMED = {
    "fitzpatrick_scale": "fst",
    "fitzpatrick_centaur": "fst_second",
    **{ANNOTATION_LABELS[level]: column for level, column in LABEL_COLUMNS.items()},
}


@dataclass(frozen=True)
class Cohort:
    """The images to assess, and how they were selected.

    Attributes
    ----------
    frame : DataFrame
        One row per image, sorted by md5hash; columns ``COHORT_COLUMNS``: skin types are 1-6, a
        span such as ``1-2``, or missing, ``ita`` is in degrees, ``side`` is the shorter side in
        pixels. ``copies`` is the set of near duplicates, ``subject`` the patient or case,
        ``cluster`` both together; each is called after its smallest md5hash.
    rows : DataFrame
        One row per annotated row, in the order of the table; columns ``ROW_COLUMNS``; the group
        is missing if the row is in none.
    exclusions : DataFrame
        One row per excluded annotated row: md5hash, step, reason, detail, group.
    flow : DataFrame
        One row per step and group (all, each group, neither), in the order of the steps:
        step, group, left, excluded (rows).
    eligible : DataFrame
        As ``frame``, before the rule about duplicates.
    groups
        The groups.
    """

    frame: pd.DataFrame
    rows: pd.DataFrame
    exclusions: pd.DataFrame
    flow: pd.DataFrame
    eligible: pd.DataFrame
    groups: Groups


def select_cohort(
    annotations: pd.DataFrame,
    fetch: pd.DataFrame,
    index: pd.DataFrame,
    copies: pd.Series,
    params: CohortParams,
    *,
    lists: ImageLists | None = None,
) -> Cohort:
    """Apply the rules of :mod:`tonegap.cohort.rules` one after the other.

    Parameters
    ----------
    annotations
        ``ANNOTATION_COLUMNS``, which are Fitzpatrick17k's, ``subject`` if there are any, and the
        column that ``groups.column`` names; md5hash unique.
    fetch
        ``FETCH_COLUMNS``. An absent row counts as not fetched.
    index
        ``INDEX_COLUMNS``; width and height in pixels.
    copies
        Set of near duplicates by md5hash; an absent image is its own set. An image in no group
        may still connect a set.
    params
        The sections ``filter`` and ``groups``.
    lists
        Images listed as fit or unfit; None if there are no lists.

    Raises
    ------
    DataError
        If a fetched image has no row in the index, or the groups are not defined.
    """
    groups = groups_of(params.groups)
    annotated = _joined(annotations, fetch, index, copies, params.groups)
    rows = annotated.assign(listed=(lists or ImageLists()).verdicts(annotated["md5hash"]))
    flow = [_counts("annotated", groups, rows, excluded=rows.iloc[:0])]
    exclusions = []
    eligible = rows
    for step, rule in rules_of(params):
        eligible = rows
        leaving = rule(rows, params).assign(step=step)
        rows = rows.drop(index=leaving.index)
        exclusions.append(leaving)
        flow.append(_counts(step, groups, rows, leaving))
    columns = ["md5hash", "step", "reason", "detail", "group"]
    return Cohort(
        frame=_described(rows),
        rows=annotated[list(ROW_COLUMNS)],
        exclusions=pd.concat(exclusions, ignore_index=True)[columns],
        flow=pd.concat(flow, ignore_index=True),
        eligible=_described(eligible),
        groups=groups,
    )


def _joined(
    annotations: pd.DataFrame,
    fetch: pd.DataFrame,
    index: pd.DataFrame,
    copies: pd.Series,
    definition: GroupsParams,
) -> pd.DataFrame:
    rows = annotated_rows(annotations, definition).merge(
        fetch[list(FETCH_COLUMNS)], on="md5hash", how="left", validate="one_to_one"
    )
    rows = rows.merge(
        index[list(INDEX_COLUMNS)], on="md5hash", how="left", validate="one_to_one", indicator=True
    )
    _require_measures(rows)
    units = unit_columns(rows["md5hash"], copies, annotations.get(SUBJECT))
    return rows.assign(
        **units,
        group=assign_groups(rows, definition),
        source=rows["url"].map(source_of_url).astype("string"),
        side=rows[["width", "height"]].min(axis=1).astype("Int64"),
    )


def annotated_rows(annotations: pd.DataFrame, definition: GroupsParams) -> pd.DataFrame:
    """Return only the columns that are needed: a user's table may have any others.

    Raises
    ------
    DataError
        If the table has no column ``groups.column``.
    """
    rows = annotations[list(ANNOTATION_COLUMNS)].rename(columns=_RENAMED)
    rows = rows.assign(fst=_known(rows["fst"]), fst_second=_known(rows["fst_second"]))
    if columns_of(definition) != (OWN,):
        return rows
    if definition.column not in annotations.columns:
        known = (*GROUP_WORDS, *map(str, annotations.columns))
        raise DataError(
            f"params.yaml: groups.column is {definition.column!r}, which is not a column of the "
            f"annotation table, so that rows cannot be grouped; {nearest(definition.column, known)}"
        )
    return rows.assign(**{OWN: annotations[definition.column]})


def _require_measures(rows: pd.DataFrame) -> None:
    lost = rows.loc[rows["status"].isin(TAKEN) & (rows["_merge"] != "both"), "md5hash"]
    if len(lost):
        raise DataError(
            f"{len(lost)} fetched images, such as {lost.iloc[0]}, have no row in the index, so "
            "fetch and hash saw different images; run `dvc repro --force hash`"
        )


def _described(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[list(COHORT_COLUMNS)].sort_values("md5hash", ignore_index=True)


def _known(fst: pd.Series) -> pd.Series:
    """Return skin types, missing where they are unknown: numbers, or text if there are spans."""
    text = fst.astype("string")
    known = text.mask(text == UNKNOWN)
    return known if known.str.contains("-").any() else known.astype("Int64")


def _counts(step: str, groups: Groups, left: pd.DataFrame, excluded: pd.DataFrame) -> pd.DataFrame:
    names = ("all", *groups.names, "neither")
    return pd.DataFrame(
        {
            "step": step,
            "group": names,
            "left": [_size(left, name) for name in names],
            "excluded": [_size(excluded, name) for name in names],
        }
    )


def _size(rows: pd.DataFrame, group: str) -> int:
    if group == "all":
        return len(rows)
    members = rows["group"].isna() if group == "neither" else rows["group"] == group
    return int(members.fillna(value=False).sum())
