"""Every figure: its words, and how it is drawn. A new figure is one entry here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tonegap.cohort.conditions import fst_counts, prevalence
from tonegap.figures import boxes, conditions, flow, reconstructions, skin_types
from tonegap.figures import prevalence as prevalences
from tonegap.figures.sources import Annotated, Collected
from tonegap.figures.style import Drawing, mixes_in_order
from tonegap.groups import Groups
from tonegap.labels import LABEL_COLUMNS
from tonegap.measures import MEASURES, SCORES

_BALANCED = 0.5
_NO_EXAMPLES = (
    "No example reconstructions are available. Those of photographs show patients and stay on the "
    "machine that collected the study."
)


@dataclass(frozen=True)
class Figure:
    """A figure.

    Attributes
    ----------
    title, reading
        What it shows, and one sentence on how to read it; ``{reference}`` and ``{compared}``
        stand for the names of the groups.
    of_rows, of_study
        Draws it from the annotated rows, or from the collected study; one of the two. None
        from it means that there is nothing to draw.
    absent
        Why there may be nothing to draw.
    shows_images
        True if it shows images: those of patients stay in the private folder.
    """

    title: str
    reading: str
    of_rows: Callable[[Annotated], Drawing] | None = None
    of_study: Callable[[Collected], Drawing | None] | None = None
    absent: str = ""
    shows_images: bool = False

    def words(self, groups: Groups) -> tuple[str, str]:
        """Return title and reading with the groups' names."""
        names = {"reference": groups.reference, "compared": groups.compared}
        return self.title.format(**names), self.reading.format(**names)


def _prevalence(at: Annotated) -> Drawing:
    by_level = {
        level: prevalence(at.rows[column], at.rows["group"], at.groups)
        for level, column in LABEL_COLUMNS.items()
    }
    return prevalences.draw(by_level, at.groups, at.caveat)


def _boxes(name: str) -> Callable[[Collected], Drawing | None]:
    row = next(row for row in (*MEASURES, *SCORES) if row.name == name)

    def draw(at: Collected) -> Drawing | None:
        if not at.runs[name].notna().any():
            return None
        return boxes.draw(at.runs, row, at.groups, at.caveat)

    return draw


def _conditions(at: Collected) -> Drawing | None:
    errors = conditions.condition_errors(at.images, "fine", at.groups)
    return conditions.draw(errors, at.groups, at.caveat) if len(errors) else None


def _balanced_mix(at: Collected) -> Drawing | None:
    shares = _shown_mixes(at)
    balanced = [mix for mix, share in shares.items() if math.isclose(share, _BALANCED)]
    if at.examples is None or not balanced:
        return None
    return reconstructions.draw_one_mix(at.examples, balanced[0], _BALANCED, at.groups, at.caveat)


def _by_mix(place: int) -> Callable[[Collected], Drawing | None]:
    def draw(at: Collected) -> Drawing | None:
        shares = _shown_mixes(at)
        if at.examples is None or not shares:
            return None
        group = at.groups.pair[place]
        return reconstructions.draw_by_mix(at.examples, group, shares, at.groups, at.caveat)

    return draw


def _shown_mixes(at: Collected) -> dict[str, float]:
    """Return the mixes that have examples of both groups, with their shares."""
    if at.examples is None or not all(len(at.examples.originals[g]) for g in at.groups.pair):
        return {}
    known = at.examples.reconstructions
    return {mix: share for mix, share in mixes_in_order(at.runs) if mix in known}


FIGURES: Mapping[str, Figure] = MappingProxyType(
    {
        "exclusions_flow": Figure(
            "From annotated rows to assessed images",
            "Follow the boxes downwards: each grey box says how many rows left, and why.",
            of_rows=lambda at: flow.draw(at.flow, at.caveat),
        ),
        "fig1": Figure(
            "Figure 1. Example reconstructions, balanced training mix",
            "Compare each original with the picture below it: the closer, the better the model "
            "reconstructs that image.",
            of_study=_balanced_mix,
            absent=f"{_NO_EXAMPLES} Or the study has no mix of equal shares, which this figure shows.",
            shows_images=True,
        ),
        "fig2": Figure(
            "Figure 2. Annotated images by Fitzpatrick skin type",
            "The taller the bar, the more images have that skin type; colours mark the groups.",
            of_rows=lambda at: skin_types.draw(fst_counts(at.rows), at.rows, at.groups, at.caveat),
        ),
        "fig3": Figure(
            "Figure 3. Reconstruction error (MSE) by training mix and test group",
            "Lower is better; at each mix, compare the boxes: their distance is the gap.",
            of_study=_boxes("mse"),
        ),
        "fig4": Figure(
            "Figure 4. Example reconstructions, {reference} group",
            "Each column is one image; look down it to see how the training mix changes its "
            "reconstruction.",
            of_study=_by_mix(0),
            absent=_NO_EXAMPLES,
            shows_images=True,
        ),
        "fig5": Figure(
            "Figure 5. Example reconstructions, {compared} group",
            "Each column is one image; look down it to see how the training mix changes its "
            "reconstruction.",
            of_study=_by_mix(1),
            absent=_NO_EXAMPLES,
            shows_images=True,
        ),
        "fig6": Figure(
            "Figure 6. Posterior standard deviation by training mix and test group",
            "If the model's own uncertainty warned of a gap, the group with the larger error "
            "would have the higher box.",
            of_study=_boxes("sigma"),
            absent="The study's models give no posterior standard deviation.",
        ),
        "fig7": Figure(
            "Figure 7. Prevalence of conditions, {reference} against {compared}",
            "Points far from the dashed line are conditions that are more common in one group, so "
            "groups differ in more than what defines them.",
            of_rows=_prevalence,
        ),
        "fig8": Figure(
            "Figure 8. Reconstruction error by condition, {reference} against {compared}",
            "Points above the dashed line are conditions that are reconstructed worse in the "
            "{compared} group.",
            of_study=_conditions,
            absent="No condition has test images in both groups.",
        ),
    }
)
"""The figures by name, in the order of the report."""
