"""The input of figures: tables, groups and the facts that a caption must state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tonegap.examples import StudyExamples
from tonegap.facts import has_random_features, is_phantom
from tonegap.groups import Groups
from tonegap.tables import PHANTOM_SCHEME


@dataclass(frozen=True)
class Annotated:
    """The annotated rows.

    Attributes
    ----------
    rows
        data/groups.csv: one row per annotated image.
    flow
        Rows left after each step, by group.
    column
        What defines the groups, as in params.yaml.
    groups
        The groups.
    caveat
        The kind of rows, if they are not all photographs.
    """

    rows: pd.DataFrame
    flow: pd.DataFrame
    column: str
    groups: Groups
    caveat: str


@dataclass(frozen=True)
class Study:
    """A collected study.

    Attributes
    ----------
    runs, images
        A row per run and group; a row per run and test image. Runs on equal numbers of distinct
        images, beside others, are left out: they have contrasts of their own.
    examples
        Example reconstructions, if there are any to draw.
    groups
        The groups that the study compared.
    caveat
        The setting of its numbers, if it is not the paper's.
    """

    runs: pd.DataFrame
    images: pd.DataFrame
    examples: StudyExamples | None
    groups: Groups
    caveat: str


@dataclass(frozen=True)
class Material:
    """Everything that a figure may use; ``study`` is None if no study is shown."""

    annotated: Annotated
    study: Study | None


def rows_caveat(urls: pd.Series) -> str:
    """Report how many of the annotated rows are phantoms, by the scheme of their urls."""
    rendered = int(urls.fillna("").str.startswith(PHANTOM_SCHEME).sum())
    return f"{rendered:,} of {len(urls):,} rows are phantoms." if rendered else ""


def study_caveat(settings: Mapping[str, Any]) -> str:
    """Describe the setting of a study's numbers in a few words; empty for the paper's."""
    parts = ["phantom images"] if is_phantom(settings) else []
    if has_random_features(settings):
        parts.append(f"perceptual network: {settings.get('features', 'random features')}")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else ""
