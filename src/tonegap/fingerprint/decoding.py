"""Bytes to upright 8-bit RGB, with one stated rule for every unusual image.

========================  =============================================================
image                     handling
========================  =============================================================
EXIF orientation          applied, so that a turned copy without EXIF has equal pixels
animated, several pages   the first frame
CMYK, YCbCr, LAB          Pillow's conversion to RGB; colour profiles are not applied
16-bit grey               divided by 257 (the high byte), not clipped
palette, alpha            composited over white
32-bit integer or float   unreadable: such files state no range
truncated, damaged        unreadable: a half-grey picture must not be measured
JPEG without end marker   decoded if all its pixels are there (baseline JPEG only)
more than ``max_pixels``  unreadable, judged by the header before anything is decoded
other formats             unreadable: only formats of photographs are tried
========================  =============================================================
"""

from __future__ import annotations

import io
import threading
import warnings
from typing import Final

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from tonegap.errors import DataError, one_line

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MAX_PIXELS: Final = 100_000_000

_SIXTEEN_BIT: Final = ("I;16", "I;16L", "I;16B", "I;16N")
_NO_RANGE: Final = ("I", "F")
_JPEG: Final = b"\xff\xd8"
_END_OF_IMAGE: Final = b"\xff\xd9"
_FILLERS: Final = (b"", b"\x55" * 512, b"\xaa" * 512)
_AS_IT_LIES: Final = 1  # the Exif orientation
_WHITE: Final = (255, 255, 255, 255)


class UnreadableImageError(DataError):
    """Bytes are not an image that can be decoded safely; the message is one line."""


class _Quiet:
    """Silence Pillow's warnings while any thread decodes.

    Pillow warns about odd metadata and large pictures; neither changes the pixels, and
    size is checked here. ``warnings.catch_warnings`` alone would leave threads with each
    other's filters, so the first thread to enter saves them and the last to leave restores
    them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._saved = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._saved = warnings.catch_warnings()
                self._saved.__enter__()
                warnings.simplefilter("ignore")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._saved.__exit__(None, None, None)


_QUIET: Final = _Quiet()


def decode(content: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode an image to upright 8-bit RGB by the rules of this module.

    Parameters
    ----------
    content
        The bytes of an image file.
    max_pixels
        Largest width x height that is decoded. Pillow's own limit of about 179 million
        pixels applies as well.

    Returns
    -------
    Image
        Mode RGB, loaded: it no longer depends on ``content``.

    Raises
    ------
    UnreadableImageError
        If the bytes are not an image, or the image is damaged or too large.
    """
    try:
        return _decoded(content, max_pixels)
    except UnreadableImageError:
        raise
    except UnidentifiedImageError:
        raise UnreadableImageError(f"no image in a known format ({_opening(content)})") from None
    except Exception as error:  # noqa: BLE001  # decoders raise nearly anything on damaged bytes
        if (whole := _without_end_marker(content, max_pixels)) is not None:
            return whole
        raise UnreadableImageError(f"cannot be decoded: {one_line(error)}"[:200]) from None


def _decoded(content: bytes, max_pixels: int) -> Image.Image:
    with _QUIET, Image.open(io.BytesIO(content), formats=FORMATS) as image:
        _require_size(image, max_pixels)
        image.load()
        return _upright_rgb(image)


def _without_end_marker(content: bytes, max_pixels: int) -> Image.Image | None:
    """Decode a baseline JPEG that lacks only its end marker; None if pixels are missing.

    The decoder makes up missing pixels from the bytes that follow. So the file is decoded with two
    different endings: a picture that is all there comes out the same.
    """
    if not content.startswith(_JPEG) or content.rstrip(b"\x00").endswith(_END_OF_IMAGE):
        return None
    try:
        with _QUIET:
            progressive = "progressive" in Image.open(io.BytesIO(content), formats=FORMATS).info
        body = content.removesuffix(_END_OF_IMAGE[:1])  # cut between the marker's two bytes
        ways = [_decoded(body + filler + _END_OF_IMAGE, max_pixels) for filler in _FILLERS]
    except Exception:  # noqa: BLE001  # damaged in another way
        return None
    same = all(np.array_equal(np.asarray(ways[0]), np.asarray(way)) for way in ways[1:])
    return ways[0] if same and not progressive else None


def _require_size(image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise UnreadableImageError(
            f"{width} x {height} pixels are more than the limit of {max_pixels} (fetch.max_pixels)"
        )


def _upright_rgb(image: Image.Image) -> Image.Image:
    if image.mode in _NO_RANGE:
        raise UnreadableImageError(f"pixels of mode {image.mode} have no stated range")
    if "exif" in image.info or image.format == "TIFF":
        image = _upright(image)
    if image.mode in _SIXTEEN_BIT:
        image = Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, _WHITE), image)
    return image.convert("RGB") if image.mode != "RGB" else image


def _upright(image: Image.Image) -> Image.Image:
    try:
        if image.getexif().get(ExifTags.Base.Orientation, _AS_IT_LIES) == _AS_IT_LIES:
            return image  # as most are: transposing would copy it
        return ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001  # damaged metadata must not reject an intact picture
        return image


def _opening(content: bytes) -> str:
    return f"it begins {content[:8]!r}" if content else "it is empty"
