"""Measured tones of groups, and the warning where they contradict the skin types."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tonegap.cohort.tones import group_tones, tone_warning
from tonegap.groups import LIGHT_AND_DARK, Groups


def cohort(light: float, dark: float) -> pd.DataFrame:
    """Three images a group about an ITA each, one of which is not measured."""
    return pd.DataFrame(
        {
            "group": ["light"] * 3 + ["dark"] * 3,
            "fst": [1, 2, 2, 5, 6, 6],
            "ita": [light - 1.0, light + 3.04, np.nan, dark - 1.0, dark + 1.0, dark],
        }
    )


def test_median_of_the_measured_images_by_group() -> None:
    """Rounded to a tenth; a group without a measured image has none."""
    groups = Groups("light", "dark", {"light": "", "dark": "", "medium": ""})
    assert group_tones(cohort(40.0, -20.0), groups) == {
        "light": {"median_ita": 41.0, "n": 2},
        "dark": {"median_ita": -20.0, "n": 3},
        "medium": {"median_ita": None, "n": 0},
    }


def test_darker_skin_types_that_measure_lighter_are_warned_of() -> None:
    """With both medians; whichever of the two groups is the reference."""
    turned = Groups("dark", "light", {})
    for groups in (LIGHT_AND_DARK, turned):
        text = tone_warning(cohort(10.0, 25.0), groups, "fst")
        assert text.startswith("dark images have the higher skin types but measure lighter")
        assert "median ITA 25 against 11 degrees" in text
        assert tone_warning(cohort(40.0, -20.0), groups, "fst_both") == ""


def test_groups_that_are_no_skin_types_and_unmeasured_ones_are_not_warned_of() -> None:
    """There is no darker side, or no measurement."""
    assert tone_warning(cohort(10.0, 25.0), LIGHT_AND_DARK, "ita") == ""
    assert tone_warning(cohort(10.0, 25.0), LIGHT_AND_DARK, "sex") == ""
    assert tone_warning(cohort(np.nan, 25.0), LIGHT_AND_DARK, "fst") == ""


def test_light_and_dark_of_an_own_column_of_tone_are_warned_of() -> None:
    """The names say which is darker; a scale that counts from the darkest turns them round."""
    text = tone_warning(cohort(10.0, 25.0), LIGHT_AND_DARK, "skin_tone_class")
    assert text.startswith("dark images are called so by skin_tone_class but measure lighter")
    assert tone_warning(cohort(40.0, -20.0), LIGHT_AND_DARK, "skin_tone_class") == ""
    pale = Groups("pale", "deep", {})
    assert tone_warning(cohort(10.0, 25.0), pale, "skin_tone_class") == ""
