"""The quantities of the scorecard: which contrasts they are, and their values row by row.

What they mean: :mod:`tonegap.statistics.scorecard`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from tonegap.groups import Groups
from tonegap.measures import MEASURES, SCORES
from tonegap.statistics.contrasts import DESCRIPTION, Contrast, Expected, gap_at, mean_of
from tonegap.statistics.design import Arm, Design, design_of
from tonegap.statistics.draws import with_draws
from tonegap.statistics.inference import Estimate, estimate, lacking
from tonegap.statistics.measures import auc_pseudovalues, numeric, rank_pseudovalues
from tonegap.statistics.score_values import (
    interaction_values,
    partial_pseudovalues,
    tail_pseudovalues,
)
from tonegap.statistics.verdicts import COUNTS
from tonegap.statistics.within_runs import design_where

Values = Float[np.ndarray, " rows"]

ERROR: Final = "mse"
PCA: Final = "mse_pca"
JPEG: Final = "u_jpeg_bytes"
DARKNESS: Final = "u_darkness"
NUMBERS: Final = ("estimate", "low", "high", "se", "df", "p", "p_beyond", "margin", "mde")
WORDS: Final = {row.name: row.words for row in (*MEASURES, *SCORES)} | {ERROR: "The error itself"}

_ROUNDING = 1e-9
_TESTED = {"score_rank", "score_interaction"}
_CENTRED = {"score_auc", "score_worst"}  # computed as the distance from one half


@dataclass(frozen=True)
class Quantity:
    """A quantity of one score: its estimate, or why there is none."""

    contrast: Contrast
    group: str
    estimate: Estimate | None
    reason: str = ""

    def mapping(self) -> dict[str, Any]:
        """Return the columns of its numbers."""
        found, contrast = self.estimate, self.contrast
        values = {"quantity": contrast.name, "group": self.group, "reason": self.reason}
        if found is None:
            return values | dict.fromkeys(COUNTS, 0)
        centre = 0.5 if contrast.measure in _CENTRED else 0.0
        low, high = found.interval()
        tested = found.margin is not None
        numbers = {
            "estimate": found.value + centre,
            "low": low + centre,
            "high": high + centre,
            "se": found.se,
            "df": found.df,
            "mde": found.minimum_detectable,
            "p": found.p if tested else math.nan,
            "p_beyond": found.p_beyond,
            "margin": math.nan if found.margin is None else found.margin,
        }
        counts = {name: getattr(found, name) for name in COUNTS}
        return values | {name: _without_rounding(x) for name, x in numbers.items()} | counts


def _without_rounding(number: float) -> float:
    """Return 0 for what is 0 but for rounding, which differs between processors."""
    return 0.0 if abs(number) < _ROUNDING else number


class Card:
    """The rows of a study, on which every score is assessed alike.

    Parameters
    ----------
    rows
        Rows of the two compared groups, index from 0.
    groups
        The two that are compared.
    """

    def __init__(self, rows: pd.DataFrame, groups: Groups) -> None:
        self._rows, self._design, self._groups = rows, with_draws(design_of(rows), rows), groups
        self._shares = sorted({arm.share for arm in self._design.arms})

    def of(self, name: str) -> list[Quantity]:
        """Find every quantity of a score, over the images that have it under every mix."""
        score = numeric(self._rows, name)
        kept = self._complete(score)
        if not kept.any():
            reason = f"no image has {WORDS.get(name, name)}{_needs(name)}"
            return [Quantity(c, group, None, reason) for c, group in self._contrasts()]
        rows, design = self._rows[kept], design_where(self._design, kept)
        values = self._values(name, score[kept], rows, design)
        return [
            _found(contrast, group, design, values[contrast.name])
            for contrast, group in self._contrasts()
        ]

    def _complete(self, score: Values) -> np.ndarray:
        """Find the rows of images that have the score in every run of their seed."""
        images = pd.MultiIndex.from_frame(self._rows[["seed", "md5hash"]])
        return ~images.isin(images[~np.isfinite(score)])

    def _values(
        self, name: str, score: Values, rows: pd.DataFrame, design: Design
    ) -> Mapping[str, Values | str]:
        """Compute the rows' values of each quantity, or say why there are none."""
        compared = (rows["group"] == self._groups.compared).to_numpy(dtype=bool)
        block = np.asarray(2 * design.run + compared)
        error = numeric(rows, ERROR)
        rank = rank_pseudovalues(score, error, block)
        return {
            "rank": rank,
            "rank_less_pca": _less(rank, rows, PCA, error, block),
            "rank_less_jpeg": _less(rank, rows, JPEG, error, block),
            "partial": _partial(name, score, error, rows, block),
            "interaction": interaction_values(score, design, compared),
            "worst_found": tail_pseudovalues(score, error, block, design.arm) - 0.5,
            "auc": auc_pseudovalues(score, compared, design.run),
            "rank_darkness": _with_darkness(name, score, rows, block),
        }

    def _contrasts(self) -> list[tuple[Contrast, str]]:
        """Declare the quantities: contrasts of arm means."""
        groups, shares = self._groups, self._shares
        of_group = {name: mean_of([{Arm(s, name): 1.0} for s in shares]) for name in groups.pair}
        both = mean_of(list(of_group.values()))
        unseen = {**gap_at(0.0, groups, 0.5), **gap_at(1.0, groups, -0.5)}
        wanted: list[tuple[str, str, Mapping[Arm, float], str]] = [
            *(("rank", "score_rank", of_group[name], name) for name in groups.pair),
            ("rank_less_pca", "score_difference", both, ""),
            ("rank_less_jpeg", "score_difference", both, ""),
            *(("partial", "score_partial", of_group[name], name) for name in groups.pair),
            ("interaction", "score_interaction", unseen, ""),
            *(("worst_found", "score_worst", of_group[name], name) for name in groups.pair),
            ("auc", "score_auc", mean_of([gap_at(share, groups) for share in shares]), ""),
            ("rank_darkness", "score_partial", both, ""),
        ]
        return [
            (_contrast(name, measure, coefficients), group)
            for name, measure, coefficients, group in wanted
        ]


