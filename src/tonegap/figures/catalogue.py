"""Every figure: its name, how to read it, and how it is drawn.

A new figure is one row of :data:`CATALOGUE` and one function from :class:`Material` to a
:class:`Drawing`, or to None if the material lacks what it shows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import pandas as pd

from tonegap.cohort.conditions import prevalence
from tonegap.figures import annotated, boxes, conditions, flow, generation, reconstructions
from tonegap.figures import prevalence as prevalences
from tonegap.figures import scorecard as scorecards
from tonegap.figures.forest import draw_decomposition
from tonegap.figures.material import Material, Study
from tonegap.figures.style import Drawing, mixes_in_order
from tonegap.groups import Groups
from tonegap.labels import LABEL_COLUMNS
from tonegap.measures import MEASURES, SCORES, Measure, Score
from tonegap.statistics.decomposition import decompose
from tonegap.statistics.heterogeneity import condition_gaps
from tonegap.statistics.scorecard import scorecard

_BALANCED = 0.5
_NO_EXAMPLES = (
    "No example reconstructions are available. Those of photographs show patients and stay on the "
    "machine that collected the study."
)
_NO_SAMPLES = (
    "The study has no such samples: its models cannot draw them, or evaluate.samples is 0."
)
_BY_NAME = {row.name: row for row in (*MEASURES, *SCORES)}


@dataclass(frozen=True)
class Entry:
    """A figure of the catalogue.

    Attributes
    ----------
    name
        Name of its files.
    title, reading
        What it shows, and how to read it in one sentence. ``{reference}`` and ``{compared}``
        stand for the names of the two groups.
    draw
        Function that draws it; returns None if the material lacks what it shows.
    needs
        ``annotations``, or ``study`` for a collected study.
    absent
        Why it is absent if ``draw`` returns None.
    shows_images
        True if it shows images; if they are photographs, it must stay private.
    """

    name: str
    title: str
    reading: str
    draw: Callable[[Material], Drawing | None]
    needs: Literal["annotations", "study"]
    absent: str = ""
    shows_images: bool = False

    def worded(self, groups: Groups) -> tuple[str, str]:
        """Return the title and the reading with the groups' names."""
        names = {"reference": groups.reference, "compared": groups.compared}
        return self.title.format(**names), self.reading.format(**names)


def _flow(material: Material) -> Drawing:
    rows = material.annotated
    return flow.draw(rows.flow, rows.caveat)


def _annotated(material: Material) -> Drawing:
    of = material.annotated
    return annotated.draw(of.rows, of.column, of.groups, of.caveat)


def _prevalence(material: Material) -> Drawing:
    of = material.annotated
    by_level: dict[str, pd.DataFrame] = {
        level: prevalence(of.rows[column].fillna("unknown"), of.rows["group"], of.groups)
        for level, column in LABEL_COLUMNS.items()
    }
    return prevalences.draw(by_level, of.groups, of.caveat)


def _boxes_of(measure: Measure | Score) -> Callable[[Material], Drawing | None]:
    def draw(material: Material) -> Drawing | None:
        study = _study(material)
        if measure.name not in study.runs or not study.runs[measure.name].notna().any():
            return None
        return boxes.draw(study.runs, measure, study.groups, study.caveat)

    return draw


def _conditions(material: Material) -> Drawing | None:
    study = _study(material)
    errors = conditions.condition_errors(study.images, "fine", study.groups)
    if errors.empty:
        return None
    gaps = condition_gaps(study.images, study.groups)
    return conditions.draw(conditions.with_gaps(errors, gaps), study.groups, study.caveat)


def _examples_of_balanced_mix(material: Material) -> Drawing | None:
    study = _study(material)
    shares = _shares_with_examples(study)
    balanced = [mix for mix, share in shares.items() if math.isclose(share, _BALANCED)]
    if study.examples is None or not balanced:
        return None
    return reconstructions.draw_one_mix(
        study.examples, balanced[0], _BALANCED, study.groups, study.caveat
    )


def _examples_of(which: Literal["reference", "compared"]) -> Callable[[Material], Drawing | None]:
    def draw(material: Material) -> Drawing | None:
        study = _study(material)
        shares = _shares_with_examples(study)
        if study.examples is None or not shares:
            return None
        group = getattr(study.groups, which)
        return reconstructions.draw_by_mix(
            study.examples, group, shares, study.groups, study.caveat
        )

    return draw


def _shares_with_examples(study: Study) -> dict[str, float]:
    """Return the mixes that have examples of both groups, with their shares, in order."""
    if study.examples is None or not all(map(len, study.examples.originals.values())):
        return {}
    known = study.examples.reconstructions
    return {mix: share for mix, share in mixes_in_order(study.runs) if mix in known}


def _generation_share(material: Material) -> Drawing | None:
    study = _study(material)
    return generation.draw(study.runs, study.groups, study.caveat)


def _decomposition(material: Material) -> Drawing | None:
    study = _study(material)
    found = decompose(study.images, study.groups)
    return draw_decomposition(found, study.groups, study.caveat) if len(found) else None


def _scorecard(material: Material) -> Drawing | None:
    study = _study(material)
    found = scorecard(study.images, study.groups)
    if not found.loc[found["kind"] != "error", "estimate"].notna().any():
        return None
    return scorecards.draw(found, study.groups, study.caveat)


def _study(material: Material) -> Study:
    if material.study is None:
        raise ValueError("this figure needs a collected study")
    return material.study


