"""Lesions: where melanin and blood differ from the surrounding skin, and by how much.

Each family is a pure function of the picture's size, the lesion's knobs and a Generator. It
does not depend on the skin's tone, so the same structure can be drawn on any melanin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import scipy.fft
from jaxtyping import Float

Map = Float[np.ndarray, "height width"]

_PLAQUE_BLOOD: Final = 0.09
_PAPULE_BLOOD: Final = 0.08
_RASH_BLOOD: Final = 0.06
_RING_BLOOD: Final = 0.09
_NEVUS_MELANIN: Final = 0.45
_VITILIGO_LOSS: Final = 0.93
_FLATTEST: Final = 1e-3  # white, but for its mean, which a slope of exactly 0 would keep
_EDGE: Final = 0.035  # width of soft borders as a share of the shorter side


class Modulation(NamedTuple):
    """What a lesion does to the skin, pixel by pixel.

    Attributes
    ----------
    melanin_factor
        Share of melanin that remains, in [0, 1]; 1 means no change.
    melanin_added, blood_added
        Volume fractions added after that; 0 means no change.
    """

    melanin_factor: Map
    melanin_added: Map
    blood_added: Map


@dataclass(frozen=True)
class Canvas:
    """Coordinates of the pixels, in units of the shorter side, with the centre at (0, 0)."""

    x: Map
    y: Map

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, pixels."""
        height, width = self.x.shape
        return height, width

    @classmethod
    def of(cls, shape: tuple[int, int]) -> Canvas:
        """Return the grid of pixel centres of a picture of (height, width), float32."""
        return _canvas(shape)


@lru_cache(maxsize=16)
def _canvas(shape: tuple[int, int]) -> Canvas:
    height, width = shape
    y = (np.arange(height, dtype=np.float32) + 0.5 - height / 2) / min(shape)
    x = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / min(shape)
    grid_y, grid_x = np.meshgrid(y, x, indexing="ij")
    for grid in (grid_x, grid_y):
        grid.flags.writeable = False  # shared by all pictures of this shape
    return Canvas(grid_x, grid_y)


@lru_cache(maxsize=16)
def _log_frequency(shape: tuple[int, int]) -> Float[np.ndarray, "height half"]:
    """Return the natural logarithm of the frequency of each real Fourier coefficient.

    It is infinite for the mean, so that every falling power law removes the mean.
    """
    height, width = shape
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = 1.0
    logarithm = np.log(frequency)
    logarithm[0, 0] = np.inf
    return np.asarray(logarithm, dtype=np.float32)


def power_law_noise(shape: tuple[int, int], slope: float, rng: np.random.Generator) -> Map:
    """Draw noise whose power falls as frequency^-slope; mean 0, deviation 1.

    Slope 0 is white; natural textures have about 2 (Field 1987).
    """
    white = scipy.fft.rfft2(rng.standard_normal(shape, dtype=np.float32))
    amplitude = np.exp(np.float32(-max(slope, _FLATTEST) / 2.0) * _log_frequency(shape))
    noise = scipy.fft.irfft2(white * amplitude, s=shape)
    return np.asarray(noise / noise.std())


def _soft(distance: Map, width: float) -> Map:
    """Return 1 inside (negative distance), 0 outside, and a logistic border in between."""
    return 1.0 / (1.0 + np.exp(np.clip(4.0 * distance / width, -30.0, 30.0)))


def _blob(
    canvas: Canvas,
    centre: tuple[float, float],
    radius: float,
    ragged: float,
    rng: np.random.Generator,
) -> Map:
    """Return the approximate signed distance to a circle with 2 to 7 waves on its border."""
    dx, dy = canvas.x - centre[0], canvas.y - centre[1]
    waves = np.arange(2, 8)
    sizes = rng.normal(0.0, 1.0, len(waves)) * (0.04 + 0.22 * ragged) / waves
    phases = rng.uniform(0.0, 2.0 * np.pi, len(waves))
    # cos(k angle + p) is the real part of e^(ip) z^k, z the direction: one polynomial in z
    # costs a tenth of as many cosines.
    distance = np.hypot(dx, dy)
    direction = (dx + np.complex64(1j) * dy) / np.maximum(distance, np.float32(1e-9))
    coefficients = np.concatenate([[0.0, 0.0], sizes * np.exp(1j * phases)])
    border = np.polynomial.polynomial.polyval(direction, coefficients.astype(np.complex64)).real
    return np.asarray(distance - radius * (1.0 + border))


def _centre(rng: np.random.Generator, spread: float = 0.12) -> tuple[float, float]:
    x, y = rng.uniform(-spread, spread, 2)
    return float(x), float(y)


