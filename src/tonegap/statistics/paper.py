"""The paper's results, sentence by sentence: what it says, and what this study finds.

Eleven rows. Each has its ``parts``, the contrasts that the sentence stands on. A row is supported
where all of its parts are, at the largest of their p values, and contradicted where any is, after
Holm's correction over the parts (:mod:`tonegap.statistics.verdicts`). Rows are not corrected for
one another: the three claims are. The numbers of a row are those of the part that decides, the one
with the largest p value; a row that is not assessable has none, but its other parts keep theirs.

===  ==============================================================================
row  parts
===  ==============================================================================
1    mean MSE of every arm, below .07
2    slope of the compared group's log error on its own share at equal distinct
     images, and the own share effect
3    the same of the reference group
4-6  gap in the mixed, worst and best case; the twin at equal distinct images stands
     beside it and decides nothing
7    sensitivity at equal distinct images
8    slope of sigma on the compared group's share, of both groups
9    AUC of sigma, mean over the mixes: C3
10   Cramer's V at the coarse level below, at the fine level above .3, Cohen's medium
     effect; the middle level and total variation stand beside
11   unevenness over conditions: even mix less each pure one; mean gap over conditions
===  ==============================================================================

A row for JSON has number, says, contrast (names of the parts that decide), shown (the part whose
numbers the row has), metric, estimate, low, high, percent, percent_low, percent_high (of log
errors only), mde, mde_percent, p, verdict, waiting, reason, figure, and ``parts``: each with
contrast, words, decides, the same numbers, verdict and reason.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from tonegap.digits import json_value
from tonegap.groups import Groups
from tonegap.labels import Level
from tonegap.statistics.association import Association, condition_associations
from tonegap.statistics.claims import Claims
from tonegap.statistics.contrasts import EQUAL_DISTINCT, LOG_ERROR, Contrast, Expected
from tonegap.statistics.design import design_of, ordinary_rows, rows_of_pair
from tonegap.statistics.draws import with_draws
from tonegap.statistics.fairness import Fairness, fairness_by_condition
from tonegap.statistics.inference import Estimate, estimate, obstacle
from tonegap.statistics.measures import measure_columns
from tonegap.statistics.verdicts import (
    WAITING,
    Verdict,
    conjunction,
    holm,
    numbers,
    p_against,
    p_toward,
)

GOOD_MSE: Final = 0.07
"""The error below which the paper says that the VAE performs well."""

MEDIUM_V: Final = 0.3
"""Cohen's (1988) medium V for two groups: prevalences differ little below it, much above."""

_SHOWN: Final = (
    *("estimate", "low", "high", "percent", "percent_low", "percent_high"),
    *("mde", "mde_percent", "p"),
)


