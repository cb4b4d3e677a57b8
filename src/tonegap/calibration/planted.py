"""The effects that each phantom recipe plants, as data: which estimators should find them.

``plants`` names the effects that exist by construction. An estimator that asks for another effect
should reject in 5 % of the studies, whatever its own population value. Some recipes also bring
an effect about that they are not named for; ``follows`` names it, and why.

The true *value* of every estimator is that of the population, measured over many trainings
(:func:`tonegap.calibration.trained.true_values`): bias and coverage refer to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Effect = Literal["gap", "gap at equal condition", "gap at equal condition and source", "own share"]

GAP: Final[tuple[Effect, ...]] = (
    "gap",
    "gap at equal condition",
    "gap at equal condition and source",
)


@dataclass(frozen=True)
class Planted:
    """One recipe of the calibration.

    Attributes
    ----------
    phantoms
        Recipe of :data:`tonegap.phantom.mixtures.RECIPES`.
    plants
        Effects that it plants.
    follows
        Effects that come with it.
    why
        What is planted, and why the others follow.
    unequal
        True if the pools have the paper's ratio (7,755 to 2,168) instead of equal sizes.
    contrast
        Factor on every dark picture's difference from the mean picture of the population.
    dealt
        Whether every study deals the images to the groups at random, so that no chance of one
        population favours a group.
    """

    phantoms: str
    plants: tuple[Effect, ...]
    follows: tuple[Effect, ...]
    why: str
    unequal: bool = False
    contrast: float = 1.0
    dealt: bool = False

    def holds(self, effect: str) -> str:
        """Return how an effect arises: ``planted``, ``follows`` or ``none``."""
        if effect in self.plants:
            return "planted"
        return "follows" if effect in self.follows else "none"


RECIPES: Final[dict[str, Planted]] = {
    "no_effect": Planted(
        "no_effect", (), (), "nothing: both groups come from one distribution", dealt=True
    ),
    "diversity": Planted(
        "no_effect",
        (),
        (),
        "nothing, but light has four times as many images to train on",
        unequal=True,
        dealt=True,
    ),
    "contrast_only": Planted(
        "no_effect",
        GAP,
        (),
        "dark pictures differ 1.136 times as much from the mean picture: PCA finds the same "
        "components in both groups, and dark errors are 29 % larger whatever it was trained on",
        contrast=1.136,
        dealt=True,
    ),
    "representation_mild": Planted(
        "representation_mild",
        ("own share",),
        (),
        "the groups are mirror images of each other: no gap on average over symmetric mixes",
    ),
    "representation_only": Planted(
        "representation_only",
        ("own share",),
        (),
        "as representation_mild, at full strength: all dark pictures are upside down",
    ),
    "condition_only": Planted(
        "condition_only",
        ("gap",),
        ("own share",),
        "other shares of the conditions; PCA spends components on the commoner ones",
    ),
    "source_only": Planted(
        "source_only",
        ("gap", "gap at equal condition"),
        ("own share",),
        "half of the dark images are cropped, captioned and coarsely coded, a tenth of the light; "
        "PCA learns caption and crop from the group that has them",
    ),
    "tone": Planted(
        "tone",
        GAP,
        ("own share",),
        "melanin: dark pictures vary less, so the gap is negative; PCA's mean and first "
        "components are those of the skins in training",
    ),
    "label_noise": Planted(
        "label_noise",
        GAP,
        ("own share",),
        "as tone, with 4 % of the light and 20 % of the dark labels wrong: effects shrink",
    ),
    "duplicates": Planted(
        "duplicates", GAP, ("own share",), "as tone, and 40 % of the rows are copies of others"
    ),
}
"""Every recipe of ``tonegap calibrate --model pca``."""
