"""Stage ``filter``: the cohort, the excluded rows with reasons, and the near duplicates."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tonegap.cohort.counts import cohort_counts
from tonegap.cohort.lists import ImageLists
from tonegap.cohort.rules import CohortParams
from tonegap.cohort.selection import (
    ANNOTATION_COLUMNS,
    FETCH_COLUMNS,
    INDEX_COLUMNS,
    Cohort,
    select_cohort,
)
from tonegap.cohort.tones import group_tones, tone_warning
from tonegap.duplicates.clustering import clusters, straddling
from tonegap.duplicates.listed import listed_among
from tonegap.duplicates.pairs import merge_pairs, near_duplicate_pairs
from tonegap.errors import DataError
from tonegap.files.known_lists import read_known_lists
from tonegap.files.row_names import RowNames
from tonegap.files.tables import read_csv, write_csv, write_json


def run(
    *,
    annotations: Path,
    fetch: Path,
    index: Path,
    lists: Path,
    params: CohortParams,
    groups: Path,
    cohort: Path,
    exclusions: Path,
    duplicates: Path,
    crossing: Path,
    metrics: Path,
    flow: Path,
) -> None:
    """Filter the annotated images.

    Parameters
    ----------
    annotations, fetch, index
        Tables of the rows, of the outcome of fetching each, and of the images' measures.
    lists
        Folder of published lists: images to keep or to drop, known duplicates.
    params
        The sections ``filter`` and ``groups``.
    groups
        Written: the group of every annotated row.
    cohort, exclusions, duplicates, crossing
        Written: the images to assess, the rows left out, the pairs of near duplicates,
        and their clusters that lie in several groups, labels or sources.
    metrics, flow
        Written: counts after each step, as a document and as a table to plot.

    Raises
    ------
    DataError
        If no image is left. The tables are written first, because they show why.
    """
    measures = read_csv(index, INDEX_COLUMNS, "the image index")
    table = read_csv(annotations, ANNOTATION_COLUMNS, "the annotation table")
    known = read_known_lists(lists, RowNames(table).rows)
    found = near_duplicate_pairs(measures, params.filter.near_distance)
    pairs = merge_pairs(found, listed_among(measures["md5hash"], known.pairs))
    selected = select_cohort(
        table,
        read_csv(fetch, FETCH_COLUMNS, "the fetch table"),
        measures,
        clusters(measures["md5hash"], pairs),
        params,
        lists=ImageLists(known.keep, known.drop),
    )
    write_csv(selected.rows, groups)
    write_csv(selected.frame, cohort)
    write_csv(straddling(selected.eligible), crossing)
    write_csv(selected.exclusions, exclusions)
    write_csv(pairs, duplicates)
    write_csv(selected.flow, flow)
    write_json({**cohort_counts(selected), **_tones(selected, params)}, metrics)
    _require_images(selected, exclusions)


def _tones(selected: Cohort, params: CohortParams) -> dict[str, Any]:
    """Return the measured tone of each group; warn if it contradicts the labels."""
    warning = tone_warning(selected.frame, selected.groups, params.groups.column)
    if warning:
        print(f"tonegap filter: warning: {warning}", file=sys.stderr)  # noqa: T201  its own words
    return {"tones": group_tones(selected.frame, selected.groups), "tone_warning": warning}


def _require_images(selected: Cohort, exclusions: Path) -> None:
    if len(selected.frame):
        return
    every = selected.flow[selected.flow["group"] == "all"]
    worst = every.sort_values("excluded").iloc[-1]
    copies = int((selected.exclusions["reason"] == "md5_mismatch").sum())
    hint = (
        f"; {copies} rows have copies with another md5 (resized, say), which are used only with "
        "fetch.accept_unverified: true in params.yaml"
        if copies
        else ""
    )
    raise DataError(
        f"no image is left of {every['left'].iloc[0]} annotated rows; most were lost at the step "
        f"{worst['step']!r} ({worst['excluded']} rows); {exclusions} gives each row's reason{hint}"
    )
