"""The panel: test images of a study's seeds, which every run reconstructs.

A run knows only its own seed. What models of other seeds make of its test images is compared in
`study collect` (:mod:`tonegap.uncertainty.ensemble`), and the panel is how they come to see them.
"""

from __future__ import annotations

import pandas as pd

from tonegap.groups import Groups
from tonegap.params import DataParams
from tonegap.sampling.evaluation_sets import draw_test_sets
from tonegap.sampling.pools import make_pools

PANEL_COLUMNS = ("md5hash",)


def draw_panel(cohort: pd.DataFrame, data: DataParams, groups: Groups) -> pd.DataFrame:
    """Collect the test images of the seeds 0 to ``data.panel_seeds`` less one.

    Parameters
    ----------
    cohort
        As for :func:`~tonegap.sampling.split.draw_split`.
    data
        The section ``data``; neither its seed nor its mix matters.
    groups
        The groups.

    Returns
    -------
    DataFrame
        md5hash, each image once, sorted.

    Raises
    ------
    SplitError
        If the cohort is too small for a test set.
    """
    pools = make_pools(cohort, data.duplicates)
    found: set[str] = set()
    for seed in range(data.panel_seeds):
        tests = draw_test_sets(pools, data.model_copy(update={"seed": seed}), groups)
        found.update(*(rows["md5hash"] for rows in tests.values()))
    return pd.DataFrame({"md5hash": sorted(found)}, dtype=object)
