"""Counts of a cohort, as the nested document that ``dvc metrics show`` prints."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tonegap.cohort.selection import Cohort

_STRADDLED = {"groups": "group", "labels": "label_fine", "sources": "source"}


def cohort_counts(cohort: Cohort) -> dict[str, Any]:
    """Count what each step left, the cohort, and its near duplicates.

    Returns
    -------
    dict
        ``steps`` (step -> all and each group: rows left after it), ``cohort`` (all and each
        group: images) and ``duplicates`` (:func:`duplicate_counts` of the images that
        were eligible before the rule about duplicates).
    """
    left = cohort.flow.set_index(["step", "group"])["left"]
    steps = dict.fromkeys(cohort.flow["step"])
    kept = ("all", *cohort.groups.names)
    return {
        "steps": {step: {group: int(left[step, group]) for group in kept} for step in steps},
        "cohort": {group: int(left[list(steps)[-1], group]) for group in kept},
        "duplicates": duplicate_counts(cohort.eligible),
    }


def duplicate_counts(images: pd.DataFrame) -> dict[str, int]:
    """Count sets of near duplicates among ``images``.

    Parameters
    ----------
    images
        Columns copies, group, label_fine and source.

    Returns
    -------
    dict
        ``clusters`` of at least two images, the ``images`` in them, the size of the
        ``largest`` (1 if there are none), and how many clusters straddle groups,
        labels and sources: the same picture under two names.
    """
    sizes = images["copies"].value_counts()
    several = images[images["copies"].isin(sizes.index[sizes > 1])]
    counts = {
        "clusters": int((sizes > 1).sum()),
        "images": len(several),
        "largest": int(sizes.max()) if len(sizes) else 0,
    }
    for name, column in _STRADDLED.items():
        names = several[["copies", column]].drop_duplicates().groupby("copies").size()
        counts[f"straddling_{name}"] = int((names > 1).sum())
    return counts