@dataclass(frozen=True)
class Part:
    """One contrast behind a sentence.

    Attributes
    ----------
    contrast, words
        Its name and its meaning.
    metric
        What is measured.
    numbers
        ``_SHOWN``; NaN where there is none.
    p_supports, p_contradicts
        Of the tests that support and contradict the sentence; NaN without an estimate.
    reason
        Why there is no estimate; empty if there is one.
    decides
        False for what only stands beside.
    """

    contrast: str
    words: str
    metric: str
    numbers: dict[str, float]
    p_supports: float = math.nan
    p_contradicts: float = math.nan
    reason: str = ""
    decides: bool = True

    @property
    def is_tested(self) -> bool:
        """True if it has a test, or would have one if it were assessable."""
        return bool(self.reason) or not math.isnan(self.p_supports)

    def to_mapping(self, alpha: float) -> dict[str, Any]:
        """Return the part as the schema has it."""
        return {
            "contrast": self.contrast,
            "words": self.words,
            "decides": self.decides,
            **self.numbers,
            "verdict": verdict_of([self], alpha) if self.is_tested else "described",
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Sentence:
    """A sentence of the paper, in short, with the figure that shows it."""

    number: int
    says: str
    figure: str
    parts: Sequence[Part]

    def to_mapping(self, alpha: float) -> dict[str, Any]:
        """Return the row as the schema has it."""
        deciding = [part for part in self.parts if part.decides]
        verdict = verdict_of(deciding, alpha)
        reasons = list(dict.fromkeys(part.reason for part in deciding if part.reason))
        assessed = verdict != "not assessable"
        shown = max(deciding, key=lambda part: part.p_supports) if assessed else None
        return {
            "number": self.number,
            "says": self.says,
            "contrast": ", ".join(part.contrast for part in deciding),
            "shown": shown.contrast if shown else "",
            "metric": deciding[0].metric,
            **(shown.numbers if shown else dict.fromkeys(_SHOWN, math.nan)),
            "verdict": verdict,
            "waiting": WAITING in reasons,
            "reason": "" if assessed else "; ".join(reasons),
            "figure": self.figure,
            "parts": [part.to_mapping(alpha) for part in self.parts],
        }


def paper_sentences(
    claims: Claims, table: pd.DataFrame, annotated: pd.DataFrame | None = None
) -> list[dict[str, Any]]:
    """Assess the paper's results, sentence by sentence.

    Parameters
    ----------
    claims
        What :func:`tonegap.statistics.claims.assess_claims` made of the same table.
    table
        The per-image study table.
    annotated
        data/groups.csv, one row per annotated image: group, label_coarse, label_middle,
        label_fine. Without it row 10 is not assessable.

    Returns
    -------
    list of dict
        Eleven rows as the module describes them, for ``Claims.to_mapping(paper=...)``.
    """
    groups, rows = claims.groups, ordinary_rows(rows_of_pair(table, claims.groups))
    sentences = _sentences(claims, rows, annotated, groups)
    return [json_value(sentence.to_mapping(claims.alpha)) for sentence in sentences]


def verdict_of(parts: Sequence[Part], alpha: float) -> Verdict:
    """Draw the verdict on "all parts hold"."""
    against = holm(np.array([part.p_contradicts for part in parts]))
    if (against <= alpha).any():
        return "contradicted"
    p = conjunction([part.p_supports for part in parts])
    if math.isnan(p):
        return "not assessable"
    return "supported" if p <= alpha else "undecided"


def _sentences(
    claims: Claims, rows: pd.DataFrame, annotated: pd.DataFrame | None, groups: Groups
) -> Iterator[Sentence]:
    compared, reference = groups.compared, groups.reference
    own = _of_claims(claims, "own_share_effect")
    yield Sentence(1, f"MSE is below {GOOD_MSE:g}", "fig3", _arm_means(rows, groups))
    for number, group in ((2, compared), (3, reference)):
        says = f"MSE of {group} images falls as their share in training rises"
        slope = _of_claims(claims, f"slope_{group}_{EQUAL_DISTINCT}")
        yield Sentence(number, says, "fig3", [slope, own])
    cases = {
        "gap_mixed": "the mixed case",
        "gap_worst": "each group's worst case",
        "gap_best": "each group's best case",
    }
    for number, (name, case) in enumerate(cases.items(), start=4):
        twin = replace(_of_claims(claims, f"{name}_{EQUAL_DISTINCT}"), decides=False)
        says = f"{compared} images are reconstructed worse in {case}"
        yield Sentence(number, says, "fig3", [_of_claims(claims, name), twin])
    says = f"{compared} images are more sensitive to the training mix"
    yield Sentence(7, says, "fig3", [_of_claims(claims, f"sensitivity_{EQUAL_DISTINCT}")])
    slopes = [_of_claims(claims, f"sigma_share_slope_{group}", "sigma") for group in groups.pair]
    yield Sentence(8, f"sigma falls as {compared} images are added to training", "fig6", slopes)
    auc = _of_claims(claims, "sigma_auc_all", "sigma_auc")
    yield Sentence(9, "sigma is alike in both groups", "fig6", [auc])
    says = "conditions are spread alike at the coarse level, differently at the fine level"
    yield Sentence(10, says, "fig7", _prevalence_parts(annotated, groups))
    says = f"the mixed set is the fairest by condition, and {compared} images still fare worse"
    yield Sentence(11, says, "fig8", _condition_parts(rows, groups))


def _of_claims(claims: Claims, name: str, measure: str = LOG_ERROR) -> Part:
    found = claims.finding(name, measure)
    contrast = found.contrast
    return Part(
        name,
        contrast.meaning,
        measure,
        _shown(found.estimate, is_log=contrast.is_log),
        found.p_supports,
        found.p_contradicts,
        found.reason,
    )


def _of_estimate(
    name: str, words: str, found: Estimate, expected: Expected, *, is_log: bool, metric: str
) -> Part:
    shown = _shown(found, is_log=is_log)
    return Part(name, words, metric, shown, p_toward(found, expected), p_against(found, expected))


def _shown(found: Estimate | None, *, is_log: bool) -> dict[str, float]:
    every = numbers(found, is_log=is_log)
    return {name: every[name] for name in _SHOWN}


def _missing(name: str, words: str, metric: str, reason: str) -> Part:
    return Part(name, words, metric, dict.fromkeys(_SHOWN, math.nan), reason=reason)


def _arm_means(rows: pd.DataFrame, groups: Groups) -> list[Part]:
    """Row 1: each arm's mean error with its interval, tested against the paper's bound."""
    design = with_draws(design_of(rows), rows)
    values = measure_columns(rows, design, ["mse"], groups)["mse"].to_numpy()
    parts = []
    for arm in design.arms:
        name = f"mse_{100.0 * arm.share:g}_{arm.group}"
        words = f"MSE of {arm.group} images, {100.0 * arm.share:g} % {groups.compared} in training"
        contrast = Contrast("", name, "mse", "", "negative", {arm: 1.0}, words)
        reason = obstacle(contrast, design, values)
        if reason is not None:
            parts.append(_missing(name, words, "mse", reason))
            continue
        mean = estimate(contrast, design, values)
        over = replace(mean, value=mean.value - GOOD_MSE)
        shown = _shown(mean, is_log=False) | {"p": over.p}
        toward, against = p_toward(over, "negative"), p_against(over, "negative")
        parts.append(Part(name, words, "mse", shown, toward, against))
    return parts


def _prevalence_parts(annotated: pd.DataFrame | None, groups: Groups) -> list[Part]:
    """Row 10: V per level against Cohen's medium effect; total variation beside it."""
    found = {} if annotated is None else condition_associations(annotated, groups)
    reason = "the table of annotated images is not there or has one group or one condition only"
    sides: dict[Level, float] = {"coarse": -1.0, "middle": 0.0, "fine": 1.0}
    parts = []
    for level, side in sides.items():
        words = f"Cramer's V of group and condition, {level} labels"
        if level in found:
            parts.append(_of_association(found[level], words, side))
        else:
            part = _missing(f"cramers_v_{level}", words, "cramers_v", reason)
            parts.append(replace(part, decides=side != 0.0))
    variations = [_variation(found[level]) for level in sides if level in found]
    return [*parts, *variations]


def _of_association(found: Association, words: str, side: float) -> Part:
    """Test V against the medium effect: below it for side -1, above for 1, not at all for 0."""
    corrected = f"; bias-corrected {found.v_corrected:.2f}"
    apart = Estimate(
        value=found.v - MEDIUM_V,
        se=max(found.v_sd, 1e-12),
        df=math.inf,
        margin=None,
        n_images=found.n_rows,
        n_clusters=found.n_rows,
        n_runs=0,
        n_seeds=0,
    )
    interval = {"estimate": found.v, "low": found.v_low, "high": found.v_high}
    part = Part(
        f"cramers_v_{found.level}",
        f"{words} ({found.n_conditions} conditions{corrected})",
        "cramers_v",
        dict.fromkeys(_SHOWN, math.nan) | interval,
    )
    if side == 0.0:
        return replace(part, decides=False)
    expected: Expected = "positive" if side > 0.0 else "negative"
    return replace(
        part,
        numbers=part.numbers | {"p": apart.p, "mde": apart.minimum_detectable},
        p_supports=p_toward(apart, expected),
        p_contradicts=p_against(apart, expected),
    )


def _variation(found: Association) -> Part:
    interval = {"estimate": found.tv, "low": found.tv_low, "high": found.tv_high}
    return Part(
        f"total_variation_{found.level}",
        f"Total variation between the groups' prevalences, {found.level} labels",
        "total_variation",
        dict.fromkeys(_SHOWN, math.nan) | interval,
        decides=False,
    )


def _condition_parts(rows: pd.DataFrame, groups: Groups) -> list[Part]:
    """Row 11: unevenness of the even mix less that of each pure one; the mean gap."""
    found = fairness_by_condition(rows, groups)
    names = {0.0: "unevenness_less_0", 1.0: "unevenness_less_100"}
    words = {
        share: "Mean absolute gap over conditions, even mix less "
        f"{100.0 * share:g} % {groups.compared} in training"
        for share in names
    }
    mean_words = f"Mean gap over conditions ({groups.gap}), even mix"
    if isinstance(found, str):
        missing = [_missing(names[share], words[share], LOG_ERROR, found) for share in names]
        return [*missing, _missing("condition_gap_mixed", mean_words, LOG_ERROR, found)]
    return _fairness_parts(found, names, words, mean_words)


def _fairness_parts(
    found: Fairness, names: dict[float, str], words: dict[float, str], mean_words: str
) -> list[Part]:
    of_conditions = f" ({found.n_conditions} conditions)"
    less = [
        _of_estimate(
            names[share],
            f"{words[share]}{of_conditions}",
            found.less_than[share],
            "negative",
            is_log=False,
            metric=LOG_ERROR,
        )
        for share in names
    ]
    mean = _of_estimate(
        "condition_gap_mixed",
        f"{mean_words}{of_conditions}",
        found.mean_gap,
        "positive",
        is_log=True,
        metric=LOG_ERROR,
    )
    return [*less, mean]