def _contrast(name: str, measure: str, coefficients: Mapping[Arm, float]) -> Contrast:
    expected: Expected = "equivalent" if measure in _TESTED else "none"
    return Contrast("", name, measure, DESCRIPTION, expected, coefficients, meaning="")


def _found(contrast: Contrast, group: str, design: Design, values: Values | str) -> Quantity:
    if isinstance(values, str):
        return Quantity(contrast, group, None, values)
    reason = lacking(contrast, design, values)
    if reason is not None:
        return Quantity(contrast, group, None, reason.replace(contrast.measure, contrast.name))
    return Quantity(contrast, group, estimate(contrast, design, values))


def _needs(name: str) -> str:
    needs = {row.name: row.needs for row in SCORES}.get(name, "")
    return f", which needs {needs}" if needs else ""


def _less(
    rank: Values, rows: pd.DataFrame, bar: str, error: Values, block: Int[np.ndarray, " rows"]
) -> Values | str:
    if bar not in rows:
        return f"the table has no column {bar}"
    return np.asarray(rank - rank_pseudovalues(numeric(rows, bar), error, block))


def _partial(
    name: str, score: Values, error: Values, rows: pd.DataFrame, block: Int[np.ndarray, " rows"]
) -> Values | str:
    absent = [bar for bar in (PCA, JPEG) if bar not in rows]
    if absent:
        return f"the table has no column {absent[0]}"
    if name in {PCA, JPEG}:
        return "it is what is held equal"
    return partial_pseudovalues(score, error, [numeric(rows, bar) for bar in (PCA, JPEG)], block)


def _with_darkness(
    name: str, score: Values, rows: pd.DataFrame, block: Int[np.ndarray, " rows"]
) -> Values | str:
    if DARKNESS not in rows:
        return f"the table has no column {DARKNESS}"
    if name == DARKNESS:
        return "it is darkness"
    return rank_pseudovalues(score, numeric(rows, DARKNESS), block)
