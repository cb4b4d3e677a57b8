"""Colour of skin from two parameters, the volume fractions of melanin and of blood.

Light crosses the epidermis, where melanin absorbs. A thick dermis, where blood absorbs,
scatters it back through the epidermis. The dermis follows Kubelka and Munk;
the spectrum becomes a colour under daylight D65 for the CIE 1931 observer.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from jaxtyping import Float, Integer

from tonegap.phantom.spectra import D65, DEOXYHAEMOGLOBIN, OXYHAEMOGLOBIN, WAVELENGTHS_NM

Spectrum = Float[np.ndarray, " wavelengths"]

MELANIN_MAX: Final = 0.6
"""Largest volume fraction of melanosomes in the epidermis that the model covers."""
BLOOD_MAX: Final = 0.2
"""Largest volume fraction of blood in the dermis that the model covers."""

EPIDERMIS_CM: Final = 0.006
OXYGENATION: Final = 0.7
SURFACE_REFLECTION: Final = 0.02
_PASSES: Final = 2.0
_HAEMOGLOBIN_G_PER_L: Final = 150.0
_HAEMOGLOBIN_G_PER_MOL: Final = 64_500.0

# Linear sRGB from XYZ (IEC 61966-2-1).
_RGB_OF_XYZ: Final = np.array(
    [
        [3.2404542, -1.5371385, -0.4985314],
        [-0.9692660, 1.8760108, 0.0415560],
        [0.0556434, -0.2040259, 1.0572252],
    ]
)
_SRGB_WHITE: Final = np.array([0.95047, 1.0, 1.08883])
_MELANIN_NODES: Final = 240
_BLOOD_NODES: Final = 80


def melanosome_absorption() -> Spectrum:
    """Return the absorption of melanosomes, 1/cm: 6.6e11 lambda^-3.33 (Jacques 1998)."""
    return 6.6e11 * WAVELENGTHS_NM**-3.33


def baseline_absorption() -> Spectrum:
    """Return skin's absorption without melanin and blood, 1/cm (Saidi 1992, by Jacques 1998)."""
    return 0.244 + 85.3 * np.exp(-(WAVELENGTHS_NM - 154.0) / 66.2)


def blood_absorption() -> Spectrum:
    """Return the absorption of whole blood, 1/cm, at 150 g/l and 70 % oxygenation."""
    extinction = OXYGENATION * OXYHAEMOGLOBIN + (1.0 - OXYGENATION) * DEOXYHAEMOGLOBIN
    absorption: Spectrum = (
        np.log(10.0) * extinction * (_HAEMOGLOBIN_G_PER_L / _HAEMOGLOBIN_G_PER_MOL)
    )
    return absorption


def dermis_scattering() -> Spectrum:
    """Return skin's reduced scattering, 1/cm: 46 (lambda/500)^-1.421 (Jacques 2013, table 1)."""
    return 46.0 * (WAVELENGTHS_NM / 500.0) ** -1.421


