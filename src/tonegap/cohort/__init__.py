"""The cohort: which annotated images are assessed, and why the others are not.

Pure rules in a fixed order (:mod:`~tonegap.cohort.rules`); each row that leaves does so
with one reason, and the counts left after each rule make a flow chart.
"""

from tonegap.cohort.conditions import prevalence
from tonegap.cohort.counts import cohort_counts, duplicate_counts
from tonegap.cohort.groups import assign_groups, groups_of
from tonegap.cohort.lists import ImageLists
from tonegap.cohort.rules import CohortParams
from tonegap.cohort.selection import (
    ANNOTATION_COLUMNS,
    FETCH_COLUMNS,
    INDEX_COLUMNS,
    Cohort,
    select_cohort,
)
from tonegap.cohort.source import UNKNOWN_SOURCE, source_of_url

__all__ = [
    "ANNOTATION_COLUMNS",
    "FETCH_COLUMNS",
    "INDEX_COLUMNS",
    "UNKNOWN_SOURCE",
    "Cohort",
    "CohortParams",
    "ImageLists",
    "assign_groups",
    "cohort_counts",
    "duplicate_counts",
    "groups_of",
    "prevalence",
    "select_cohort",
    "source_of_url",
]
