"""Plain words for every comparison that the statistics declare."""

from __future__ import annotations

import pytest

from tonegap.groups import LIGHT_AND_DARK, Groups
from tonegap.report.wording import comparison_name, measure_words, sides_of
from tonegap.statistics.declared import declared_contrasts


def test_every_declared_comparison_has_plain_words():
    """No short name of the documents for machines is left to the reader, for any mixes."""
    for contrast in declared_contrasts([0.0, 0.25, 0.5, 0.75, 1.0]):
        name = comparison_name(contrast.name, LIGHT_AND_DARK)
        assert "_" not in name
        assert name != contrast.name.replace("_", " ")
        assert measure_words(contrast.measure)[0].isupper()
        assert sides_of(contrast.name, contrast.measure, LIGHT_AND_DARK).below != "lower", (
            contrast.name
        )


def test_unknown_names_are_shown_as_they_are():
    """A new comparison is readable before it has words."""
    assert comparison_name("rank_of_rash", LIGHT_AND_DARK) == "rank of rash"
    assert measure_words("psnr_given_pca") == "psnr given PCA"
    assert sides_of("rank_of_rash", "mse", LIGHT_AND_DARK) == ("lower", "higher")


def test_words_name_the_groups_of_the_study():
    """Groups by sex are called by their names, in comparisons and in their sides."""
    by_sex = Groups("male", "female", {})
    assert comparison_name("slope_female", by_sex).startswith("Female images")
    assert comparison_name("sigma_gap_50", by_sex) == "Trained on 50 % female images"
    assert sides_of("gap_mixed", "mse", by_sex) == ("male fares worse", "female fares worse")


@pytest.mark.parametrize("contrast", ["slope_light", "slope_dark", "gap_mixed", "gap_worst"])
def test_sides_turn_where_higher_is_better(contrast):
    """A smaller SSIM is a larger error: what MSE says above zero, SSIM says below."""
    below, above = sides_of(contrast, "mse", LIGHT_AND_DARK)
    assert sides_of(contrast, "ssim", LIGHT_AND_DARK) == (above, below)
    assert sides_of(contrast, "lpips_squeeze", LIGHT_AND_DARK) == (below, above)


def test_sides_of_a_shift_name_its_direction():
    """A shift has no better side: zero is faithful, above it is lighter."""
    for contrast in ("slope_light", "gap_mixed", "mean_dark"):
        for metric in ("ita_shift_skin", "l_shift"):
            sides = sides_of(contrast, metric, LIGHT_AND_DARK)
            assert "darker" in sides.below
            assert "lighter" in sides.above
            assert not any("worse" in words or "error" in words for words in sides)


def test_sides_of_samples_speak_of_samples():
    """A slope of distances says whether samples come nearer, not whether an error falls."""
    sides = sides_of("slope_dark", "sample_distance_prior", LIGHT_AND_DARK)
    assert sides == ("samples come nearer", "samples move away")
    assert sides_of("gap_mixed", "sample_distance_fitted", LIGHT_AND_DARK).above == (
        "dark fares worse"
    )
