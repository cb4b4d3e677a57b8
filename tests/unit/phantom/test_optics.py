from __future__ import annotations

import numpy as np
import pytest

from tonegap import tone
from tonegap.phantom import optics
from tonegap.phantom.mixtures import MELANIN_OF_FST
from tonegap.phantom.spectra import WAVELENGTHS_NM


def _lab(melanin: float, blood: float) -> np.ndarray:
    """CIELAB from the unrounded linear colour, by CIE 15's formulas written out here."""
    xyz = np.linalg.solve(optics._RGB_OF_XYZ, optics.linear_rgb(np.array(melanin), np.array(blood)))
    ratio = xyz / np.array([0.95047, 1.0, 1.08883])
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def _ita(melanin: float, blood: float = 0.02) -> float:
    lightness, _, b = _lab(melanin, blood)
    return float(np.degrees(np.arctan2(lightness - 50.0, b)))


def test_tone_follows_the_prototype() -> None:
    """At 2 % blood the angles of nine tones are the published prototype's within 1 degree."""
    fractions = [0.013, 0.03, 0.063, 0.11, 0.16, 0.18, 0.25, 0.33, 0.43]
    expected = [57, 50, 36, 21, 9, 5, -8, -21, -36]
    np.testing.assert_allclose([_ita(f) for f in fractions], expected, atol=1.0)


def test_tone_falls_strictly_with_melanin() -> None:
    """More melanin is always darker skin: both the angle and L* fall."""
    fractions = np.linspace(0.005, 0.5, 100)
    assert np.all(np.diff([_ita(f) for f in fractions]) < 0)
    assert np.all(np.diff([_lab(f, 0.02)[0] for f in fractions]) < 0)


def test_blood_makes_skin_redder_and_darker() -> None:
    """More blood raises a* and lowers L* on light and on dark skin."""
    for melanin in (0.02, 0.3):
        colours = np.array([_lab(melanin, blood) for blood in (0.005, 0.02, 0.05, 0.1)])
        assert np.all(np.diff(colours[:, 1]) > 0)
        assert np.all(np.diff(colours[:, 0]) < 0)


def test_dermis_obeys_kubelka_and_munk() -> None:
    """Taking surface and epidermis off, K/S = (1 - R)^2 / (2 R) at every wavelength."""
    blood = 0.03
    measured = optics.reflectance(np.array(0.1), np.array(blood))
    epidermis = 0.1 * optics.melanosome_absorption() + 0.9 * optics.baseline_absorption()
    scattered = (measured - 0.02) / 0.98 / np.exp(-2 * 0.006 * epidermis)
    absorbed = blood * optics.blood_absorption() + (1 - blood) * optics.baseline_absorption()
    ratio = 2 * absorbed / (0.75 * optics.dermis_scattering())
    np.testing.assert_allclose((1 - scattered) ** 2 / (2 * scattered), ratio, rtol=1e-9)


def test_white_is_white() -> None:
    """A surface that reflects everything gets sRGB's white."""
    xyz = optics.observer().sum(axis=1)
    np.testing.assert_allclose(optics._RGB_OF_XYZ @ xyz, 1.0, atol=1e-4)


def test_observer_has_the_luminance_of_the_tables() -> None:
    """The fitted functions put a monochromatic 550 nm light where CIE 1931 has it."""
    x, y, z = optics.observer()[:, WAVELENGTHS_NM == 550.0].ravel()
    # CIE 1931 at 550 nm: .4334, .9950, .0087, here times the same D65 weight.
    assert x / y == pytest.approx(0.4334 / 0.9950, rel=0.03)
    assert z / y == pytest.approx(0.0087 / 0.9950, abs=0.01)


def test_absorption_has_the_published_landmarks() -> None:
    """Melanosomes near 680/cm at 500 nm; whole blood's Soret band and its green double peak."""
    at = {int(nm): i for i, nm in enumerate(WAVELENGTHS_NM)}
    assert optics.melanosome_absorption()[at[500]] == pytest.approx(680.0, rel=0.02)
    blood = optics.blood_absorption()
    assert blood.argmax() in (at[410], at[420], at[430])
    assert blood[at[540]] > blood[at[560]] < blood[at[580]] + 20.0
    assert blood[at[540]] > 10 * blood[at[620]]


def test_table_interpolates_the_model() -> None:
    """skin_colour is within .001 of the spectra's colour over the whole range."""
    rng = np.random.default_rng(0)
    melanin = rng.uniform(0.0, optics.MELANIN_MAX, (50, 40))
    blood = rng.uniform(0.0, optics.BLOOD_MAX, (50, 40))
    blood[0], melanin[1], blood[2] = 0.0, optics.MELANIN_MAX, optics.BLOOD_MAX
    np.testing.assert_allclose(
        optics.skin_colour(melanin, blood), optics.linear_rgb(melanin, blood), atol=1e-3
    )


def test_table_clips_what_the_model_does_not_cover() -> None:
    """Fractions beyond the range give the colour at its end."""
    beyond = optics.skin_colour(np.array([-1.0, 9.0]), np.array([-1.0, 9.0]))
    ends = optics.linear_rgb(np.array([0.0, optics.MELANIN_MAX]), np.array([0.0, optics.BLOOD_MAX]))
    np.testing.assert_allclose(beyond, ends, atol=1e-5)


@pytest.mark.parametrize("fst", MELANIN_OF_FST)
def test_melanin_ranges_lie_in_the_tone_class_of_their_type(fst: int) -> None:
    """Both ends of the melanin range of a Fitzpatrick type have the class of that rank."""
    for melanin in MELANIN_OF_FST[fst]:
        assert tone.ita_class(_ita(melanin)) == tone.ITA_CLASSES[fst - 1]
