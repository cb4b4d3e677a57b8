"""What figures are drawn from: the annotated rows, and the collected study where there is one."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tonegap.figures.examples import StudyExamples
from tonegap.groups import Groups


@dataclass(frozen=True)
class Annotated:
    """The annotated rows.

    Attributes
    ----------
    rows : DataFrame
        One row per annotated row: group, fst, fst_second, the labels, source.
    flow : DataFrame
        Rows left after each step: step, group, left, excluded.
    groups
        The groups of the parameters.
    caveat
        What the rows are, where they are not photographs; may be empty.
    """

    rows: pd.DataFrame
    flow: pd.DataFrame
    groups: Groups
    caveat: str


@dataclass(frozen=True)
class Collected:
    """The collected study.

    Attributes
    ----------
    runs, images : DataFrame
        A row per run and group; a row per run and test image. Only of the ordinary runs: those
        on equal numbers of distinct images have contrasts of their own.
    examples
        A few test images with their reconstructions; None where there are none.
    groups
        The groups that the study compared.
    phantom
        True if every image is a phantom: only then may pictures be committed.
    caveat
        What the numbers rest on, where that is not the paper's set-up; may be empty.
    """

    runs: pd.DataFrame
    images: pd.DataFrame
    examples: StudyExamples | None
    groups: Groups
    phantom: bool
    caveat: str
