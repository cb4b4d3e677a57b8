"""Findings in one plain sentence each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from tonegap.statistics.contrasts import Contrast
from tonegap.statistics.inference import Estimate

READINGS: Mapping[str, str] = {
    "supported": "consistent with the claim",
    "undecided": "undecided: 80 % of such studies would find an effect of {mde} or {beyond}",
    "contradicted": "the opposite of the claim",
    "described": "described, not tested",
}
EQUIVALENCE_READINGS: Mapping[str, str] = {
    "supported": "within the margin of {margin:.3f}, so sigma hardly tells the groups apart",
    "undecided": "undecided: shown to lie neither within the margin of {margin:.3f} nor beyond it",
    "contradicted": "beyond the margin of {margin:.3f}: sigma does tell the groups apart",
    "flags": "beyond the margin of {margin:.3f}: sigma is higher where the error is larger",
    "blind": "within the margin of {margin:.3f}: sigma does not warn of the gap",
    "anti-flag": "beyond the margin of {margin:.3f}: sigma is lower where the error is larger",
}

TOO_FEW_SEEDS = (
    "undecided: it lies beyond the margin of {margin:.3f} in this study, but {seeds} seeds are too "
    "few to show that: trainings that fall on either side by chance agree in one of {chance} such "
    "studies"
)
AT_BOUND = "; all runs reach the largest value possible, so the interval has no width"


class Decision(NamedTuple):
    """A verdict and the corrected p value of the test that it rests on."""

    verdict: str
    p_holm: float


def tested_null(contrast: Contrast) -> str:
    """Name the null that a contrast's p value belongs to."""
    if contrast.margin is None:
        return "the contrast is 0"
    return f"the contrast lies {contrast.margin:.3f} or more from 0"


def sentence(contrast: Contrast, found: Estimate | None, decision: Decision, reason: str) -> str:
    """Describe the finding: value, interval, corrected p and its null, sample, reading."""
    if found is None:
        return f"{contrast.meaning}: not assessable, because {_because(reason)}."
    lower, upper = (_value(contrast, bound) for bound in found.interval(0.95))
    described = decision.verdict == "described"
    p = "" if described else f", Holm-corrected {_p(decision.p_holm)}{_of(contrast, decision)}"
    runs = f"{found.n_runs} runs of {found.n_seeds} seeds" if found.n_seeds else "one model"
    sample = f"{found.n_images:,} images in {found.n_clusters:,} clusters, {runs}"
    no_width = AT_BOUND if found.is_at_bound else ""
    return (
        f"{contrast.meaning}: {_value(contrast, found.value)} (95 % interval {lower} to "
        f"{upper}{p}; {sample}); {_reading(contrast, found, decision.verdict)}{no_width}."
    )


def _because(reason: str) -> str:
    return f"it {reason}" if reason.startswith("waits") else reason


def _of(contrast: Contrast, decision: Decision) -> str:
    """Return which of the two tests of an equivalence the p value belongs to."""
    if contrast.margin is None:
        return ""
    beyond = decision.verdict in {"contradicted", "flags", "anti-flag"}
    return f" for lying {'beyond' if beyond else 'within'} the margin"


def _reading(contrast: Contrast, found: Estimate, verdict: str) -> str:
    if contrast.margin is None:
        # Signed like the effect that the claim expects.
        sign, beyond = (-1.0, "less") if contrast.expected == "negative" else (1.0, "more")
        mde = _value(contrast, sign * found.minimum_detectable)
        return READINGS[verdict].format(mde=mde, beyond=beyond)
    if verdict == "undecided" and found.seeds_are_too_few:
        chance = 2 ** (found.n_seeds - 1)  # either side will do
        return TOO_FEW_SEEDS.format(margin=contrast.margin, seeds=found.n_seeds, chance=chance)
    return EQUIVALENCE_READINGS[verdict].format(margin=contrast.margin)


def _value(contrast: Contrast, value: float) -> str:
    """Signed, three significant digits; differences of logarithms in percent."""
    if contrast.is_log:
        return f"{100.0 * math.expm1(value):+.3g} %"
    return f"{value:+.3g}"


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"  # noqa: PLR2004 - usual bound
