"""From annotations, fetch statuses and image measures to the cohort."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tonegap.cohort.groups import GROUPS, assign_groups
from tonegap.cohort.lists import ImageLists
from tonegap.cohort.rules import RULES, TAKEN
from tonegap.cohort.source import source_of_url
from tonegap.errors import DataError
from tonegap.params import FilterParams

ANNOTATION_COLUMNS = (
    "md5hash",
    "fitzpatrick_scale",
    "fitzpatrick_centaur",
    "label",
    "nine_partition_label",
    "three_partition_label",
    "qc",
    "url",
)
FETCH_COLUMNS = ("md5hash", "status", "detail")
INDEX_COLUMNS = ("md5hash", "readable", "problem", "width", "height", "pixel_sha256")
COHORT_COLUMNS = (
    "md5hash",
    "group",
    "fst",
    "fst_centaur",
    "label_fine",
    "label_middle",
    "label_coarse",
    "source",
    "cluster",
)
_LABELS = {
    "label": "label_fine",
    "nine_partition_label": "label_middle",
    "three_partition_label": "label_coarse",
}
_UNKNOWN_FST = -1


@dataclass(frozen=True)
class Cohort:
    """The images to assess, and how they were arrived at.

    Attributes
    ----------
    frame : DataFrame
        One row per image, sorted by md5hash: md5hash, group, fst, fst_centaur (1-6 or
        missing), label_fine, label_middle, label_coarse, source, cluster.
    exclusions : DataFrame
        One row per annotation row left out: md5hash, step, reason, detail, group.
    flow : DataFrame
        One row per step and group (all, light, dark, neither), in the order of the
        steps: step, group, left, excluded (rows).
    eligible : DataFrame
        As ``frame``, before the rule about duplicates.
    """

    frame: pd.DataFrame
    exclusions: pd.DataFrame
    flow: pd.DataFrame
    eligible: pd.DataFrame


def select_cohort(
    annotations: pd.DataFrame,
    fetch: pd.DataFrame,
    index: pd.DataFrame,
    clusters: pd.Series,
    params: FilterParams,
    *,
    lists: ImageLists | None = None,
) -> Cohort:
    """Apply the rules of :mod:`tonegap.cohort.rules` one after the other.

    Parameters
    ----------
    annotations
        ``ANNOTATION_COLUMNS``, which are Fitzpatrick17k's; md5hash unique.
    fetch
        ``FETCH_COLUMNS``. A row that is absent counts as not fetched.
    index
        ``INDEX_COLUMNS``; width and height in pixels.
    clusters
        Cluster of near duplicates by md5hash; images that it lacks are their own.
        Clusters may hang together by an image that is in no group.
    params
        The section ``filter``.
    lists
        Images that others found fit or unfit; None: nobody did.

    Raises
    ------
    DataError
        If an image that was fetched has no row in the index.
    """
    rows = _joined(annotations, fetch, index, clusters, params)
    rows["listed"] = (lists or ImageLists()).verdicts(rows["md5hash"])
    flow = [_counts("annotated", rows, excluded=rows.iloc[:0])]
    exclusions = []
    eligible = rows
    for step, rule in RULES:
        eligible = rows
        leaving = rule(rows, params).assign(step=step)
        rows = rows.drop(index=leaving.index)
        exclusions.append(leaving)
        flow.append(_counts(step, rows, leaving))
    columns = ["md5hash", "step", "reason", "detail", "group"]
    return Cohort(
        frame=_described(rows),
        exclusions=pd.concat(exclusions, ignore_index=True)[columns],
        flow=pd.concat(flow, ignore_index=True),
        eligible=_described(eligible),
    )


def _joined(
    annotations: pd.DataFrame,
    fetch: pd.DataFrame,
    index: pd.DataFrame,
    clusters: pd.Series,
    params: FilterParams,
) -> pd.DataFrame:
    # Only the columns named here: a table of the user's own may have others of any name.
    rows = annotations[list(ANNOTATION_COLUMNS)].merge(
        fetch[list(FETCH_COLUMNS)], on="md5hash", how="left", validate="one_to_one"
    )
    rows = rows.merge(
        index[list(INDEX_COLUMNS)], on="md5hash", how="left", validate="one_to_one", indicator=True
    )
    _require_measures(rows)
    scale, centaur = rows["fitzpatrick_scale"], rows["fitzpatrick_centaur"]
    return rows.assign(
        group=assign_groups(scale, centaur, params.group),
        cluster=rows["md5hash"].map(clusters).fillna(rows["md5hash"]),
    )


def _require_measures(rows: pd.DataFrame) -> None:
    lost = rows.loc[rows["status"].isin(TAKEN) & (rows["_merge"] != "both"), "md5hash"]
    if len(lost):
        raise DataError(
            f"{len(lost)} fetched images, such as {lost.iloc[0]}, have no row in the index, so "
            "fetch and hash saw different images; run `dvc repro --force hash`"
        )


def _described(rows: pd.DataFrame) -> pd.DataFrame:
    table = rows.rename(columns=_LABELS).assign(
        fst=_known(rows["fitzpatrick_scale"]),
        fst_centaur=_known(rows["fitzpatrick_centaur"]),
        source=rows["url"].map(source_of_url).astype("string"),
    )
    return table[list(COHORT_COLUMNS)].sort_values("md5hash", ignore_index=True)


def _known(fst: pd.Series) -> pd.Series:
    return fst.where(fst != _UNKNOWN_FST).astype("Int64")


def _counts(step: str, left: pd.DataFrame, excluded: pd.DataFrame) -> pd.DataFrame:
    groups = ("all", *GROUPS, "neither")
    return pd.DataFrame(
        {
            "step": step,
            "group": groups,
            "left": [_size(left, group) for group in groups],
            "excluded": [_size(excluded, group) for group in groups],
        }
    )


def _size(rows: pd.DataFrame, group: str) -> int:
    if group == "all":
        return len(rows)
    members = rows["group"].isna() if group == "neither" else rows["group"] == group
    return int(members.fillna(value=False).sum())
