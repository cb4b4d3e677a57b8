"""Pictures of phantoms: pixels and JPEG bytes from a specification or its url.

The same specification gives the same picture with the same numpy and Pillow on the same
processor. Another processor may round a pixel differently, so no bytes are pinned.
"""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image

from tonegap.phantom import lesions, optics
from tonegap.phantom.spec import PhantomSpec, parse_url

_CLOTHS: Final = np.array(
    [
        [0.04, 0.14, 0.32],
        [0.05, 0.22, 0.16],
        [0.45, 0.47, 0.50],
        [0.02, 0.02, 0.025],
        [0.7, 0.72, 0.74],
    ]
)
"""Linear RGB of backgrounds: blue, green, grey, black and white cloth."""
_ENCODED: Final = 4096
_SRGB_KNEE: Final = 0.0031308
_INK: Final = 235.0
_OPACITY: Final = 0.6


def render(spec: PhantomSpec) -> UInt8[np.ndarray, "height width 3"]:
    """Draw a phantom, before JPEG.

    Returns
    -------
    array
        sRGB, 0-255; ``spec.height`` x ``spec.width`` unless it is a resized or cropped copy.
        A copy is drawn from the JPEG of its original, like real copies.
    """
    if spec.copy is None:
        pixels = _publish(spec, _picture(spec))
        # Last, caption included: all later steps treat a picture and its mirror image alike.
        return np.ascontiguousarray(pixels[::-1]) if spec.upside_down else pixels
    decoded = Image.open(io.BytesIO(render_jpeg(spec.original))).convert("RGB")
    height, width = decoded.height, decoded.width
    picture = _cropped(decoded, spec.copy.crop)
    scale = spec.copy.resize * (1.0 - spec.copy.crop)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = picture.resize(size, Image.Resampling.BICUBIC)
    pixels = np.asarray(picture)
    pixels = pixels[:, ::-1] if spec.copy.flip else pixels
    return _captioned(pixels) if spec.copy.watermark else np.ascontiguousarray(pixels)


def render_jpeg(spec: PhantomSpec) -> bytes:
    """Draw a phantom as a JPEG file: 4:2:0 colour, no metadata."""
    quality = spec.quality if spec.copy is None else spec.copy.quality
    stream = io.BytesIO()
    Image.fromarray(render(spec)).save(stream, format="JPEG", quality=quality, subsampling="4:2:0")
    return stream.getvalue()


def jpeg_from_url(url: str) -> bytes:
    """Draw the phantom of a ``phantom:`` url as a JPEG file.

    Raises
    ------
    DataError
        If the url does not describe a phantom; see :func:`tonegap.phantom.spec.parse_url`.
    """
    return render_jpeg(parse_url(url))


def _picture(spec: PhantomSpec) -> UInt8[np.ndarray, "height width 3"]:
    """Return the scene in linear light: skin, lesion, illumination and cloth."""
    rng = np.random.default_rng(spec.skin_seed)
    melanin, blood = _pigments(spec, rng)
    light = optics.skin_colour(melanin, blood)
    light *= _lighting(spec, rng)[..., None]
    if spec.background > 0.0:
        cloth, covered = _cloth(spec, rng)
        light[covered] = cloth * spec.lighting
    return _encoded(light)


def _pigments(
    spec: PhantomSpec, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "height width"], Float[np.ndarray, "height width"]]:
    """Return the volume fractions of melanin and blood, pixel by pixel."""
    shape = (spec.height, spec.width)
    lesion = lesions.draw(spec.family, shape, spec.size, spec.irregularity, spec.lesion_seed)
    texture = lesions.power_law_noise(shape, spec.slope, rng)
    flush = lesions.power_law_noise(shape, 3.0, rng)
    melanin = spec.melanin * np.exp(spec.roughness * texture)
    blood = spec.blood * np.exp(spec.roughness * (0.5 * texture + flush))
    kept = 1.0 - spec.severity * (1.0 - lesion.melanin_factor)
    return (
        melanin * kept + spec.severity * lesion.melanin_added,
        blood + spec.severity * lesion.blood_added,
    )


def _lighting(spec: PhantomSpec, rng: np.random.Generator) -> Float[np.ndarray, "height width"]:
    """Return an exposure that falls from the upper edge downwards, tilted to one side."""
    canvas = lesions.Canvas.of((spec.height, spec.width))
    tilt = rng.uniform(-0.7, 0.7)
    way = canvas.y * np.cos(tilt) + canvas.x * np.sin(tilt)
    way = (way - way.min()) / (way.max() - way.min())
    return np.asarray(spec.lighting * (1.0 - spec.shading * way), dtype=np.float32)


def _cloth(
    spec: PhantomSpec, rng: np.random.Generator
) -> tuple[Float[np.ndarray, " 3"], Bool[np.ndarray, "height width"]]:
    """Return the colour of the background, and where it hides the skin: above a slanted line."""
    cloth = _CLOTHS[rng.integers(len(_CLOTHS))] * rng.uniform(0.7, 1.3)
    canvas = lesions.Canvas.of((spec.height, spec.width))
    slant = rng.uniform(-0.5, 0.5)
    # The line crosses the middle column at the share's height; the two sides cancel out.
    edge = (spec.background - 0.5) * spec.height / min(spec.height, spec.width)
    return cloth, canvas.y + canvas.x * slant < edge


def _encoded(light: Float[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "height width 3"]:
    """Turn linear light into sRGB bytes, clipped to [0, 1] (IEC 61966-2-1), through a table."""
    levels = np.clip(light, 0.0, 1.0) * (_ENCODED - 1) + 0.5
    return np.asarray(np.take(_SRGB, levels.astype(np.int32)))


def _srgb_table() -> UInt8[np.ndarray, " levels"]:
    light = np.linspace(0.0, 1.0, _ENCODED)
    value = np.where(light > _SRGB_KNEE, 1.055 * light ** (1 / 2.4) - 0.055, 12.92 * light)
    return np.round(value * 255.0).astype(np.uint8)


_SRGB: Final = _srgb_table()


def _publish(
    spec: PhantomSpec, pixels: UInt8[np.ndarray, "height width 3"]
) -> UInt8[np.ndarray, "height width 3"]:
    """Apply a source's changes to a picture: cut its margins and print a caption."""
    if spec.crop > 0.0:
        picture = _cropped(Image.fromarray(pixels), spec.crop)
        size = (spec.width, spec.height)
        pixels = np.asarray(picture.resize(size, Image.Resampling.BICUBIC))
    return _captioned(pixels) if spec.watermark else np.ascontiguousarray(pixels)


def _cropped(picture: Image.Image, share: float) -> Image.Image:
    """Cut ``share`` of each side away, half of it at either end."""
    left, top = round(picture.width * share / 2), round(picture.height * share / 2)
    return picture.crop((left, top, picture.width - left, picture.height - top))


def _captioned(
    pixels: UInt8[np.ndarray, "height width 3"],
) -> UInt8[np.ndarray, "height width 3"]:
    """Print a pale, half transparent line of bars, like letters, near the lower edge."""
    height, width = pixels.shape[:2]
    tall, stroke = max(2, height // 16), max(1, width // 48)
    strokes = np.array([1, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 1, 0, 1], dtype=bool)
    bars = np.flatnonzero(np.repeat(strokes, stroke)[: width // 2]) + width // 4
    rows = slice(height - 2 * tall, height - tall)
    marked = pixels.astype(np.float32)
    marked[rows, bars] += _OPACITY * (_INK - marked[rows, bars])
    return np.round(marked).astype(np.uint8)
