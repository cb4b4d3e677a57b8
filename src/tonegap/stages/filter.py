"""Stage ``filter``: the cohort, what was left out and why, and the near duplicates."""

from __future__ import annotations

from pathlib import Path

from tonegap.cohort import (
    ANNOTATION_COLUMNS,
    FETCH_COLUMNS,
    INDEX_COLUMNS,
    Cohort,
    ImageLists,
    cohort_counts,
    select_cohort,
)
from tonegap.duplicates import clusters, listed_among, merge_pairs, near_duplicate_pairs, straddling
from tonegap.errors import DataError
from tonegap.files import layout
from tonegap.files.known_lists import read_known_lists
from tonegap.files.parameters import read_params
from tonegap.files.row_names import RowNames
from tonegap.files.tables import read_csv, write_csv, write_json
from tonegap.params import FilterParams


def run(
    *,
    annotations: Path,
    fetch: Path,
    index: Path,
    lists: Path,
    params: FilterParams,
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
        Tables of the rows, of what became of their images, and of the images' measures.
    lists
        Folder of what others found out: images to keep or to drop, known duplicates.
    params
        The section ``filter``.
    cohort, exclusions, duplicates, crossing
        Written: the images to assess, the rows left out, the pairs of near duplicates,
        and their clusters that lie in both groups, several labels or several sources.
    metrics, flow
        Written: counts after each step, as a document and as a table to plot.

    Raises
    ------
    DataError
        If no image is left. The tables are written first, for they say why.
    """
    measures = read_csv(index, INDEX_COLUMNS, "the image index")
    table = read_csv(annotations, ANNOTATION_COLUMNS, "the annotation table")
    known = read_known_lists(lists, RowNames(table).rows)
    found = near_duplicate_pairs(measures, params.near_distance)
    pairs = merge_pairs(found, listed_among(measures["md5hash"], known.pairs))
    selected = select_cohort(
        table,
        read_csv(fetch, FETCH_COLUMNS, "the fetch table"),
        measures,
        clusters(measures["md5hash"], pairs),
        params,
        lists=ImageLists(known.keep, known.drop),
    )
    write_csv(selected.frame, cohort)
    write_csv(straddling(selected.eligible), crossing)
    write_csv(selected.exclusions, exclusions)
    write_csv(pairs, duplicates)
    write_csv(selected.flow, flow)
    write_json(cohort_counts(selected), metrics)
    _require_images(selected, exclusions)


def from_workspace() -> None:
    """Run the stage on the repository's own files."""
    run(
        annotations=layout.ANNOTATIONS,
        fetch=layout.FETCH,
        index=layout.INDEX,
        lists=layout.LISTS,
        params=read_params().filter,
        cohort=layout.COHORT,
        exclusions=layout.EXCLUSIONS,
        duplicates=layout.DUPLICATES,
        crossing=layout.STRADDLING,
        metrics=layout.COHORT_COUNTS,
        flow=layout.EXCLUSIONS_FLOW,
    )


def _require_images(selected: Cohort, exclusions: Path) -> None:
    if len(selected.frame):
        return
    every = selected.flow[selected.flow["group"] == "all"]
    worst = every.sort_values("excluded").iloc[-1]
    raise DataError(
        f"no image is left of {every['left'].iloc[0]} annotated rows, most were lost at the step "
        f"{worst['step']!r} ({worst['excluded']} rows); {exclusions} gives each row's reason"
    )
