"""The page of an audit: one finished model on one data set."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from tonegap.groups import Groups
from tonegap.report.claims import MEANINGS, VERDICTS, ClaimView, claim_views
from tonegap.report.conditions import condition_rows
from tonegap.report.context import Analysis
from tonegap.report.estimates import (
    condition_forest,
    decomposition_forest,
    influence_forest,
    labels_forest,
)
from tonegap.report.page import environment_of, steps_of
from tonegap.report.summary import Summary
from tonegap.report.tone import tone_sentences
from tonegap.report.wording import measure_words
from tonegap.statistics.contrasts import LOG_ERROR, PRIMARY
from tonegap.statistics.within_runs import OVERALL, percent

_DECIDED = ("supported", "contradicted")
_SMALLEST_P = 0.001
_OVER_MIXES = ", mean of all mixes"


@dataclass(frozen=True)
class AuditContext:
    """The page's content.

    Attributes
    ----------
    name
        The audit's name.
    model
        The model in a few words, such as ``AutoencoderKL``.
    groups
        The groups; a gap is between the first two.
    tested
        Test images by group.
    image_size
        Side of the test images, pixels.
    seen
        Images that the model is known to have been trained on (``listed``) and those that were
        therefore left out (``left_out``); ``listed`` is 0 if none are known.
    flow
        step (in words), group, left, excluded.
    claims
        The content of claims.json.
    analysis
        What goes with the gap.
    conditions
        Rows of :func:`tonegap.figures.conditions.condition_errors`, all levels.
    few_images
        Fewest images per group for a mean to represent the condition.
    means
        A row per group: group, n, and the mean of every measure and score.
    picture
        Phantoms above their reconstructions (PNG); None for photographs.
    basis, caveats, warnings
        What the numbers rest on: in two words each, in sentences, and what to know first.
    facts
        Where the numbers come from, by name.
    """

    name: str
    model: str
    groups: Groups
    tested: Mapping[str, int]
    image_size: int
    seen: Mapping[str, int]
    flow: pd.DataFrame
    claims: Mapping[str, Any]
    analysis: Analysis
    conditions: pd.DataFrame
    few_images: int
    means: pd.DataFrame
    picture: bytes | None
    basis: Sequence[str]
    caveats: Sequence[str]
    warnings: Sequence[str]
    facts: Mapping[str, str]


def render_audit(context: AuditContext) -> str:
    """Render the page; the same context gives the same text."""
    groups, analysis = context.groups, context.analysis
    mixes = list(dict.fromkeys(context.conditions["mix"]))
    return (
        environment_of(groups)
        .get_template("audit.html.j2")
        .render(
            context=context,
            groups=groups,
            summary=audit_summary(context),
            claims=[_of_one_model(view) for view in claim_views(context.claims, groups)],
            answers=_answers(context.claims),
            heterogeneity=heterogeneity_sentence(analysis.heterogeneity),
            verdicts=[(*VERDICTS[name], name, meaning) for name, meaning in MEANINGS.items()],
            decomposition=decomposition_forest(analysis),
            labels=labels_forest(analysis),
            influence=influence_forest(analysis),
            condition_gaps=condition_forest(analysis, groups),
            conditions=condition_rows(context.conditions, mixes),
            condition_columns=[("MSE", "MSE")],
            steps=steps_of(context.flow),
            measures=[name for name in context.means if name not in {"group", "n"}],
            means=context.means.to_dict("records"),
        )
    )


def _of_one_model(view: ClaimView) -> ClaimView:
    """Name comparisons as those of one model: there are no mixes to average over."""

    def named(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row | {"name": row["name"].replace(_OVER_MIXES, "")} for row in rows]

    return replace(view, primary=named(view.primary), beside=named(view.beside))


def audit_summary(context: AuditContext) -> Summary:
    """Say what was asked, what was found, how sure, on what data."""
    groups, gap = context.groups, _gap(context)
    counts = " and ".join(f"{context.tested.get(g, 0):,} {g}" for g in groups.pair)
    parts = [f"{counts} images", f"{context.image_size} px", *context.basis]
    return Summary(
        asked=(
            f"Does {context.model} reconstruct {groups.described(groups.compared)} images worse "
            f"than {groups.described(groups.reference)} ones?"
        ),
        found=[
            _found(gap, groups),
            *filter(None, [context.analysis.sentence]),
            *tone_sentences(context.claims, groups, context.basis, "on average"),
        ],
        sure=[*_sure(gap), _memory(context.seen)],
        data=[f"{'; '.join(parts)}."],
    )


def heterogeneity_sentence(table: pd.DataFrame) -> str:
    """Say how much the gaps of conditions differ; empty with fewer than three conditions.

    Parameters
    ----------
    table
        From :func:`tonegap.statistics.heterogeneity.heterogeneity`.
    """
    rows = table[table["mix"] == OVERALL].to_dict("records")
    if not rows or math.isnan(rows[0]["tau"]):
        return ""
    row = rows[0]
    low, high = (percent(row[f"predicted_{end}"]) for end in ("low", "high"))
    p = "p < 0.001" if row["p"] < _SMALLEST_P else f"p = {row['p']:.3f}"
    return (
        f"Gaps of {row['n_conditions']} conditions: {row['percent']:+.0f} % on average; "
        f"{100.0 * row['i_squared']:.0f} % of their scatter is more than chance ({p} for equal "
        f"gaps). The gap of another condition would lie between {low:+.0f} and {high:+.0f} %."
    )


def _answers(document: Mapping[str, Any]) -> dict[str, str]:
    """Return each claim's number with its interval, or why there is none."""
    primary = {row["claim"]: row for row in document["contrasts"] if row["family"] == PRIMARY}
    return {claim: _answer(row) for claim, row in primary.items()}


