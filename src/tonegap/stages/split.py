"""Stage ``split``: two test sets and the training draw of one seed and mix; the panel."""

from __future__ import annotations

import sys
from pathlib import Path

from tonegap.files.tables import read_csv, write_csv
from tonegap.groups import Groups
from tonegap.params import DataParams
from tonegap.sampling.diversity import repetitive_draws
from tonegap.sampling.panel import draw_panel
from tonegap.sampling.pools import set_aside_warning
from tonegap.sampling.split import draw_split

_COHORT_COLUMNS = ("md5hash", "group", "label_fine", "source", "cluster", "subject")


def run(
    *,
    cohort: Path,
    data: DataParams,
    share: float,
    groups: Groups,
    split: Path,
    panel: Path,
) -> None:
    """Draw the split and the panel; warn of images set aside and of few distinct training images.

    Parameters
    ----------
    cohort
        The images to draw from.
    data
        The section ``data``: seed, sizes, mix and switches.
    share
        Of the compared group in the training draws, in [0, 1].
    groups
        The groups.
    split
        Written: one row per draw.
    panel
        Written: the images that runs of every seed reconstruct.

    Raises
    ------
    SplitError
        If the cohort is too small for the split.
    """
    images = read_csv(cohort, _COHORT_COLUMNS, "the cohort")
    drawn = draw_split(images, data, share, groups)
    write_csv(drawn, split)
    write_csv(draw_panel(images, data, groups), panel)
    for problem in (*set_aside_warning(images, data.duplicates), *repetitive_draws(drawn)):
        print(f"tonegap split: warning: {problem}", file=sys.stderr)  # noqa: T201  its own words
