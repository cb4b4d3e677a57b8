"""From estimates to verdicts: corrected p values, conjunctions, what a finding says.

A claim that needs all of its contrasts is supported at the level of its largest p value, without
a correction among them (intersection-union test; Berger 1982, Technometrics 24:295). Holm (1979,
Scand. J. Stat. 6:65) corrects over the claims. A claim is contradicted when any of its contrasts
is, and there Holm corrects over the contrasts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Shaped

from tonegap.statistics.contrasts import DESCRIPTION, PRIMARY, Contrast
from tonegap.statistics.inference import Estimate
from tonegap.statistics.sentences import Decision, sentence, tested_null

Verdict = Literal["supported", "undecided", "contradicted", "not assessable"]
Reading = Literal["described", "flags", "blind", "anti-flag"]
"""Outcomes of a row that are not verdicts on a claim."""

WAITING = "waits for runs at equal distinct images (studies/paper_equal.yaml)"
"""The reason of a row whose runs are still to be made."""

NUMBERS = (
    "estimate",
    "low",
    "high",
    "low_90",
    "high_90",
    "percent",
    "percent_low",
    "percent_high",
    "se",
    "df",
    "pool_share",
    "p",
    "p_beyond",
    "mde",
    "mde_percent",
)
COUNTS = ("n_images", "n_clusters", "n_runs", "n_seeds")


@dataclass(frozen=True)
class Finding:
    """A contrast with its estimate, or with the reason why there is none.

    The corrected p values and the verdict are filled in once the whole family is known.
    """

    contrast: Contrast
    estimate: Estimate | None
    reason: str = ""
    p_holm: float = math.nan
    p_beyond_holm: float = math.nan
    verdict: Verdict | Reading = "not assessable"

    @property
    def p_supports(self) -> float:
        """P value of the test that supports: 1 where the sign is wrong, NaN without an estimate."""
        return p_toward(self.estimate, self.contrast.expected)

    @property
    def p_contradicts(self) -> float:
        """P value of the test that contradicts, in the same way."""
        return p_against(self.estimate, self.contrast.expected)

    def to_mapping(self) -> dict[str, Any]:
        """Return one row of the contrasts table; NaN for missing numbers."""
        contrast = self.contrast
        return {
            "claim": contrast.claim,
            "contrast": contrast.name,
            "metric": contrast.measure,
            "family": contrast.family,
            "expected": contrast.expected,
            **numbers(self.estimate, is_log=contrast.is_log),
            "p_holm": self.p_holm,
            "p_beyond_holm": self.p_beyond_holm,
            "p_tests": tested_null(contrast) if contrast.is_tested else "",
            "margin": math.nan if contrast.margin is None else contrast.margin,
            "verdict": self.verdict,
            "waiting": self.reason == WAITING,
            "reason": self.reason,
            "sentence": sentence(contrast, self.estimate, self._deciding(), self.reason),
        }

    def _deciding(self) -> Decision:
        """Return the verdict and the p value of the test behind it."""
        beyond = self.verdict in {"contradicted", "flags", "anti-flag"}
        of_margin = self.contrast.margin is not None
        return Decision(self.verdict, self.p_beyond_holm if beyond and of_margin else self.p_holm)


def p_toward(found: Estimate | None, expected: str) -> float:
    """Return the p value for the expected direction: 1 for the other sign, NaN for no estimate."""
    if found is None:
        return math.nan
    return found.p if found.margin is not None or _as_expected(found, expected) else 1.0


def p_against(found: Estimate | None, expected: str) -> float:
    """Return the p value for the opposite of what is expected, as :func:`p_toward`."""
    if found is None:
        return math.nan
    if found.margin is not None:
        return found.p_beyond
    return 1.0 if _as_expected(found, expected) else found.p


def _as_expected(found: Estimate, expected: str) -> bool:
    return (found.value > 0.0) == (expected == "positive")


def percent(log_ratio: float) -> float:
    """Turn a difference of logarithms into percent."""
    return 100.0 * math.expm1(log_ratio)


def numbers(found: Estimate | None, *, is_log: bool) -> dict[str, float]:
    """Return an estimate as fields; NaN and counts of 0 if there is none.

    Parameters
    ----------
    is_log
        True if the estimate is a difference of logarithms; only then are there percents.
    """
    if found is None:
        return {**dict.fromkeys(NUMBERS, math.nan), **dict.fromkeys(COUNTS, 0)}
    shown = (found.value, *found.interval(0.95))
    mde = found.minimum_detectable
    percents = [percent(value) if is_log else math.nan for value in (*shown, mde)]
    tests = (found.se, found.df, found.pool_share, found.p, found.p_beyond)
    values = (*shown, *found.interval(0.90), *percents[:3], *tests, mde, percents[3])
    counts = {name: getattr(found, name) for name in COUNTS}
    return {**dict(zip(NUMBERS, values, strict=True)), **counts}


def with_verdicts(findings: Sequence[Finding], alpha: float) -> tuple[Finding, ...]:
    """Correct p values by Holm within each family and draw the verdict of each contrast.

    Contrasts that are not assessable have no p and do not count into their family. A test of
    equivalence counts once: its ``p_beyond`` is corrected in the family that has it in the
    place of ``p``, since a contrast lies either within its margin or beyond.
    """
    p_values = np.array([f.estimate.p if f.estimate else math.nan for f in findings])
    beyond = np.array([f.estimate.p_beyond if f.estimate else math.nan for f in findings])
    families = np.array([finding.contrast.family for finding in findings])
    within = _holm_by_family(p_values, families)
    contrary = _holm_by_family(np.where(np.isnan(beyond), p_values, beyond), families)
    contrary = np.where(np.isnan(beyond), math.nan, contrary)
    corrected = (
        replace(finding, p_holm=float(p), p_beyond_holm=float(p_beyond))
        for finding, p, p_beyond in zip(findings, within, contrary, strict=True)
    )
    return tuple(replace(finding, verdict=_verdict(finding, alpha)) for finding in corrected)


@dataclass(frozen=True)
class ClaimVerdict:
    """The verdict on a claim.

    Attributes
    ----------
    p, p_holm
        Of support: the largest p value of the claim's contrasts, and Holm's correction of it
        over the claims that can be assessed. NaN where one is not.
    because
        The verdict of each contrast.
    """

    verdict: Verdict
    p: float
    p_holm: float
    because: str


def claim_verdicts(
    findings: Sequence[Finding], claims: Sequence[str], alpha: float
) -> dict[str, ClaimVerdict]:
    """Draw the verdict on each claim from its contrasts of the primary family."""
    parts = {
        claim: [
            finding
            for finding in findings
            if finding.contrast.claim == claim and finding.contrast.family == PRIMARY
        ]
        for claim in claims
    }
    p_values = np.array([conjunction([f.p_supports for f in parts[claim]]) for claim in claims])
    corrected = holm(p_values)
    return {
        claim: ClaimVerdict(
            _claim_verdict(parts[claim], float(p_holm), alpha),
            float(p),
            float(p_holm),
            "; ".join(f"{f.contrast.name} {f.verdict}" for f in parts[claim]),
        )
        for claim, p, p_holm in zip(claims, p_values, corrected, strict=True)
    }


def conjunction(p_values: Sequence[float]) -> float:
    """Return the p value of "all hold": the largest; NaN if one is missing or there is none."""
    return float(np.max(p_values)) if len(p_values) else math.nan


def holm(p_values: Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    """Correct by Holm; NaN stays NaN and does not count.

    statsmodels' ``multipletests`` gives the same, but collects garbage at every call: 0.08 s.
    """
    corrected = np.full(p_values.size, math.nan)
    order = np.argsort(p_values)[: int(np.isfinite(p_values).sum())]  # NaN sorts last
    steps = p_values[order] * np.arange(order.size, 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


def _claim_verdict(parts: Sequence[Finding], p_holm: float, alpha: float) -> Verdict:
    if any(finding.verdict == "contradicted" for finding in parts):
        return "contradicted"
    if math.isnan(p_holm):
        return "not assessable"
    return "supported" if p_holm <= alpha else "undecided"


def _holm_by_family(
    p_values: Float[np.ndarray, " tests"], families: Shaped[np.ndarray, " tests"]
) -> Float[np.ndarray, " tests"]:
    """Correct by Holm within each family; NaN for descriptions."""
    corrected = np.full(p_values.size, math.nan)
    for family in sorted(set(families.tolist()) - {DESCRIPTION}):
        members = families == family
        corrected[members] = holm(p_values[members])
    return corrected


def _verdict(finding: Finding, alpha: float) -> Verdict | Reading:
    """Support or contradict only beyond the corrected level, else leave it undecided."""
    found, expected = finding.estimate, finding.contrast.expected
    if found is None:
        return "not assessable"
    if expected == "none":
        return "described"
    if finding.p_beyond_holm <= alpha:
        return "contradicted"
    if finding.p_holm > alpha:
        return "undecided"
    as_expected = found.margin is not None or _as_expected(found, expected)
    return "supported" if as_expected else "contradicted"
