"""One decode per image, every measure from it."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import Float
from PIL import Image

from tonegap.fingerprint import phash, quality
from tonegap.fingerprint.decoding import MAX_PIXELS, UnreadableImageError, decode
from tonegap.tone import mean_ita

_THUMBNAIL: Final = 128
_COMPARED: Final = 32
# Of width and height: hashes of copies that lost 2 to 5 %, or 5 to 10 %, come near to these.
_CROPPED: Final = (0.035, 0.075)
_CORNERS: Final = ((0.5, 0.5), (0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0))
_ONE_SIDE: Final = 0.04  # of width or height, cut off one side: the picture's shape changes too
_INNER: Final = 0.15  # cut off at each edge: captions and rulers are nearly always printed there
_MIN_CONTRAST: Final = 2.0  # grey levels: below, a hash is made of noise


def _boxes() -> list[tuple[float, float, float, float]]:
    """Return the boxes (left, upper, right, lower) of the thumbnail, its inner part, its crops."""
    full = float(_THUMBNAIL)
    edge, side = full * _INNER, full * _ONE_SIDE
    crops = [
        (cut * x, cut * y, full - cut + cut * x, full - cut + cut * y)
        for cut in (full * share for share in _CROPPED)
        for x, y in _CORNERS
    ]
    one_side = [
        (side, 0.0, full, full),
        (0.0, side, full, full),
        (0.0, 0.0, full - side, full),
        (0.0, 0.0, full, full - side),
    ]
    inner = (edge, edge, full - edge, full - edge)
    return [(0.0, 0.0, full, full), inner, *crops, *one_side]


_VIEWS: Final = phash.views(_THUMBNAIL, _boxes())
_MEANS: Final = phash.area_means(_COMPARED, _THUMBNAIL, 0.0, float(_THUMBNAIL))


@dataclass(frozen=True)
class Fingerprint:
    """The measures of one image; those of an unreadable image are None.

    Attributes
    ----------
    md5hash : str
        The image's name in the annotation table.
    readable, problem
        True if it could be decoded; else the reason, in one line.
    sha256 : str
        Of the file.
    pixel_sha256 : str
        Hash of the upright RGB pixels and their size: equal for equal pictures in any file.
    phash, phash_flip : str
        64-bit perceptual hashes, 16 hexadecimal digits; ``phash_flip`` is that of the
        picture flipped left to right. None for a picture without contrast, whose hash
        would be noise.
    phash_crops : str
        The hashes of 14 crops, one after the other: that of a cropped copy is near to one of
        them. Five (centre, then the corners left above, right above, left below, right
        below) are 3.5 % narrower and lower than the picture, five are 7.5 %, and four lack
        4 % at one side (left, upper, right, lower).
    phash_inner : str
        The hash of the picture without 15 % at each edge, where captions are.
    thumbnail : str
        32 x 32 grey levels, row by row, 2 hexadecimal digits each. Their detail distinguishes
        copies from pictures with similar hashes. A thumbnail shows the patient: treat the
        table as you treat the images.
    width, height
        Pixels, upright.
    ita : float
        Individual typology angle of the skin, degrees.
    sharpness, entropy : float
        See :mod:`tonegap.fingerprint.quality`.
    bytes_per_pixel : float
        Bytes of the file per pixel.
    """

    md5hash: str
    readable: bool
    problem: str | None
    sha256: str
    pixel_sha256: str | None = None
    phash: str | None = None
    phash_flip: str | None = None
    phash_crops: str | None = None
    phash_inner: str | None = None
    width: int | None = None
    height: int | None = None
    ita: float | None = None
    sharpness: float | None = None
    entropy: float | None = None
    bytes_per_pixel: float | None = None
    thumbnail: str | None = None


class ImageFile(NamedTuple):
    """An image to measure, or one line on why its bytes could not be read."""

    md5hash: str
    content: bytes
    problem: str | None = None


COLUMNS: Final = tuple(field.name for field in dataclasses.fields(Fingerprint))


def fingerprint(md5hash: str, content: bytes, max_pixels: int = MAX_PIXELS) -> Fingerprint:
    """Take every measure of one image; never raise, whatever ``content`` holds."""
    try:
        image = decode(content, max_pixels)
    except UnreadableImageError as problem:
        return unreadable(md5hash, content, str(problem))
    return dataclasses.replace(
        _of_bytes(md5hash, content),
        width=image.width,
        height=image.height,
        bytes_per_pixel=len(content) / (image.width * image.height),
        pixel_sha256=_pixel_sha256(image),
        **_of_thumbnail(_thumbnail(image)),
    )


def unreadable(md5hash: str, content: bytes, problem: str | None) -> Fingerprint:
    """Return the fingerprint of bytes that are not a picture."""
    return dataclasses.replace(_of_bytes(md5hash, content), readable=False, problem=problem)


def fingerprint_all(files: Sequence[ImageFile], max_pixels: int = MAX_PIXELS) -> list[Fingerprint]:
    """Take every measure of each image: a task for a worker process."""
    return [
        fingerprint(file.md5hash, file.content, max_pixels)
        if file.problem is None
        else unreadable(*file)
        for file in files
    ]


def _of_bytes(md5hash: str, content: bytes) -> Fingerprint:
    digest = hashlib.sha256(content).hexdigest()
    return Fingerprint(md5hash=md5hash, readable=True, problem=None, sha256=digest)


def _pixel_sha256(image: Image.Image) -> str:
    digest = hashlib.sha256(f"{image.width}x{image.height}:".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()


def _thumbnail(image: Image.Image) -> Image.Image:
    """Reduce to a fixed square by area means; enlarge linearly if a side is shorter."""
    enlarges = min(image.size) < _THUMBNAIL
    method = Image.Resampling.BILINEAR if enlarges else Image.Resampling.BOX
    return image.resize((_THUMBNAIL, _THUMBNAIL), method)


def _of_thumbnail(thumbnail: Image.Image) -> dict[str, Any]:
    rgb, levels = np.asarray(thumbnail), np.asarray(thumbnail.convert("L"))
    grey = levels.astype(np.float64)
    small = _MEANS @ grey @ _MEANS.T
    return {
        "ita": mean_ita(rgb),
        "sharpness": quality.sharpness(grey),
        "entropy": quality.entropy_bits(levels),
        "thumbnail": np.rint(small).astype(np.uint8).tobytes().hex(),
        **(_hashes(grey) if small.std() >= _MIN_CONTRAST else {}),
    }


def _hashes(grey: Float[np.ndarray, "128 128"]) -> dict[str, str]:
    cosines = phash.cosines(grey, _VIEWS)
    full, inner, *crops = phash.phash(cosines)
    return {
        "phash": full,
        "phash_flip": phash.phash(phash.mirrored(cosines[:1]))[0],
        "phash_crops": "".join(crops),
        "phash_inner": inner,
    }