def reflectance(
    melanin: Float[np.ndarray, "*shape"], blood: Float[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape wavelengths"]:
    """Return the share of light that skin reflects, per wavelength.

    Parameters
    ----------
    melanin, blood
        Volume fractions in the epidermis and in the dermis.

    Returns
    -------
    array
        In [0, 1], at :data:`tonegap.phantom.spectra.WAVELENGTHS_NM`.

    Notes
    -----
    Kubelka-Munk reflectance of an infinitely thick dermis, 1 + K/S - sqrt((K/S)^2 + 2 K/S)
    with K = 2 mu_a and S = 3/4 mu_s'; two passes through 60 um of epidermis; 2 % of the
    light is reflected by the surface.
    """
    f, v = melanin[..., None], blood[..., None]
    dermis = v * blood_absorption() + (1.0 - v) * baseline_absorption()
    ratio = 2.0 * dermis / (0.75 * dermis_scattering())
    scattered = 1.0 + ratio - np.sqrt(ratio * ratio + 2.0 * ratio)
    epidermis = f * melanosome_absorption() + (1.0 - f) * baseline_absorption()
    passed = np.exp(-_PASSES * EPIDERMIS_CM * epidermis)
    share: np.ndarray = SURFACE_REFLECTION + (1.0 - SURFACE_REFLECTION) * passed * scattered
    return share


def _lobe(scale: float, centre_nm: float, below: float, above: float) -> Spectrum:
    """Return a Gaussian with a separate inverse width, 1/nm, on each side of its centre."""
    offset = WAVELENGTHS_NM - centre_nm
    steps = offset * np.where(offset < 0.0, below, above)
    return scale * np.exp(-0.5 * steps * steps)


@cache
def observer() -> Float[np.ndarray, "3 wavelengths"]:
    """Return weights that turn a reflectance spectrum into XYZ under D65, with sRGB's white.

    The CIE 1931 functions by the multi-lobe fit of Wyman, Sloan and Shirley (2013, Journal
    of Computer Graphics Techniques 2(2), equation 4), within about 1 % of the tables.
    """
    x = _lobe(0.362, 442.0, 0.0624, 0.0374) + _lobe(1.056, 599.8, 0.0264, 0.0323)
    x = x + _lobe(-0.065, 501.1, 0.0490, 0.0382)
    y = _lobe(0.821, 568.8, 0.0213, 0.0247) + _lobe(0.286, 530.9, 0.0613, 0.0322)
    z = _lobe(1.217, 437.0, 0.0845, 0.0278) + _lobe(0.681, 459.0, 0.0385, 0.0725)
    weights = np.stack([x, y, z]) * D65
    scaled: np.ndarray = weights * (_SRGB_WHITE / weights.sum(axis=1))[:, None]
    return scaled


def linear_rgb(
    melanin: Float[np.ndarray, "*shape"], blood: Float[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape 3"]:
    """Return linear sRGB of evenly lit skin, in [0, 1], directly from spectra (slow, exact)."""
    xyz = reflectance(melanin, blood) @ observer().T
    return np.asarray(np.clip(xyz @ _RGB_OF_XYZ.T, 0.0, 1.0))


@cache
def _table() -> Float[np.ndarray, "nodes 3"]:
    """Tabulate :func:`linear_rgb` on a grid even in melanin and in the square root of blood."""
    melanin = np.linspace(0.0, MELANIN_MAX, _MELANIN_NODES)
    blood = np.linspace(0.0, 1.0, _BLOOD_NODES) ** 2 * BLOOD_MAX
    grid = np.meshgrid(melanin, blood, indexing="ij")
    return linear_rgb(*grid).reshape(-1, 3).astype(np.float32)


def skin_colour(
    melanin: Float[np.ndarray, "*shape"], blood: Float[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape 3"]:
    """Return linear sRGB of evenly lit skin, by bilinear interpolation in a table.

    Parameters
    ----------
    melanin, blood
        Volume fractions; clipped to [0, MELANIN_MAX] and [0, BLOOD_MAX].

    Returns
    -------
    array
        float32 in [0, 1], within 0.001 of :func:`linear_rgb`.
    """
    row, below = _place(np.clip(melanin, 0.0, MELANIN_MAX) / MELANIN_MAX, _MELANIN_NODES)
    column, right = _place(np.sqrt(np.clip(blood, 0.0, BLOOD_MAX) / BLOOD_MAX), _BLOOD_NODES)
    table, corner = _table(), row * _BLOOD_NODES + column
    colour: np.ndarray = np.take(table, corner, axis=0) * ((1.0 - below) * (1.0 - right))[..., None]
    colour += np.take(table, corner + 1, axis=0) * ((1.0 - below) * right)[..., None]
    colour += np.take(table, corner + _BLOOD_NODES, axis=0) * (below * (1.0 - right))[..., None]
    colour += np.take(table, corner + _BLOOD_NODES + 1, axis=0) * (below * right)[..., None]
    return colour


def _place(
    share: Float[np.ndarray, "*shape"], nodes: int
) -> tuple[Integer[np.ndarray, "*shape"], Float[np.ndarray, "*shape"]]:
    """Return the node at or before a share in [0, 1] of an axis, and the fraction to the next."""
    position = np.asarray(share * (nodes - 1), dtype=np.float32)
    node = np.minimum(position.astype(np.int32), nodes - 2)
    return node, np.asarray(position - node, dtype=np.float32)
