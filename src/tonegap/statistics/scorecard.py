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

All errors are those of images (clusters) crossed with seeds, and of other pools where it is known
what the runs drew (:mod:`tonegap.statistics.training_pool`). Only the ensemble's are given its
models, since one ensemble of all seeds is compared in each of them. ``verdict`` is drawn from S1
and S3 in the words of :mod:`tonegap.statistics.flag`. Both have margins of Cohen's small effects: a
rank correlation of .1, and .2 standard deviations.

===============  ============================================================================
``flags``        S1 of both groups and S3 each flag: the intersection, at 5 %
``anti-flag``    one of them is an anti-flag, after Holm's correction over the three
``blind``        one of them is blind, after the same correction, and none is an anti-flag
``undecided``    none of these
===============  ============================================================================

S3 is signed by the error's own interaction. Where the 95 % interval of that does not lie beyond
the margin, representation is not shown to move the errors, so that there is no verdict.
The error's own row is what the scores are measured with; it is described.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from tonegap.groups import Groups
from tonegap.measures import OWN_SCORE, SCORES
from tonegap.statistics.contrasts import SMALL_EFFECT_D
from tonegap.statistics.design import ordinary_rows, rows_of_pair
from tonegap.statistics.flag import flag_reading
from tonegap.statistics.inference import NEAR_BOUND, Estimate
from tonegap.statistics.score_quantities import ERROR, NUMBERS, PCA, WORDS, Card, Quantity
from tonegap.statistics.verdicts import COUNTS, holm

UNMOVED: Final = (
    "representation is not shown to move the error itself by more than a small effect, so that it "
    "is unknown whether there is anything to warn of"
)
_BY_DEFINITION: Final = {"rank", "partial", "worst_found"}
COLUMNS: Final = (
    *("score", "words", "kind", "quantity", "group", *NUMBERS, *COUNTS),
    *("reading", "verdict", "because", "reason"),
)


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
    card = Card(rows, groups)
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


def _sign(of_error: Sequence[Quantity]) -> float:
    """Return the sign of the error's own interaction; 0 unless it lies beyond the margin."""
    found = _part(of_error, "interaction")[0].estimate
    if found is None:
        return 0.0
    low, high = found.interval()
    if low > SMALL_EFFECT_D:
        return 1.0
    return -1.0 if high < -SMALL_EFFECT_D else 0.0


def _part(parts: Sequence[Quantity], quantity: str) -> list[Quantity]:
    return [part for part in parts if part.contrast.name == quantity]


def _rows(parts: Sequence[Quantity], name: str, sign: float, alpha: float) -> list[dict[str, Any]]:
    """Write the rows of a score."""
    deciding = [*_part(parts, "rank"), *_part(parts, "interaction")]
    readings = {id(part): _reading(part, sign, alpha) for part in deciding}
    verdict, because = _verdict(deciding, sign, alpha) if name != ERROR else ("described", "")
    shared = {
        "score": name,
        "words": WORDS.get(name, name),
        "kind": _kind(name),
        "verdict": verdict,
        "because": because,
        **dict.fromkeys(NUMBERS, math.nan),
    }
    rows = [
        shared | part.mapping() | {"reading": readings.get(id(part), "described")} for part in parts
    ]
    return [_without_width(row) for row in rows] if name == ERROR else rows


def _without_width(row: dict[str, Any]) -> dict[str, Any]:
    """Give no interval to what the error has with itself by definition: all of it."""
    is_all = row["quantity"] in _BY_DEFINITION and row["estimate"] >= NEAR_BOUND
    known = {"low": row["estimate"], "high": row["estimate"], "se": 0.0, "mde": 0.0}
    return row | known | {"p": math.nan, "p_beyond": math.nan} if is_all else row


def _oriented(part: Quantity, sign: float) -> Estimate | None:
    """Turn the interaction so that it is positive where the score moves with the error."""
    found = part.estimate
    if found is None or part.contrast.name != "interaction":
        return found
    return replace(found, value=sign * found.value) if sign else None


def _reading(part: Quantity, sign: float, alpha: float) -> str:
    found = _oriented(part, sign)
    return "not assessable" if found is None else flag_reading(found, alpha)


def _verdict(parts: Sequence[Quantity], sign: float, alpha: float) -> tuple[str, str]:
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
