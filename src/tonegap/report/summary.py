"""The first screen in words: what was asked, what was found, how sure, on what data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tonegap.report.arms import ArmView
from tonegap.report.claims import ClaimView
from tonegap.report.context import Context
from tonegap.report.estimates import Line, decomposition_forest


@dataclass(frozen=True)
class Summary:
    """Four short paragraphs, each a list of sentences."""

    asked: str
    found: Sequence[str]
    sure: Sequence[str]
    data: Sequence[str]


def summary_of(context: Context, claims: Sequence[ClaimView], arms: Sequence[ArmView]) -> Summary:
    """Say in words what the report says in tables."""
    groups = context.groups
    lines = decomposition_forest(context.analysis).lines
    raw = lines[0] if lines and lines[0].found else None
    return Summary(
        asked=(
            f"Does a generative model reconstruct {groups.described(groups.compared)} images "
            f"worse than {groups.described(groups.reference)} ones, and how does that depend on "
            "the images it was trained on?"
        ),
        found=[
            *([_found(raw, context)] if raw else []),
            *([context.analysis.sentence] if context.analysis.sentence else []),
        ],
        sure=[*([_detectable(raw)] if raw else []), *_tally(claims)],
        data=_data(context, arms),
    )


def _found(raw: Line, context: Context) -> str:
    groups, size = context.groups, f"{abs(raw.percent):.0f} %"
    span = f"95 % interval {raw.low:.0f} to {raw.high:.0f} %"
    if raw.low <= 0 <= raw.high:
        return (
            f"Whether {groups.compared} images have a larger error is undecided: "
            f"{raw.percent:+.0f} % on average over the training mixes ({span})."
        )
    word = "more" if raw.percent > 0 else "less"
    return (
        f"{groups.compared.capitalize()} images have {size} {word} reconstruction error than "
        f"{groups.reference} ones, on average over the training mixes ({span})."
    )


def _detectable(raw: Line) -> str:
    return f"A study like this one finds a gap of {raw.mde:.0f} % or more four times in five."


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
