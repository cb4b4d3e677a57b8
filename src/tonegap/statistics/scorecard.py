"""The scorecard: what each uncertainty score knows of the errors of a study.

Per score, with its name in the table of :mod:`tonegap.measures`:

======================  =====================================================================
quantity                what it is
======================  =====================================================================
``rank``                S1. Spearman's correlation of score and error within a group of a run,
                        mean over runs. 0: the score does not rank the errors.
``rank_less_pca``,      S1 of the score less S1 of PCA's error, of JPEG's bytes, mean of both
``rank_less_jpeg``      groups. 0: no better than a score that knows no model.
``partial``             S2. ``rank`` at equal PCA error and JPEG bytes (partial correlation of
                        ranks). 0: complexity alone explains S1.
``interaction``         S3. The score of a group where its share in training is 0, less where it
                        is 1; the same images; mean of both groups; in standard deviations of
                        the group's images within runs. 0: blind to under-representation.
``worst_found``         S4. Share of a group's worst tenth that the score's top tenth finds. 0.1
                        by chance.
``auc``                 Chance that an image of the compared group has the larger score, mean
                        over mixes. No evidence alone: see the rows of darkness and JPEG bytes.
``rank_darkness``       Spearman's correlation with darkness within groups, mean of both.
======================  =====================================================================

All errors are those of images (clusters) crossed with seeds. ``verdict`` is drawn from S1 and S3 in
the words of :mod:`tonegap.statistics.flag`. Both have margins of Cohen's small effects: a rank
correlation of .1, and .2 standard deviations.

===============  ============================================================================
``flags``        S1 of both groups and S3 each flag: the intersection, at 5 %
``anti-flag``    one of them is an anti-flag, after Holm's correction over the three
``blind``        one of them is blind, after the same correction, and none is an anti-flag
``undecided``    none of these
===============  ============================================================================

S3 is signed by the error's own interaction. Where the 95 % interval of that does not lie beyond
the margin, representation hardly moves the errors: there is nothing to warn of, and no verdict.
The error's own row is what the scores are measured with; it is described.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from tonegap.groups import Groups
from tonegap.measures import MEASURES, OWN_SCORE, SCORES
from tonegap.statistics.contrasts import (
    DESCRIPTION,
    SMALL_EFFECT_D,
    Contrast,
    Expected,
    gap_at,
    mean_of,
)
from tonegap.statistics.design import Arm, Design, design_of, ordinary_rows, rows_of_pair
from tonegap.statistics.flag import flag_reading
from tonegap.statistics.inference import Estimate, estimate, lacking
from tonegap.statistics.measures import auc_pseudovalues, numeric, rank_pseudovalues
from tonegap.statistics.score_values import (
    interaction_values,
    partial_pseudovalues,
    tail_pseudovalues,
)
from tonegap.statistics.verdicts import COUNTS, holm
from tonegap.statistics.within_runs import design_where

Values = Float[np.ndarray, " rows"]

ERROR: Final = "mse"
PCA: Final = "mse_pca"
JPEG: Final = "u_jpeg_bytes"
DARKNESS: Final = "u_darkness"
UNMOVED: Final = (
    "representation moves the error itself by no more than a small effect, so that there is "
    "nothing to warn of"
)
_NUMBERS = ("estimate", "low", "high", "se", "df", "p", "p_beyond", "margin", "mde")
COLUMNS: Final = (
    *("score", "words", "kind", "quantity", "group", *_NUMBERS, *COUNTS),
    *("reading", "verdict", "because", "reason"),
)
_ROUNDING = 1e-9
_TESTED = {"score_rank", "score_interaction"}
_CENTRED = {"score_auc", "score_worst"}  # computed as the distance from one half
_WORDS = {row.name: row.words for row in (*MEASURES, *SCORES)} | {ERROR: "The error itself"}


def scorecard(table: pd.DataFrame, groups: Groups, alpha: float = 0.05) -> pd.DataFrame:
    """Score every uncertainty score of a study.

    Parameters
    ----------
    table
        The per-image study table: run, mix, share, seed, md5hash, group, cluster, mse, and the
        columns of scores; mse_pca counts as one.
    groups
        The two that are compared.
    alpha
        Level of the tests, in (0, 1).

    Returns
    -------
    DataFrame
        :data:`COLUMNS`, one row per score, quantity and group (empty: both). Sigma comes first,
        the error itself last. ``kind`` is ``model``, ``own`` (brought by a user's model), ``no
        model`` or ``error``. Estimates and 95 % intervals; ``p`` and ``p_beyond`` of the test
        against the margin, as in report/claims.json. NaN with a ``reason`` where there is none.
        ``because`` says why a verdict is not drawn.
    """
    rows = ordinary_rows(rows_of_pair(table, groups)).reset_index(drop=True)
    if rows.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    card = _Card(rows, design_of(rows), groups)
    sign = _sign(card.of(ERROR))
    tables = [_rows(card.of(name), name, sign, alpha) for name in (*_names(rows), ERROR)]
    return pd.DataFrame([row for rows_of_score in tables for row in rows_of_score])[list(COLUMNS)]


def _names(rows: pd.DataFrame) -> list[str]:
    """Return the columns of scores: those of the model, the user's own, those without a model."""
    known = [row.name for row in SCORES if row.name in rows]
    own = [str(name) for name in rows if OWN_SCORE.fullmatch(str(name)) and name not in known]
    free = [row.name for row in SCORES if row.name in known and not row.needs]
    of_model = [name for name in known if name not in free]
    return [*of_model, *own, *([PCA] if PCA in rows else []), *free]


def _kind(name: str) -> str:
    if name in {ERROR, PCA}:
        return "error" if name == ERROR else "no model"
    known = {row.name: row.needs for row in SCORES}
    if name not in known:
        return "own"
    return "model" if known[name] else "no model"


@dataclass(frozen=True)
class _Found:
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
            "margin": found.margin if tested else math.nan,
        }
        counts = {name: getattr(found, name) for name in COUNTS}
        return values | {name: _without_rounding(x) for name, x in numbers.items()} | counts


