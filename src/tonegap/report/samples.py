"""The page of an audit of generated images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tonegap.generation.beside_data import share_sentence
from tonegap.groups import Groups
from tonegap.report.axis import Axis, axis_through_zero
from tonegap.report.page import environment_of
from tonegap.report.summary import Summary


@dataclass(frozen=True)
class SamplesContext:
    """The page's content.

    Attributes
    ----------
    name
        The audit's name.
    groups
        The groups of the data.
    samples
        Counts of the generated images: images, distinct, unreadable, skipped.
    data
        Images of the data by group.
    document
        The content of claims.json.
    tones
        From :func:`tonegap.generation.beside_data.tone_table`.
    basis, caveats
        What the numbers rest on: in two words each, and in sentences.
    facts
        Where the numbers come from, by name.
    """

    name: str
    groups: Groups
    samples: Mapping[str, int]
    data: Mapping[str, int]
    document: Mapping[str, Any]
    tones: pd.DataFrame
    basis: Sequence[str]
    caveats: Sequence[str]
    facts: Mapping[str, str]


def render_samples(context: SamplesContext) -> str:
    """Render the page; the same context gives the same text."""
    columns = [name for name in context.tones if name != "tone"]
    return (
        environment_of(context.groups)
        .get_template("samples.html.j2")
        .render(
            context=context,
            groups=context.groups,
            summary=samples_summary(context),
            share=context.document["share"],
            tone=context.document["tone"],
            axis=_axis(),
            columns=columns,
            tones=context.tones.to_dict("records"),
        )
    )


def samples_summary(context: SamplesContext) -> Summary:
    """Say what was asked, what was found, how sure, on what data."""
    groups, document = context.groups, context.document
    counts = " and ".join(f"{context.data.get(g, 0):,} {g}" for g in groups.pair)
    return Summary(
        asked=(
            f"What share of the generated images is {groups.described(groups.compared)}, and do "
            "their skin tones match those of the data?"
        ),
        found=[share_sentence(document), _tone(document["tone"])],
        sure=[
            "The share takes the images for a mixture of the data's two groups, by tone alone.",
            *document["not_testable"],
        ],
        data=[
            f"{context.samples['images']:,} generated images; beside them {counts} images"
            + "".join(f"; {words}" for words in context.basis)
            + "."
        ],
    )


def _tone(tone: Mapping[str, Any]) -> str:
    side = "darker" if tone["difference"] < 0.0 else "lighter"
    if tone["verdict"] == "differs":
        return (
            f"Their tones differ from the data's: {abs(tone['difference']):.0f} degrees {side} on "
            "average."
        )
    return "No difference between their tones and the data's is shown."


def _axis() -> Axis:
    """Return an axis of shares, in percent."""
    return axis_through_zero([0.0, 100.0])