CATALOGUE: Final = (
    Entry(
        "exclusions_flow",
        "From annotated rows to assessed images",
        "Follow the boxes downwards: each grey box shows how many rows were excluded, and why.",
        _flow,
        needs="annotations",
    ),
    Entry(
        "fig1",
        "Figure 1. Example reconstructions, balanced training mix",
        "Compare each original with the picture below it: the closer, the better the model "
        "reconstructs that image.",
        _examples_of_balanced_mix,
        needs="study",
        absent=f"{_NO_EXAMPLES} Or the study has no mix of equal shares, which this figure shows.",
        shows_images=True,
    ),
    Entry(
        "fig2",
        "Figure 2. Annotated images, by the variable that defines the groups",
        "The taller the bar, the more images; colours mark the groups.",
        _annotated,
        needs="annotations",
    ),
    Entry(
        "fig3",
        "Figure 3. Reconstruction error (MSE) by training mix and test group",
        "Lower is better; at each mix, compare the boxes: their distance is the gap.",
        _boxes_of(_BY_NAME["mse"]),
        needs="study",
    ),
    Entry(
        "fig4",
        "Figure 4. Example reconstructions, {reference} group",
        "Each column is one image; look down it to see how the training mix changes its "
        "reconstruction.",
        _examples_of("reference"),
        needs="study",
        absent=_NO_EXAMPLES,
        shows_images=True,
    ),
    Entry(
        "fig5",
        "Figure 5. Example reconstructions, {compared} group",
        "Each column is one image; look down it to see how the training mix changes its "
        "reconstruction.",
        _examples_of("compared"),
        needs="study",
        absent=_NO_EXAMPLES,
        shows_images=True,
    ),
    Entry(
        "fig6",
        "Figure 6. Posterior standard deviation by training mix and test group",
        "If the model's own uncertainty indicated a gap, the group with the larger error would "
        "have the higher box.",
        _boxes_of(_BY_NAME["sigma"]),
        needs="study",
        absent="The study's models have no posterior standard deviation.",
    ),
    Entry(
        "fig7",
        "Figure 7. Prevalence of conditions, {compared} against {reference}",
        "Points far from the dashed line are conditions that are more common in one group: the "
        "groups differ in more than what defines them.",
        _prevalence,
        needs="annotations",
    ),
    Entry(
        "fig8",
        "Figure 8. Reconstruction error by condition, {compared} against {reference}",
        "Points above the dashed line are conditions that are reconstructed worse in the "
        "{compared} group. Ticks are the gaps shrunken towards their mean: few images tell less.",
        _conditions,
        needs="study",
        absent="No condition has test images in both groups.",
    ),
    Entry(
        "tone_shift",
        "Tone shift of skin by training mix and test group",
        "Zero is faithful. Above it, reconstructed skin is lighter than the original, below it "
        "darker, in degrees of the individual typology angle (ITA).",
        _boxes_of(_BY_NAME["ita_shift_skin"]),
        needs="study",
        absent="The study was made before tone shift was measured; run and collect it again.",
    ),
    Entry(
        "ssim",
        "Structural similarity (SSIM) by training mix and test group",
        "Higher is better, 1 is a perfect reconstruction; at each mix, compare the boxes.",
        _boxes_of(_BY_NAME["ssim"]),
        needs="study",
        absent="The study was made before SSIM was measured; run and collect it again.",
    ),
    Entry(
        "lpips",
        "Perceptual distance (LPIPS) by training mix and test group",
        "Lower is better, 0 is a perfect reconstruction; at each mix, compare the boxes.",
        _boxes_of(_BY_NAME["lpips_squeeze"]),
        needs="study",
        absent="LPIPS needs trained features of squeezenet1_1; the study has others.",
    ),
    Entry(
        "generation_share",
        "Share of {compared} images among samples",
        "On the dashed line a model generates the mix that it was trained on. A flatter line "
        "levels the mix, a steeper one exaggerates it.",
        _generation_share,
        needs="study",
        absent=_NO_SAMPLES,
    ),
    Entry(
        "sample_distance_prior",
        "Distance of test images to the nearest draw from the prior",
        "At zero a sample comes as near as another real image of the group does; the higher, the "
        "less the model generates anything like these images.",
        _boxes_of(_BY_NAME["sample_distance_prior"]),
        needs="study",
        absent=_NO_SAMPLES,
    ),
    Entry(
        "sample_distance_fitted",
        "Distance of test images to the nearest draw fitted to training latents",
        "At zero a sample comes as near as another real image of the group does; the higher, the "
        "less the model generates anything like these images.",
        _boxes_of(_BY_NAME["sample_distance_fitted"]),
        needs="study",
        absent=_NO_SAMPLES,
    ),
    Entry(
        "decomposition",
        "What goes with the gap",
        "Read downwards: each line holds more equal between the groups. What remains of the gap "
        "does not go with it; grey lines allow for a noisy measure of difficulty.",
        _decomposition,
        needs="study",
        absent="No mix has test images of both groups.",
    ),
    Entry(
        "scorecard",
        "What uncertainty scores know of the errors",
        "A flag lies right of both bands: it ranks the errors, and it rises for a group that "
        "training lacks. Scores that know no model are the bars to beat.",
        _scorecard,
        needs="study",
        absent="The study has no score with seeds enough to assess it.",
    ),
)
"""Every figure, in the order of the report."""
