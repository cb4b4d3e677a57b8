"""The complete content of the report, as values: the page shows nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from tonegap.groups import Groups


@dataclass(frozen=True)
class Picture:
    """A figure of the report.

    Attributes
    ----------
    name, title, reading : str
        What it is called, what it shows, how to read it.
    svg : bytes or None
        The picture; None if it is not shown.
    missing : str
        Why it is not shown; empty if it is.
    """

    name: str
    title: str
    reading: str
    svg: bytes | None
    missing: str


@dataclass(frozen=True)
class Deviation:
    """One row of docs/deviations.md."""

    topic: str
    paper: str
    tonegap: str
    parameter: str


@dataclass(frozen=True)
class Provenance:
    """The origin of the numbers.

    Attributes
    ----------
    facts : mapping of str to str
        Name and value, in the order to show: code commit, data md5, device, ...
    settings : mapping of str to str
        Settings that change what the numbers mean.
    experiments : mapping of str to str
        Commit of each experiment by name.
    params : str
        The parameters that all runs share, as text.
    """

    facts: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)
    experiments: Mapping[str, str] = field(default_factory=dict)
    params: str = ""


@dataclass(frozen=True)
class Planted:
    """An effect that the phantoms plant, and what the study found.

    Attributes
    ----------
    effect, planted
        Its name; what the recipe does, in words.
    measured, melanin
        The effect on the squared error of a reference model, and the part that tone alone has,
        as phrases with their unit.
    found
        The sentence of the study's contrast.
    agrees : bool or None
        Whether the verdict agrees; None while it is undecided.
    """

    effect: str
    planted: str
    measured: str
    melanin: str
    found: str
    agrees: bool | None


@dataclass(frozen=True)
class Analysis:
    """Tables of the stage ``analyse``; without a study they have no rows.

    Attributes
    ----------
    decomposition, labels, conditions_gap, heterogeneity, influence, scorecard, amplification
        Tables of :mod:`tonegap.statistics`, as written below metrics/.
    sentence
        The decomposition in one sentence; empty if there is none.
    """

    decomposition: pd.DataFrame
    labels: pd.DataFrame
    conditions_gap: pd.DataFrame
    heterogeneity: pd.DataFrame
    influence: pd.DataFrame
    scorecard: pd.DataFrame = field(default_factory=pd.DataFrame)
    amplification: pd.DataFrame = field(default_factory=pd.DataFrame)
    sentence: str = ""


@dataclass(frozen=True)
class Context:
    """The report's content.

    Attributes
    ----------
    study : str or None
        The study's name; None if no study is shown.
    no_study : str
        Why no study is shown; empty if one is.
    caveats : sequence of str
        The basis of the numbers, for the banner: sentences.
    basis : sequence of str
        The same in two words each ("phantom images", "random features"), shown beside every
        table of numbers; empty if the numbers can be read like the paper's.
    groups : Groups
        The groups; a gap is between the first two.
    cohort : mapping of str to int
        Images by group: all, and each group.
    flow : DataFrame
        step (in words), group, left, excluded.
    arms : DataFrame
        One row per mix and group: mix, share, group, runs, n (test images per run),
        mse, sigma (means over runs).
    claims : mapping
        ``Claims.to_mapping()`` of :mod:`tonegap.statistics.claims`, or its
        ``no_claims()``: the content of report/claims.json.
    pictures : sequence of Picture
        The figures.
    conditions : DataFrame
        Rows of :func:`tonegap.figures.conditions.condition_errors`, all levels.
    few_images : int
        Fewest images per group for a mean to represent the condition.
    analysis : Analysis
        What goes with the gap.
    planted : sequence of Planted
        What the phantoms' recipe planted, beside what was found; empty for photographs.
    warnings : sequence of str
        What a reader should know about the images before trusting a number: groups whose
        measured tones are reversed, draws of few distinct images.
    deviations : sequence of Deviation
        How the project differs from the paper.
    provenance : Provenance
        The origin of the numbers.
    """

    study: str | None
    no_study: str
    caveats: Sequence[str]
    basis: Sequence[str]
    groups: Groups
    cohort: Mapping[str, int]
    flow: pd.DataFrame
    arms: pd.DataFrame
    claims: Mapping[str, Any]
    pictures: Sequence[Picture]
    conditions: pd.DataFrame
    few_images: int
    analysis: Analysis
    planted: Sequence[Planted]
    warnings: Sequence[str]
    deviations: Sequence[Deviation]
    provenance: Provenance
