"""The sentence on tone says what the interval allows, and on what it rests."""

from __future__ import annotations

import pytest

from tonegap.groups import LIGHT_AND_DARK, Groups
from tonegap.report.tone import tone_sentences


def claims(lightness=None, **shifts: tuple[float, float, float] | None) -> dict:
    """Give mean shifts of skin's ITA by group; other measures have other numbers."""
    rows = [
        {
            "contrast": f"mean_{group}",
            "metric": metric,
            **dict(zip(("estimate", "low", "high"), shift or (None,) * 3, strict=True)),
        }
        for metric in ("ita_shift", "ita_shift_skin")
        for group, shift in shifts.items()
    ]
    for row in rows:
        if row["metric"] == "ita_shift":
            row["estimate"] = row["low"] = row["high"] = 99.0
    of_lightness = dict(zip(("estimate", "low", "high"), lightness or (None,) * 3, strict=True))
    rows += [
        {"contrast": f"mean_{group}", "metric": "l_shift_skin"} | of_lightness for group in shifts
    ]
    return {"descriptions": rows}


def test_dark_skin_made_lighter_is_said_with_its_interval():
    """Sizes are positive, and the interval goes from the smaller to the larger shift."""
    shifts = claims(dark=(6.0, 4.0, 8.0), light=(-12.3, -15.1, -9.2))
    dark, light = tone_sentences(shifts, LIGHT_AND_DARK, [])
    assert dark == (
        "Dark skin is made lighter by 6.0 degrees of ITA (95 % interval 4.0 to 8.0), on average "
        "over the training mixes."
    )
    assert light.startswith("Light skin is made darker by 12 degrees of ITA (95 % interval 9.2 to")


@pytest.mark.parametrize("shift", [(1.2, -1.0, 3.4), (0.0, 0.0, 0.0), (-1.0, -2.0, 0.0)])
def test_an_interval_that_holds_zero_is_undecided(shift):
    """No direction is claimed, whatever the estimate's sign."""
    (found,) = tone_sentences(claims(dark=shift), LIGHT_AND_DARK, [])
    assert "undecided" in found
    assert "is made lighter by" not in found
    assert "is made darker by" not in found


def test_no_direction_where_lightness_moves_the_other_way():
    """Dark skin that turns grey loses ITA though it is lighter: both numbers, no direction."""
    against = claims(lightness=(8.5, 7.0, 10.0), dark=(-9.5, -12.0, -7.0))
    (found,) = tone_sentences(against, LIGHT_AND_DARK, [])
    assert "depends on the measure: -9.5 (-12 to -7.0) degrees of ITA, +8.5 (+7.0 to +10)" in found
    for agreeing in ((-3.0, -4.0, -2.0), (1.0, -1.0, 3.0)):
        (found,) = tone_sentences(
            claims(lightness=agreeing, dark=(-9.5, -12.0, -7.0)), LIGHT_AND_DARK, []
        )
        assert found.startswith("Dark skin is made darker by 9.5 degrees")


def test_phantoms_and_random_features_are_named():
    """A sentence that is quoted alone still says that nobody was photographed."""
    basis = ["phantom images", "random features"]
    for shift in ((6.0, 4.0, 8.0), (1.0, -1.0, 3.0)):
        (found,) = tone_sentences(claims(dark=shift), LIGHT_AND_DARK, basis)
        assert found.endswith("over the training mixes (phantom images, random features).")


def test_what_was_not_measured_is_not_said():
    """A study without the measure has no sentence; other groups have their own names."""
    assert tone_sentences({"descriptions": []}, LIGHT_AND_DARK, []) == []
    assert tone_sentences(claims(dark=None), LIGHT_AND_DARK, []) == []
    (found,) = tone_sentences(claims(female=(2.0, 1.0, 3.0)), Groups("male", "female", {}), [])
    assert found.startswith("Female skin is made lighter")
