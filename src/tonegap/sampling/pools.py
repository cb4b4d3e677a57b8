"""Pools: the images of each group that a draw may take, in a fixed order."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tonegap.params import SplitDuplicates
from tonegap.tables import SUBJECT


@dataclass(frozen=True)
class Pools:
    """The images that can be drawn.

    Attributes
    ----------
    images : DataFrame
        Cohort rows that may enter the test sets or the training draw, sorted by md5hash
        so that the order of the cohort table does not matter.
    set_aside : DataFrame
        Cohort rows that may enter neither.
    unit
        Column that names what is drawn whole: ``subject`` or ``cluster``.
    """

    images: pd.DataFrame
    set_aside: pd.DataFrame
    unit: str

    def of(self, group: str) -> pd.DataFrame:
        """Return the images of one group."""
        return self.images[self.images["group"] == group]

    def left(self, group: str, drawn: pd.DataFrame) -> pd.DataFrame:
        """Return the images of one group that are not among ``drawn`` (by md5hash)."""
        pool = self.of(group)
        return pool[~pool["md5hash"].isin(drawn["md5hash"])]


def make_pools(cohort: pd.DataFrame, duplicates: SplitDuplicates) -> Pools:
    """Divide the cohort into images to draw from and images set aside.

    A unit is drawn whole: the images of one subject; under ``clusters_stay_together`` a cluster,
    which holds near duplicates too. An image that shares nothing is its own unit.

    A unit in several groups is set aside. The same picture, or the same person, has several
    labels, so it belongs to no single group, and any choice of one would add its error to that
    group's numbers. A cohort without the column ``subject`` has no subjects.
    """
    if SUBJECT not in cohort:
        cohort = cohort.assign(**{SUBJECT: cohort["md5hash"]})
    unit = SUBJECT if duplicates == "paper" else "cluster"
    images = cohort.sort_values("md5hash", ignore_index=True)
    both = in_several_groups(images, unit)
    return Pools(images[~both].reset_index(drop=True), images[both], unit)


def set_aside_warning(cohort: pd.DataFrame, duplicates: SplitDuplicates) -> list[str]:
    """Say in a sentence how many images are set aside; nothing if none is."""
    pools = make_pools(cohort, duplicates)
    units = pools.set_aside[pools.unit].nunique()
    if not units:
        return []
    sentence = (
        f"{len(pools.set_aside)} images of {units} {pools.unit}s that lie in several groups are "
        "set aside: they are neither tested nor trained on"
    )
    return [sentence]


def in_several_groups(images: pd.DataFrame, unit: str = "cluster") -> pd.Series:
    """Return True for images whose unit is in several groups (Series of bool)."""
    return images.groupby(unit)["group"].transform("nunique") > 1
