"""Recipes: how the groups of a phantom data set differ.

Everything that a recipe does not name has the same distribution in all groups.

=====================  =====================================================================
recipe                 what differs between light (FST 1-2) and dark (FST 5-6)
=====================  =====================================================================
no_effect              Nothing. Melanin is drawn from all tones in every group, so the group
                       label is random and every metric, raw or normalised, is null.
tone                   Melanin only. Equal structures have different raw errors on different
                       tones (and different normalised ones), so this is not a null.
condition_only         Shares of the conditions. Melanin as in ``no_effect``.
source_only            Share of the source ``b``: lower JPEG quality, cropped, captioned.
                       Melanin as in ``no_effect``.
representation_only    Dark pictures are upside down. The groups look different, yet are
                       mirror images of each other in distribution, so neither is harder:
                       a gap comes from the shares in training, and at equal shares it is
                       null. (Training may flip pictures left to right, never top to
                       bottom.) Melanin as in ``no_effect``.
representation_mild    As ``representation_only``, but 28 % of each group have the other
                       group's orientation, so that the training share matters as much as in
                       the paper.
label_noise            As ``tone``; besides, the FST label is wrong for 4 % of the light and
                       20 % of the dark rows. Melanin, in the url, keeps the truth.
duplicates             As ``tone``; besides, 40 % of the rows are planted copies, see
                       :mod:`tonegap.phantom.copies`.
default                A mixture as in the real data. Tone, roughness, shading, conditions,
                       source and label noise differ; some copies, wrong labels, quality
                       flags, rows without FST and rows without url.
=====================  =====================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from tonegap.phantom.conditions import CONDITIONS

Group = Literal["light", "dark", "other"]
Range = tuple[float, float]

MELANIN_OF_FST: Final[dict[int, Range]] = {
    1: (0.010, 0.017),
    2: (0.020, 0.048),
    3: (0.055, 0.083),
    4: (0.092, 0.148),
    5: (0.165, 0.370),
    6: (0.395, 0.480),
}
"""Melanin of each Fitzpatrick type: within the range whose typology angle, by the optical
model at 2 % blood, falls into the class of the same rank (very light, ..., dark)."""

FST_OF_GROUP: Final[dict[Group, dict[int, float]]] = {
    "light": {1: 0.38, 2: 0.62},
    "dark": {5: 0.70, 6: 0.30},
    "other": {3: 0.54, 4: 0.46},
}
"""Shares of the Fitzpatrick types within each group, as in Fitzpatrick17k."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Distribution of the knobs within one group; values are uniform within ranges.

    Attributes
    ----------
    melanin_follows_fst : bool
        If False, melanin is drawn from all tones, with each Fitzpatrick type equally likely.
    conditions : tuple of float
        Relative weight of each of :data:`~tonegap.phantom.conditions.CONDITIONS`.
    share_b : float
        Share of the rows from source ``b``.
    roughness, shading, background : tuple of float
        Ranges. A background below 0 means none.
    upside_down : float
        Share of the pictures that are upside down, [0, 1].
    """

    melanin_follows_fst: bool = True
    conditions: tuple[float, ...] = (1.0,) * len(CONDITIONS)
    share_b: float = 0.25
    roughness: Range = (0.05, 0.15)
    shading: Range = (0.1, 0.5)
    background: Range = (-0.25, 0.25)
    upside_down: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Profiles of the groups, and the faults of their rows.

    Attributes
    ----------
    light, dark, other : Profile
        Profiles of skin with FST 1-2, 5-6 and 3-4.
    wrong_fst_light, wrong_fst_dark : float
        Share of the rows labelled light (dark) whose skin is dark (light).
    wrong_label : float
        Share of the rows with the label of another condition; half are flagged in qc.
    no_fst : float
        Share of the other rows whose FST is unknown (-1).
    copied : float
        Share of the rows that copy another row's picture.
    relabelled : float
        Share of the copies that carry another FST group or another condition.
    no_url : int
        Number of rows without a url.
    """

    light: Profile = Profile()
    dark: Profile = Profile()
    other: Profile = Profile()
    wrong_fst_light: float = 0.0
    wrong_fst_dark: float = 0.0
    wrong_label: float = 0.0
    no_fst: float = 0.0
    copied: float = 0.0
    relabelled: float = 0.0
    no_url: int = 0

    def profile(self, group: Group) -> Profile:
        """Profile of one group."""
        return {"light": self.light, "dark": self.dark, "other": self.other}[group]


_ANY_TONE: Final = Profile(melanin_follows_fst=False)
_NO_EFFECT: Final = Recipe(light=_ANY_TONE, dark=_ANY_TONE, other=_ANY_TONE)
# Weights in the order of CONDITIONS. With these, non-neoplastic conditions are commoner and
# malignant ones rarer on dark skin, as in Fitzpatrick17k (.70/.81 and .15/.10).
_LIGHT_CONDITIONS: Final = (14.0, 10.0, 8.0, 12.0, 12.0, 6.0, 4.0, 5.0, 8.0, 7.0, 14.0)
_DARK_CONDITIONS: Final = (14.0, 4.0, 12.0, 6.0, 8.0, 14.0, 16.0, 7.0, 6.0, 4.0, 9.0)

RECIPES: Final[dict[str, Recipe]] = {
    "no_effect": _NO_EFFECT,
    "tone": Recipe(),
    "condition_only": Recipe(
        light=replace(_ANY_TONE, conditions=_LIGHT_CONDITIONS),
        dark=replace(_ANY_TONE, conditions=_DARK_CONDITIONS),
        other=_ANY_TONE,
    ),
    "source_only": Recipe(
        light=replace(_ANY_TONE, share_b=0.1),
        dark=replace(_ANY_TONE, share_b=0.5),
        other=_ANY_TONE,
    ),
    "representation_only": replace(_NO_EFFECT, dark=replace(_ANY_TONE, upside_down=1.0)),
    "representation_mild": Recipe(
        light=replace(_ANY_TONE, upside_down=0.28),
        dark=replace(_ANY_TONE, upside_down=0.72),
        other=_ANY_TONE,
    ),
    "label_noise": Recipe(wrong_fst_light=0.04, wrong_fst_dark=0.20),
    "duplicates": Recipe(copied=0.4),
    "default": Recipe(
        light=Profile(conditions=_LIGHT_CONDITIONS, share_b=0.11),
        dark=Profile(
            conditions=_DARK_CONDITIONS, share_b=0.39, roughness=(0.09, 0.22), shading=(0.2, 0.6)
        ),
        other=Profile(conditions=_LIGHT_CONDITIONS, share_b=0.2),
        wrong_fst_light=0.01,
        wrong_fst_dark=0.04,
        wrong_label=0.02,
        no_fst=0.15,
        copied=0.04,
        relabelled=0.3,
        no_url=2,
    ),
}
"""Every recipe by name."""
