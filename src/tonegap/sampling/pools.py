"""Pools: the images of each group that a draw may take, in a fixed order."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tonegap.params import SplitDuplicates


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
    """

    images: pd.DataFrame
    set_aside: pd.DataFrame

    def of(self, group: str) -> pd.DataFrame:
        """Return the images of one group."""
        return self.images[self.images["group"] == group]

    def left(self, group: str, drawn: pd.DataFrame) -> pd.DataFrame:
        """Return the images of one group that are not among ``drawn`` (by md5hash)."""
        pool = self.of(group)
        return pool[~pool["md5hash"].isin(drawn["md5hash"])]


def make_pools(cohort: pd.DataFrame, duplicates: SplitDuplicates) -> Pools:
    """Divide the cohort into images to draw from and images set aside.

    Under ``clusters_stay_together``, a cluster of near duplicates in several groups is set
    aside as a whole. The same picture has several labels, so it belongs to no single group,
    and any choice of one would add its error to that group's numbers.
    """
    images = cohort.sort_values("md5hash", ignore_index=True)
    if duplicates == "paper":
        return Pools(images=images, set_aside=images.iloc[:0])
    both = in_several_groups(images)
    return Pools(images=images[~both].reset_index(drop=True), set_aside=images[both])


def in_several_groups(images: pd.DataFrame) -> pd.Series:
    """Return True for images whose cluster is in several groups (Series of bool)."""
    return images.groupby("cluster")["group"].transform("nunique") > 1
