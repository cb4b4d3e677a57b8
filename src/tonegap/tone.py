"""Skin tone of a picture: CIELAB, the individual typology angle and its classes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float, UInt8

ITA_CLASSES: Final = ("very light", "light", "intermediate", "tan", "brown", "dark")
"""From light to dark; the position plus one is the Fitzpatrick type that phantoms get."""

_LOWER_BOUNDS_DEGREES: Final = (55.0, 41.0, 28.0, 10.0, -30.0)
# sRGB primaries and its D65 white (IEC 61966-2-1), rows X, Y, Z, divided by the white point.
_XYZ_OF_RGB: Final = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
) / np.array([[0.95047], [1.0], [1.08883]])
_SRGB_KNEE: Final = 0.04045
_LAB_KNEE: Final = 0.008856
_MIN_CHROMA: Final = 6.0
_MIN_LIGHTNESS: Final = 8.0
_MAX_LIGHTNESS: Final = 96.0
_GRID: Final = 64
_MIN_SKIN_SHARE: Final = 0.05


def _linear_of_srgb() -> Float[np.ndarray, " 256"]:
    """Linear light in [0, 1] of each 8-bit sRGB value (IEC 61966-2-1)."""
    value = np.arange(256) / 255.0
    return np.where(value > _SRGB_KNEE, ((value + 0.055) / 1.055) ** 2.4, value / 12.92)


_LINEAR: Final = _linear_of_srgb()


def lab(
    image: UInt8[np.ndarray, "*pixels 3"], dtype: type[np.floating[Any]] = np.float32
) -> Float[np.ndarray, "*pixels 3"]:
    """Convert 8-bit sRGB to CIELAB under D65, 2 degree observer.

    Parameters
    ----------
    image
        RGB, 0-255.
    dtype
        Format of the result. Differences of colours need float64: in float32 processors disagree
        on their sixth digit.

    Returns
    -------
    array
        L* in [0, 100], a* and b*.

    Notes
    -----
    CIE 15:2004, section 8.2.1. scikit-image computes the same; the table of linear light
    makes this one fast enough for a stage that measures thousands of pictures.
    """
    xyz = _LINEAR.astype(dtype)[image] @ _XYZ_OF_RGB.T.astype(dtype)
    # A power is twice as fast as numpy's cube root.
    root = np.where(xyz > _LAB_KNEE, xyz ** dtype(1.0 / 3.0), 7.787 * xyz + 16.0 / 116.0)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1)


def ita_degrees(
    lightness: Float[np.ndarray, "*pixels"], b: Float[np.ndarray, "*pixels"]
) -> Float[np.ndarray, "*pixels"]:
    """Individual typology angle: the angle of (b*, L* - 50), in degrees.

    Skin has b* > 0, where this is arctan((L* - 50) / b*) as Chardon et al. (1991) define
    it; high is light skin. For b* <= 0, no skin, it stays finite and goes on up to 180.
    """
    # asarray, because numpy turns arrays without axes into scalars on the way.
    return np.asarray(np.degrees(np.arctan2(lightness - 50.0, b)))


def ita_class(ita: float) -> str:
    """Name of the class of an individual typology angle in degrees.

    Above 55 very light, above 41 light, above 28 intermediate, above 10 tan, above -30
    brown, else dark (Chardon et al. 1991; Del Bino and Bernerd 2013).
    """
    return ITA_CLASSES[sum(ita <= bound for bound in _LOWER_BOUNDS_DEGREES)]


def mean_ita(
    image: UInt8[np.ndarray, "height width 3"], dtype: type[np.floating[Any]] = np.float32
) -> float:
    """Individual typology angle of the skin in a picture, in degrees.

    The angle of the median L* and the median b* over the pixels that may be skin, so that
    a lesion or a background below half of them does not move it. Pixels of a regular grid
    of about 64 x 64 are looked at, so that the cost does not grow with the picture.

    Parameters
    ----------
    image
        RGB, 0-255, at least 1 x 1 pixel.
    dtype
        As of :func:`lab`.

    Returns
    -------
    float
        In [-180, 180], never NaN. It says nothing where the picture shows no skin.

    Notes
    -----
    The rule for skin is wide: hue angle of (a*, b*) between 10 and 85 degrees (red to
    yellow), chroma of at least 6, L* between 8 and 96. Grey, green and blue backgrounds
    and clipped highlights fail it. Where less than 5 % of the pixels pass, such as in
    greyscale pictures, all pixels count.
    """
    colours = lab(on_grid(image).reshape(-1, 3), dtype)
    lightness, b = typical_colour(colours[skin_pixels(colours)])
    return float(ita_degrees(np.asarray(lightness), np.asarray(b)))


def on_grid(
    images: UInt8[np.ndarray, "*batch height width 3"],
) -> UInt8[np.ndarray, "*batch rows columns 3"]:
    """Pixels of a regular grid of about 64 x 64; all of them in pictures below 128 pixels."""
    height, width = images.shape[-3:-1]
    return images[..., :: max(1, height // _GRID), :: max(1, width // _GRID), :]


def typical_colour(colours: Float[np.ndarray, "pixels 3"]) -> tuple[float, float]:
    """Median L* and median b* of CIELAB colours: their angle is the ITA of a region."""
    lightness, b = np.median(colours[:, ::2], axis=0)
    return float(lightness), float(b)


def skin_pixels(colours: Float[np.ndarray, "pixels 3"]) -> Bool[np.ndarray, " pixels"]:
    """Whether each CIELAB colour counts as skin by the rule in :func:`mean_ita`.

    All do where less than 5 % pass.
    """
    skin = _may_be_skin(colours)
    return skin if skin.mean() >= _MIN_SKIN_SHARE else np.ones_like(skin)


def _may_be_skin(colours: Float[np.ndarray, "pixels 3"]) -> np.ndarray:
    """Whether each CIELAB colour passes the rule in :func:`mean_ita`; bool [pixels]."""
    lightness, a, b = colours[:, 0], colours[:, 1], colours[:, 2]
    reddish = (b > a * np.tan(np.radians(10.0))) & (b < a * np.tan(np.radians(85.0)))
    coloured = a * a + b * b >= _MIN_CHROMA**2
    exposed = (lightness > _MIN_LIGHTNESS) & (lightness < _MAX_LIGHTNESS)
    skin: np.ndarray = (a > 0) & reddish & coloured & exposed
    return skin
