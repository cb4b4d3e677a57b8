"""One finished model, trained elsewhere: its gaps, with errors over image clusters alone.

Nothing is known of its training. So the interval speaks of other images of the same collection for
this very model, and not of another training of it. What needs training mixes is not testable.

``audit_claims`` gives the content of ``audits/NAME/claims.json``, schema ``tonegap-audit-1``: the
keys of ``tonegap-claims-2`` (:mod:`tonegap.statistics.claims`) without those of the paper, with
``audit`` in the place of ``study``, and a ``reason`` for each claim that has no verdict.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from tonegap.digits import json_value
from tonegap.groups import Groups
from tonegap.measures import COLUMNS, MEASURES, OWN_SCORE, SCORES
from tonegap.statistics.claims import CLAIMS, statements
from tonegap.statistics.contrasts import (
    AUC_MARGIN,
    DESCRIPTION,
    LOG_ERROR,
    MEASURE_WORDS,
    PRIMARY,
    Contrast,
    Expected,
    gap_at,
)
from tonegap.statistics.design import Arm, Design, design_of, rows_of_pair
from tonegap.statistics.flag import flag_finding
from tonegap.statistics.inference import estimate, obstacle
from tonegap.statistics.measures import auc_pseudovalues, measure_columns, rank_pseudovalues
from tonegap.statistics.verdicts import Finding, claim_verdicts, with_verdicts

SCHEMA: Final = "tonegap-audit-1"
ELSEWHERE: Final = "not testable: trained elsewhere, so that its training mix is not known"

_SHARE = 0.0  # stands for a share that nobody knows; no result shows it
_MIX = "finished"
_EXPECTED: Final[Mapping[str, Expected]] = {"lower": "positive", "higher": "negative"}
_METHOD: Final = {
    "unit": "cluster of near duplicates",
    "interval": "95 %, t, cluster variance over images; AUC and rank correlations on the scale of "
    "atanh; for this model and other images of the same collection, not for another training",
    "correction": "Holm over the claims that are testable, and within each family of contrasts",
    "auc_margin": AUC_MARGIN,
    "mde": "effect that a two-sided test at .05 finds in 80 % of such audits",
}


def finished_rows(per_image: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the per-image table of a finished model with the columns of a study of one run."""
    return per_image.assign(run=name, mix=_MIX, share=_SHARE, seed=0)


def audit_claims(
    rows: pd.DataFrame, name: str, groups: Groups, *, alpha: float = 0.05
) -> dict[str, Any]:
    """Assess a finished model: verdicts, and the gap of every measure and score.

    Parameters
    ----------
    rows
        From :func:`finished_rows`: md5hash, group, cluster, mse; any further measures and scores.
    name
        The audit's name.
    groups
        The two that are compared.
    alpha
        Level of the Holm-corrected tests, in (0, 1).

    Raises
    ------
    DataError
        If a column is missing or a row contradicts another.
    """
    rows = rows_of_pair(rows, groups)
    design = design_of(rows, finished=True)
    values = _values(rows, design, groups)
    found = [_finding(contrast, design, values) for contrast in audit_contrasts(groups, values)]
    findings = (*with_verdicts(found, alpha), _flag(design, values, groups, alpha))
    tested = [f.to_mapping() for f in findings if f.contrast.is_tested]
    described = [f.to_mapping() for f in findings if not f.contrast.is_tested]
    document = {
        "schema": SCHEMA,
        "audit": name,
        "alpha": alpha,
        "gap": groups.gap,
        "groups": groups.to_mapping(),
        "method": _METHOD,
        "claims": _claims(findings, groups, alpha),
        "contrasts": tested,
        "descriptions": described,
    }
    return {key: json_value(value) for key, value in document.items()}


def audit_contrasts(groups: Groups, values: pd.DataFrame) -> tuple[Contrast, ...]:
    """Return the contrasts of one finished model.

    Parameters
    ----------
    groups
        The two that are compared.
    values
        The measures that the model has, by column (see :func:`audit_claims`).
    """
    gap = gap_at(_SHARE, groups)
    primary = [
        Contrast("C1", "own_share_effect", LOG_ERROR, PRIMARY, "negative", {},
                 "Effect of a group's share in training on its own error", ELSEWHERE),
        Contrast("C2", "gap", LOG_ERROR, PRIMARY, "positive", gap,
                 f"Gap in error ({groups.gap})"),
        Contrast("C3", "sigma_auc", "sigma_auc", PRIMARY, "equivalent", gap,
                 f"AUC - 0.5 of sigma, {groups.compared} against {groups.reference}"),
    ]  # fmt: skip
    measures = [
        _gap_of_measure(row.name, _EXPECTED.get(row.better, "none"), gap)
        for row in MEASURES
        if row.per_image and row.name in values
    ]
    given = _gap_of_measure("mse_given_jpeg", "none", gap)
    shifts = [
        _mean_of_group(row.name, group)
        for row in MEASURES
        if row.better == "zero" and row.name in values
        for group in groups.pair
    ]
    scores = [c for name, words in _scores(values) for c in _of_score(name, words, groups)]
    return (*primary, *measures, given, *shifts, _tone_slope(groups), *scores)


