"""Shifts of colour and tone: zero for a copy, and what was planted for a phantom."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from skimage.color import deltaE_ciede2000, rgb2lab
from torch import Tensor

from tonegap.fidelity.tone_shift import TONE_COLUMNS, tone_shifts
from tonegap.model.pixels import to_model_range
from tonegap.phantom import optics
from tonegap.phantom.render import render
from tonegap.phantom.spec import PhantomSpec
from tonegap.tone import mean_ita

PLAIN = PhantomSpec(
    melanin=0.03, blood=0.02, family="plaque", lesion_seed=1, size=0.3, severity=0.0,
    irregularity=0.2, skin_seed=1, roughness=0.0, slope=2.0, source="a", quality=95, crop=0.0,
    watermark=False, lighting=1.0, shading=0.0, background=0.0, upside_down=False,
    width=48, height=48,
)  # fmt: skip
LIGHT, DARK = 0.03, 0.25


def picture(**knobs: object) -> np.ndarray:
    return render(dataclasses.replace(PLAIN, **knobs))


def batch(*pictures: np.ndarray) -> Tensor:
    return to_model_range(np.stack(pictures))


def shifts(before: np.ndarray, after: np.ndarray) -> dict[str, float]:
    found = tone_shifts(batch(before), batch(after))
    return {name: float(values[0]) for name, values in found.items()}


def planted_ita(melanin: float) -> float:
    """Angle of the optical model's colour, in floating point and by scikit-image."""
    light = optics.skin_colour(np.full((1, 1), melanin), np.full((1, 1), PLAIN.blood))
    value = np.clip(light, 0.0, 1.0)
    srgb = np.where(value > 0.0031308, 1.055 * value ** (1 / 2.4) - 0.055, 12.92 * value)
    lightness, _, b = rgb2lab(srgb)[0, 0]
    return float(np.degrees(np.arctan2(lightness - 50.0, b)))


def test_a_copy_is_not_shifted() -> None:
    """Every shift and difference is exactly zero for equal pictures, skin or noise."""
    noise = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    images = batch(picture(roughness=0.1, severity=1.0), noise)
    found = tone_shifts(images, images.clone())
    assert tuple(found) == TONE_COLUMNS
    for name in TONE_COLUMNS[:-1]:
        assert (found[name] == 0.0).all(), name


@pytest.mark.parametrize(("before", "after"), [(DARK, LIGHT), (LIGHT, DARK), (0.1, 0.13)])
def test_another_melanin_shifts_by_the_planted_angle(before: float, after: float) -> None:
    """Lighter is positive; the size is the optical model's, to the rounding of 8 bits."""
    found = shifts(picture(melanin=before), picture(melanin=after))
    planted = planted_ita(after) - planted_ita(before)
    for name in ("ita_shift", "ita_shift_skin"):
        assert found[name] == pytest.approx(planted, abs=1.0)
    assert np.sign(found["l_shift"]) == np.sign(before - after)


def test_cloth_that_keeps_its_colour_hides_no_shift_of_skin() -> None:
    """Skin alone has the planted angle although most of the picture, cloth, is not shifted."""
    knobs = {"background": 0.6, "skin_seed": 4}  # cloth that is no skin: asserted below
    before, after = (picture(melanin=melanin, **knobs) for melanin in (DARK, LIGHT))
    found = shifts(before, after)
    planted = planted_ita(LIGHT) - planted_ita(DARK)
    assert found["ita_shift_skin"] == pytest.approx(planted, abs=1.0)
    assert abs(found["l_shift"]) < 0.1 * found["l_shift_skin"]
    assert found["delta_e_skin"] > 2.0 * found["delta_e"]


def test_the_tone_seen_is_that_of_the_hash_stage() -> None:
    """ita_seen is the angle of the original, as it is measured of every image."""
    pictures = [picture(melanin=melanin, roughness=0.1) for melanin in (0.02, 0.1, 0.3)]
    found = tone_shifts(batch(*pictures), batch(*pictures[::-1]))
    np.testing.assert_allclose(found["ita_seen"], [mean_ita(p) for p in pictures], atol=1e-3)
    moved = found["ita_seen"] + found["ita_shift_skin"]
    np.testing.assert_allclose(moved, found["ita_seen"].flip(0), atol=0.5)


def test_skin_is_chosen_on_the_original() -> None:
    """A reconstruction that turns half of the skin grey is compared on all of the skin."""
    before = picture()
    after = before.copy()
    after[:, :30] = 60
    found = shifts(before, after)
    assert found["l_shift_skin"] < -20.0


def test_differences_are_scikit_images() -> None:
    """The mean over pixels of CIEDE2000, from scikit-image's Lab; over skin, of these pixels."""
    rng = np.random.default_rng(1)
    before, after = rng.integers(0, 256, (2, 20, 20, 3), dtype=np.uint8)
    expected = deltaE_ciede2000(rgb2lab(before), rgb2lab(after))
    assert shifts(before, after)["delta_e"] == pytest.approx(expected.mean(), rel=1e-3)
    half = before.copy()
    half[:10] = (30, 90, 200)  # blue, no skin
    half[10:] = (200, 150, 120)
    found = shifts(half, after)
    expected = deltaE_ciede2000(rgb2lab(half), rgb2lab(after))
    assert found["delta_e_skin"] == pytest.approx(expected[10:].mean(), rel=1e-3)


def test_angles_wrap() -> None:
    """Blue passes from -179.5 to 179.8 degrees: a shift of -0.7, not of 359."""
    below, above = (np.full((16, 16, 3), (60, g, 200), dtype=np.uint8) for g in (118, 120))
    before, after = (float(tone_shifts(batch(p), batch(p))["ita_seen"][0]) for p in (below, above))
    assert after - before > 359.0
    assert shifts(below, above)["ita_shift"] == pytest.approx(after - before - 360.0)
    assert shifts(above, below)["ita_shift"] == pytest.approx(before - after + 360.0)


def test_pictures_out_of_range_are_clipped() -> None:
    """A decoder that leaves [-1, 1] is seen as the picture that would be saved."""
    images = batch(picture())
    beyond = torch.full_like(images, 3.0)
    torch.testing.assert_close(tone_shifts(images, beyond), tone_shifts(images, beyond / 3.0))


def test_no_images_have_no_shifts() -> None:
    """An empty batch gives empty columns."""
    empty = torch.empty(0, 3, 16, 16)
    assert all(len(values) == 0 for values in tone_shifts(empty, empty).values())
