"""The first screen in words: what was asked, what was found, how sure, on what data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tonegap.groups import Groups
from tonegap.report.arms import ArmView
from tonegap.report.claims import ClaimView
from tonegap.report.context import Context
from tonegap.report.tone import tone_sentences
from tonegap.statistics.contrasts import LOG_ERROR

_DECIDED: Final = ("supported", "contradicted")


@dataclass(frozen=True)
class Summary:
    """Four short paragraphs, each a list of sentences."""

    asked: str
    found: Sequence[str]
    sure: Sequence[str]
    data: Sequence[str]


def summary_of(context: Context, claims: Sequence[ClaimView], arms: Sequence[ArmView]) -> Summary:
    """Summarise in words what the report shows in tables."""
    groups = context.groups
    gap, own_share = (_primary(context, name) for name in ("gap_overall", "own_share_effect"))
    return Summary(
        asked=(
            f"Does a generative model reconstruct {groups.described(groups.compared)} images "
            f"worse than {groups.described(groups.reference)} ones, and how does that depend on "
            "the images it was trained on?"
        ),
        found=[
            *([_gap(gap, groups)] if gap else []),
            *([_own_share(own_share)] if own_share else []),
            *([context.analysis.sentence] if context.analysis.sentence else []),
            *tone_sentences(context.claims, groups, context.basis),
        ],
        sure=[*([_detectable(gap)] if gap else []), *_tally(claims)],
        data=_data(context, arms),
    )


def _primary(context: Context, name: str) -> Mapping[str, Any] | None:
    """Return the contrast of log errors that decides a claim, where the study has it."""
    for row in context.claims["contrasts"]:
        if (row["contrast"], row["metric"]) == (name, LOG_ERROR) and row["percent"] is not None:
            found: Mapping[str, Any] = row
            return found
    return None


def _gap(row: Mapping[str, Any], groups: Groups) -> str:
    span = _span(row)
    if row["verdict"] not in _DECIDED:
        return (
            f"Whether {groups.compared} images have a larger error is undecided: "
            f"{row['percent']:+.0f} % on average over the training mixes ({span})."
        )
    word = "more" if row["percent"] > 0 else "less"
    return (
        f"{groups.compared.capitalize()} images have {abs(row['percent']):.0f} % {word} "
        f"reconstruction error than {groups.reference} ones, on average over the training mixes "
        f"({span})."
    )


def _own_share(row: Mapping[str, Any]) -> str:
    span = _span(row)
    if row["verdict"] not in _DECIDED:
        return (
            "Whether a group's error depends on its own share in training is undecided: "
            f"{row['percent']:+.0f} % as the share goes from none to all ({span})."
        )
    word = "falls" if row["percent"] < 0 else "rises"
    return (
        f"A group's error {word} by {abs(row['percent']):.0f} % as its own share in training goes "
        f"from none to all ({span})."
    )


def _span(row: Mapping[str, Any]) -> str:
    return f"95 % interval {row['percent_low']:.0f} to {row['percent_high']:.0f} %"


def _detectable(row: Mapping[str, Any]) -> str:
    size = f"{row['mde_percent']:.0f} %"
    return f"A study like this one finds a gap of {size} or more four times in five."


def _tally(claims: Sequence[ClaimView]) -> list[str]:
    counts = Counter(claim.verdict for claim in claims)
    listed = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    return [f"Of the paper's {len(claims)} claims: {listed}."] if claims else []


def _data(context: Context, arms: Sequence[ArmView]) -> list[str]:
    counts = " and ".join(
        f"{context.cohort.get(group, 0):,} {group}" for group in context.groups.pair
    )
    models = sum(arm.runs for arm in arms)
    parts = [f"{models} models of {len(arms)} training mixes"] if models else []
    basis = list(context.basis)
    return [f"{'; '.join([*parts, f'{counts} images', *basis])}."]