def _mean_of_group(measure: str, group: str) -> Contrast:
    meaning = f"{MEASURE_WORDS[measure]} of {group} images"
    return Contrast(
        *("C2", f"mean_{group}", measure, DESCRIPTION, "none"), {Arm(_SHARE, group): 1.0}, meaning
    )


def _tone_slope(groups: Groups) -> Contrast:
    meaning = "Slope of the reconstructed on the original skin tone, less 1"
    both = {Arm(_SHARE, group): 0.5 for group in groups.pair}
    return Contrast("C2", "tone_slope", "tone_slope", DESCRIPTION, "none", both, meaning)


def _scores(columns: Iterable[Hashable]) -> list[tuple[str, str]]:
    """Return the scores that a table has, by column, in words: tonegap's, then the model's own."""
    names = [str(name) for name in columns]
    known = [(row.name, row.words) for row in SCORES if row.name in names]
    own = [name for name in names if OWN_SCORE.fullmatch(name) and not _is_derived(name)]
    return [*known, *((name, name) for name in own if name not in COLUMNS)]


def _is_derived(name: str) -> bool:
    return name.endswith(("_auc", "_error_rank"))


def _gap_of_measure(measure: str, expected: Expected, gap: Mapping[Arm, float]) -> Contrast:
    family = DESCRIPTION if expected == "none" else measure
    meaning = f"Gap, {MEASURE_WORDS[measure]}"
    return Contrast("C2", "gap", measure, family, expected, gap, meaning)


def _of_score(score: str, words: str, groups: Groups) -> list[Contrast]:
    """Describe a score: its gap, its AUC, how it ranks errors within each group."""
    gap = gap_at(_SHARE, groups)
    versus = f"{groups.compared} against {groups.reference}"

    def described(name: str, measure: str, of: Mapping[Arm, float], meaning: str) -> Contrast:
        return Contrast("C3", name, measure, DESCRIPTION, "none", of, meaning)

    auc = [described(f"{score}_auc", f"{score}_auc", gap, f"AUC - 0.5 of {words}, {versus}")]
    return [
        described(f"{score}_gap", score, gap, f"Gap in {words}"),
        *(auc if score != "sigma" else []),  # sigma's is tested
        *(
            described(
                f"{score}_error_rank_{group}",
                f"{score}_error_rank",
                {Arm(_SHARE, group): 1.0},
                f"Rank correlation of {words} with the error within {group} images",
            )
            for group in groups.pair
        ),
    ]


def _values(rows: pd.DataFrame, design: Design, groups: Groups) -> pd.DataFrame:
    """Return a column per measure, and per score three: itself, its AUC and its rank."""
    measures = [row.name for row in MEASURES if row.per_image and row.name in rows]
    wanted = [LOG_ERROR, *measures, "mse_given_jpeg", "tone_slope"]
    found = measure_columns(rows, design, wanted, groups)
    compared = (rows["group"] == groups.compared).to_numpy()
    mse = found["mse"].to_numpy()
    for name, _ in _scores(rows):
        score = rows[name].to_numpy(dtype=float)
        found[name] = score
        found[f"{name}_auc"] = auc_pseudovalues(score, compared, design.run)
        found[f"{name}_error_rank"] = rank_pseudovalues(score, mse, 2 * design.run + compared)
    return found


def _finding(contrast: Contrast, design: Design, values: pd.DataFrame) -> Finding:
    if contrast.coefficients and contrast.measure not in values:
        return Finding(contrast, None, f"the table has no {contrast.measure}")
    column = values.get(contrast.measure, pd.Series(np.nan, index=values.index)).to_numpy()
    reason = obstacle(contrast, design, column)
    return Finding(contrast, None, reason) if reason else _estimated(contrast, design, column)


def _estimated(contrast: Contrast, design: Design, column: np.ndarray) -> Finding:
    return Finding(contrast, estimate(contrast, design, column))


def _flag(design: Design, values: pd.DataFrame, groups: Groups, alpha: float) -> Finding:
    """Ask whether sigma warns of the gap; see :mod:`tonegap.statistics.flag`."""
    found = flag_finding(design, values, [_SHARE], groups, alpha)
    meaning = "AUC - 0.5 of sigma, the group with the larger error against the other"
    return replace(found, contrast=replace(found.contrast, meaning=meaning))


def _claims(findings: Sequence[Finding], groups: Groups, alpha: float) -> list[dict[str, Any]]:
    words = statements(groups)
    words["C2"] = (
        f"{groups.compared.capitalize()} images are reconstructed worse than "
        f"{groups.reference} ones."
    )
    reasons = {f.contrast.claim: f.reason for f in findings if f.contrast.family == PRIMARY}
    return [
        {
            "claim": claim,
            "statement": words[claim],
            **asdict(verdict),
            "reason": reasons[claim],
        }
        for claim, verdict in claim_verdicts(findings, CLAIMS, alpha).items()
    ]
