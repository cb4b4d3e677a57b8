"""Stage ``split``: two test sets and the training draw of one seed and mix."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tonegap.files.tables import read_csv, write_csv
from tonegap.groups import Groups
from tonegap.params import DataParams
from tonegap.sampling import draw_split

_COHORT_COLUMNS = ("md5hash", "group", "label_fine", "source", "cluster")


def run(
    *,
    cohort: Path,
    data: DataParams,
    mixes: Mapping[str, float],
    groups: Groups,
    split: Path,
) -> None:
    """Draw the split.

    Parameters
    ----------
    cohort
        The images to draw from.
    data
        The section ``data``: seed, sizes, mix and switches.
    mixes
        Share of the compared group in every mix.
    groups
        The groups.
    split
        Written: one row per draw.

    Raises
    ------
    SplitError
        If the cohort cannot give what is asked for.
    """
    images = read_csv(cohort, _COHORT_COLUMNS, "the cohort")
    write_csv(draw_split(images, data, mixes, groups), split)
