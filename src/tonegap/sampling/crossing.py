"""What crosses the borders of a split: clusters and subjects in test and training at once."""

from __future__ import annotations

import pandas as pd

from tonegap.tables import SUBJECT


def crossings(split: pd.DataFrame, cohort: pd.DataFrame) -> dict[str, int]:
    """Count what is on both sides of the split, or in several groups.

    Parameters
    ----------
    split
        role (test, train), md5hash.
    cohort
        md5hash, group, cluster, subject.

    Returns
    -------
    dict
        ``subjects_in_test_and_training`` and ``subjects_in_several_groups``: zero in every split
        that tonegap draws; ``clusters_in_test_and_training``, and ``test_images`` of these;
        ``clusters_in_several_groups`` of the images drawn.
    """
    drawn = split[["role", "md5hash"]].merge(cohort, on="md5hash")
    test, train = (drawn[drawn["role"] == role] for role in ("test", "train"))
    shared = test[test["cluster"].isin(train["cluster"])]
    return {
        "subjects_in_test_and_training": _common(test, train, SUBJECT),
        "subjects_in_several_groups": _mixed(drawn, SUBJECT),
        "clusters_in_test_and_training": _common(test, train, "cluster"),
        "test_images": shared["md5hash"].nunique(),
        "clusters_in_several_groups": _mixed(drawn, "cluster"),
    }


def _common(test: pd.DataFrame, train: pd.DataFrame, unit: str) -> int:
    return len(set(test[unit]) & set(train[unit]))


def _mixed(drawn: pd.DataFrame, unit: str) -> int:
    pairs = drawn[[unit, "group"]].drop_duplicates()
    return int(pairs[unit][pairs[unit].duplicated()].nunique())
