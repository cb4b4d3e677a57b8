"""What each figure is called and how to read it, in plain sentences."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A figure's words.

    Attributes
    ----------
    title : str
        What it shows.
    reading : str
        One sentence: how to read it.
    """

    title: str
    reading: str


CATALOGUE: dict[str, Entry] = {
    "exclusions_flow": Entry(
        "From annotated rows to assessed images",
        "Follow the boxes downwards: each grey box says how many rows left, and why.",
    ),
    "fig1": Entry(
        "Figure 1. Example reconstructions, balanced training mix",
        "Compare each original with the picture below it: the closer, the better the model "
        "reconstructs that image.",
    ),
    "fig2": Entry(
        "Figure 2. Annotated images by Fitzpatrick skin type",
        "The taller the bar, the more images have that skin type; colours mark the two groups "
        "that are compared.",
    ),
    "fig3": Entry(
        "Figure 3. Reconstruction error (MSE) by training mix and test group",
        "Lower is better; at each mix, compare the two boxes: their distance is the gap.",
    ),
    "fig4": Entry(
        "Figure 4. Example reconstructions, light group",
        "Each column is one image; look down it to see how the training mix changes its "
        "reconstruction.",
    ),
    "fig5": Entry(
        "Figure 5. Example reconstructions, dark group",
        "Each column is one image; look down it to see how the training mix changes its "
        "reconstruction.",
    ),
    "fig6": Entry(
        "Figure 6. Posterior standard deviation by training mix and test group",
        "If the model's own uncertainty warned of a gap, the group with the larger error would "
        "have the higher box.",
    ),
    "fig7": Entry(
        "Figure 7. Prevalence of conditions, light against dark",
        "Points far from the dashed line are conditions that are more common in one group, so "
        "groups differ in more than tone.",
    ),
    "fig8": Entry(
        "Figure 8. Reconstruction error by condition, light against dark",
        "Points above the dashed line are conditions that are reconstructed worse in the dark "
        "group.",
    ),
}