def _answer(row: Mapping[str, Any]) -> str:
    if row["estimate"] is None:
        reason = str(row["reason"])
        return f"{reason[:1].upper()}{reason[1:]}."
    if row["percent"] is not None:
        return f"{row['percent']:+.0f} % ({row['percent_low']:+.0f} to {row['percent_high']:+.0f})."
    words = measure_words(row["metric"])
    return f"{words}: {row['estimate']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})."


def _gap(context: AuditContext) -> Mapping[str, Any]:
    rows = context.claims["contrasts"]
    found: Mapping[str, Any] = next(
        row for row in rows if (row["contrast"], row["metric"]) == ("gap", LOG_ERROR)
    )
    return found


def _found(gap: Mapping[str, Any], groups: Groups) -> str:
    if gap["percent"] is None:
        return f"Nothing about the gap: {gap['reason']}."
    span = f"95 % interval {gap['percent_low']:.0f} to {gap['percent_high']:.0f} %"
    if gap["verdict"] not in _DECIDED:
        return (
            f"Whether {groups.compared} images have a larger error is undecided: "
            f"{gap['percent']:+.0f} % ({span})."
        )
    word = "more" if gap["percent"] > 0 else "less"
    return (
        f"{groups.compared.capitalize()} images have {abs(gap['percent']):.0f} % {word} "
        f"reconstruction error than {groups.reference} ones ({span})."
    )


def _sure(gap: Mapping[str, Any]) -> list[str]:
    if gap["percent"] is None:
        return []
    return [
        "The interval covers other images of this collection, for this very model only.",
        f"An audit like this one finds a gap of {gap['mde_percent']:.0f} % four times in five.",
    ]


def _memory(seen: Mapping[str, int]) -> str:
    if seen["listed"]:
        return (
            f"{seen['left_out']:,} images that the model was trained on, or near duplicates of "
            "them, are left out."
        )
    return (
        "Which images the model was trained on is not known: where it has memorised some of a "
        "group, that group's error is flattered."
    )