def _without_rounding(number: float) -> float:
    """Return 0 for what is 0 but for rounding, which differs between processors."""
    return 0.0 if abs(number) < _ROUNDING else number


class _Card:
    """The rows of a study and what every score is compared with."""

    def __init__(self, rows: pd.DataFrame, design: Design, groups: Groups) -> None:
        self._rows, self._design, self._groups = rows, design, groups
        self._shares = sorted({arm.share for arm in design.arms})

    def of(self, name: str) -> list[_Found]:
        """Find every quantity of a score, over the images that have it under every mix."""
        score = numeric(self._rows, name)
        kept = self._complete(score)
        if not kept.any():
            reason = f"no image has {_WORDS.get(name, name)}{_needs(name)}"
            return [_Found(c, group, None, reason) for c, group in self._contrasts()]
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


def _found(contrast: Contrast, group: str, design: Design, values: Values | str) -> _Found:
    if isinstance(values, str):
        return _Found(contrast, group, None, values)
    reason = lacking(contrast, design, values)
    if reason is not None:
        return _Found(contrast, group, None, reason.replace(contrast.measure, contrast.name))
    return _Found(contrast, group, estimate(contrast, design, values))


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


def _sign(of_error: Sequence[_Found]) -> float:
    """Return the sign of the error's own interaction; 0 unless it lies beyond the margin."""
    found = _part(of_error, "interaction")[0].estimate
    if found is None:
        return 0.0
    low, high = found.interval()
    if low > SMALL_EFFECT_D:
        return 1.0
    return -1.0 if high < -SMALL_EFFECT_D else 0.0


def _part(parts: Sequence[_Found], quantity: str) -> list[_Found]:
    return [part for part in parts if part.contrast.name == quantity]


def _rows(parts: Sequence[_Found], name: str, sign: float, alpha: float) -> list[dict[str, Any]]:
    """Write the rows of a score."""
    deciding = [*_part(parts, "rank"), *_part(parts, "interaction")]
    readings = {id(part): _reading(part, sign, alpha) for part in deciding}
    verdict, because = _verdict(deciding, sign, alpha) if name != ERROR else ("described", "")
    shared = {
        "score": name,
        "words": _WORDS.get(name, name),
        "kind": _kind(name),
        "verdict": verdict,
        "because": because,
        **dict.fromkeys(_NUMBERS, math.nan),
    }
    return [
        shared | part.mapping() | {"reading": readings.get(id(part), "described")} for part in parts
    ]


def _oriented(part: _Found, sign: float) -> Estimate | None:
    """Turn the interaction so that it is positive where the score moves with the error."""
    found = part.estimate
    if found is None or part.contrast.name != "interaction":
        return found
    return replace(found, value=sign * found.value) if sign else None


def _reading(part: _Found, sign: float, alpha: float) -> str:
    found = _oriented(part, sign)
    return "not assessable" if found is None else flag_reading(found, alpha)


def _verdict(parts: Sequence[_Found], sign: float, alpha: float) -> tuple[str, str]:
    """Draw the verdict on a score from its ranks and its interaction, with the reason if none."""
    missing = next((part.reason for part in parts if part.estimate is None), "")
    if missing or not sign:
        return "not assessable", missing or UNMOVED
    found = [turned for part in parts if (turned := _oriented(part, sign)) is not None]
    against = holm(np.array([one.p_beyond if one.value < 0.0 else 1.0 for one in found]))
    if (against <= alpha).any():
        return "anti-flag", ""
    if (holm(np.array([one.p for one in found])) <= alpha).any():
        return "blind", ""
    if all(flag_reading(one, alpha) == "flags" for one in found):
        return "flags", ""
    few = [one.n_seeds for one in found if one.seeds_are_too_few]
    few += [one.n_seeds for one in found if flag_reading(one, alpha) == "anti-flag"]
    return "undecided", f"{min(few)} seeds are too few to show it" if few else ""