def _blood(mask: Map, added: float) -> Modulation:
    return Modulation(np.ones_like(mask), np.zeros_like(mask), mask * added)


def plaque(canvas: Canvas, size: float, ragged: float, rng: np.random.Generator) -> Modulation:
    """Draw one large, sharply bordered patch with more blood, uneven inside."""
    outside = _blob(canvas, _centre(rng), size / 2.0, ragged, rng)
    uneven = 0.8 + 0.2 * np.tanh(power_law_noise(canvas.shape, 2.0, rng))
    return _blood(_soft(outside, _EDGE) * uneven, _PLAQUE_BLOOD)


def nevus(canvas: Canvas, size: float, ragged: float, rng: np.random.Generator) -> Modulation:
    """Draw one spot with more melanin; the more ragged it is, the darker its middle."""
    outside = _blob(canvas, _centre(rng), size / 2.0, ragged, rng)
    uneven = 1.0 + 0.5 * ragged * np.tanh(power_law_noise(canvas.shape, 2.5, rng))
    mask = _soft(outside, _EDGE) * uneven
    return Modulation(np.ones_like(mask), mask * _NEVUS_MELANIN, np.zeros_like(mask))


def vitiligo(canvas: Canvas, size: float, ragged: float, rng: np.random.Generator) -> Modulation:
    """Draw up to four merging patches that lack most of their melanin."""
    count = int(rng.integers(1, 5))
    spread = 0.1 + 0.25 * (count > 1)
    patches = [
        _blob(canvas, _centre(rng, spread), rng.uniform(0.5, 1.0) * size / 2.0, ragged, rng)
        for _ in range(count)
    ]
    mask = _soft(np.min(patches, axis=0), _EDGE)
    return Modulation(1.0 - _VITILIGO_LOSS * mask, np.zeros_like(mask), np.zeros_like(mask))


def papules(canvas: Canvas, size: float, ragged: float, rng: np.random.Generator) -> Modulation:
    """Draw spots with more blood: Poisson number, uniform positions, density from ``size``."""
    count = 3 + int(rng.poisson(70.0 * size))
    reach = (np.abs(canvas.x).max(), np.abs(canvas.y).max())
    mask = np.zeros_like(canvas.x)
    for _ in range(count):
        x, y = rng.uniform(-1.0, 1.0, 2) * reach
        radius = rng.uniform(0.02, 0.035 + 0.03 * ragged)
        # Separable, so one outer product a spot instead of a map of distances.
        row = np.exp(-0.5 * ((canvas.y[:, 0] - y) / radius) ** 2)
        column = np.exp(-0.5 * ((canvas.x[0] - x) / radius) ** 2)
        np.maximum(mask, np.outer(row, column), out=mask)
    return _blood(mask, _PAPULE_BLOOD)


def rash(canvas: Canvas, size: float, ragged: float, rng: np.random.Generator) -> Modulation:
    """Draw diffuse redness: 1/f noise above a threshold; ``size`` is the share covered."""
    noise = power_law_noise(canvas.shape, 3.5 - 1.5 * ragged, rng)
    threshold = np.quantile(noise, 1.0 - size)
    return _blood(_soft(threshold - noise, 0.6), _RASH_BLOOD)


def annular(canvas: Canvas, size: float, ragged: float, rng: np.random.Generator) -> Modulation:
    """Draw a ring with more blood around a paler centre."""
    outside = _blob(canvas, _centre(rng), size / 2.0, ragged, rng)
    thickness = rng.uniform(0.12, 0.22) * size
    ring = _soft(np.abs(outside + thickness / 2.0) - thickness / 2.0, _EDGE)
    return _blood(ring + 0.2 * _soft(outside, _EDGE) * (1.0 - ring), _RING_BLOOD)


FAMILIES: Final[dict[str, Callable[[Canvas, float, float, np.random.Generator], Modulation]]] = {
    "plaque": plaque,
    "nevus": nevus,
    "vitiligo": vitiligo,
    "papules": papules,
    "rash": rash,
    "annular": annular,
}
"""Every lesion family by name: (canvas, size, irregularity, rng) -> modulation."""


def draw(
    family: str, shape: tuple[int, int], size: float, irregularity: float, seed: int
) -> Modulation:
    """Draw a lesion at full severity, from the arguments alone.

    Parameters
    ----------
    family
        A key of :data:`FAMILIES`.
    shape
        Height and width, pixels.
    size, irregularity
        Extent as a share of the shorter side, and raggedness in [0, 1].
    seed
        Seed of the shape.
    """
    canvas = Canvas.of(shape)
    return FAMILIES[family](canvas, size, irregularity, np.random.default_rng(seed))
