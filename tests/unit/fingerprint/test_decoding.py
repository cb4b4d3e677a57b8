"""Unusual images: each is handled as the table in `tonegap.fingerprint.decoding` says."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tonegap.fingerprint.decoding import UnreadableImageError, decode


def same(image, other):
    return np.array_equal(np.asarray(image), np.asarray(other))


def test_plain_rgb_comes_back_as_it_was(picture, encode):
    """Lossless RGB is decoded to the same pixels, mode RGB."""
    decoded = decode(encode(picture()))
    assert decoded.mode == "RGB"
    assert same(decoded, picture())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(picture, encode, orientation):
    """Whatever way the camera was held, the upright picture comes back."""
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = picture() if undo is None else picture().transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert same(decode(encode(stored, exif=exif)), picture())


def test_damaged_exif_does_not_cost_the_picture(picture, encode):
    """A sound JPEG with rubbish for metadata is readable."""
    decoded = decode(encode(picture(), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff"))
    assert decoded.size == (96, 64)


def test_the_first_frame_of_an_animation_is_taken(picture, encode):
    """An animated PNG counts as its first frame."""
    frames = encode(picture(1), save_all=True, append_images=[picture(2), picture(3)])
    assert same(decode(frames), picture(1))


def test_cmyk_is_converted(picture, encode):
    """A CMYK JPEG becomes RGB near the original."""
    decoded = decode(encode(picture().convert("CMYK"), "JPEG", quality=95))
    assert np.abs(np.asarray(decoded, float) - np.asarray(picture(), float)).mean() < 6


def test_sixteen_bit_grey_keeps_its_high_byte(encode):
    """16-bit levels are divided, not clipped at 255."""
    levels = np.arange(0, 65536, 64, dtype=np.uint16).reshape(32, 32)
    decoded = np.asarray(decode(encode(Image.fromarray(levels))))
    assert np.array_equal(decoded[..., 0], levels >> 8)


def test_alpha_is_laid_over_white(encode):
    """Transparent pixels become white, half transparent ones half white."""
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[:2, :, 3] = 128
    decoded = np.asarray(decode(encode(Image.fromarray(pixels))))
    assert set(decoded[2:].ravel()) == {255}
    assert set(decoded[:2].ravel()) == {127}


def test_a_palette_with_a_transparent_colour_is_laid_over_white(encode):
    """Palette images go the way of other transparent ones."""
    image = Image.new("P", (4, 4), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((0, 0), 1)
    decoded = decode(encode(image, transparency=0))
    assert decoded.getpixel((0, 0)) == (200, 100, 50)
    assert decoded.getpixel((3, 3)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["I", "F"])
def test_levels_without_a_range_are_refused(encode, mode):
    """32-bit pixels state no white, so there is no rule to make 8 bits of them."""
    with pytest.raises(UnreadableImageError, match="no stated range"):
        decode(encode(Image.new(mode, (8, 8)), "TIFF"))


def test_every_truncation_is_refused(picture, encode):
    """A JPEG cut off anywhere before its last marker is unreadable, with one line."""
    whole = encode(picture(), "JPEG")
    for length in range(0, len(whole) - 60, 37):
        with pytest.raises(UnreadableImageError) as refusal:
            decode(whole[:length])
        assert "\n" not in str(refusal.value)


def test_the_pixel_limit_holds_exactly(picture, encode):
    """A picture of as many pixels as allowed is read, one more is not."""
    assert decode(encode(picture()), max_pixels=96 * 64).size == (96, 64)
    with pytest.raises(UnreadableImageError, match="more than the limit of 6143"):
        decode(encode(picture()), max_pixels=96 * 64 - 1)


@pytest.mark.parametrize("side", [10_001, 60_000])
def test_a_decompression_bomb_is_refused_by_its_header(side):
    """A tiny file that declares a huge picture is refused, below and above Pillow's own limit."""

    def chunk(name, content):
        body = name + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1_000_000))
    bomb = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )
    with pytest.raises(UnreadableImageError):
        decode(bomb)


@pytest.mark.parametrize(
    "content", [b"", b"<!DOCTYPE html><html></html>", b"%PDF-1.4\n", b"%!PS-Adobe-3.0 EPSF-3.0\n"]
)
def test_other_content_is_refused(content):
    """Web pages, documents and emptiness are no images; no outside program is started."""
    with pytest.raises(UnreadableImageError, match="no image in a known format"):
        decode(content)


@pytest.mark.parametrize("cut", [1, 2])
@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"subsampling": 0}])
def test_a_jpeg_without_its_end_marker_is_taken(picture, encode, cut, options):
    """All pixels are there, so the picture is the same."""
    content = encode(picture(), "JPEG", **options)
    assert same(decode(content[:-cut]), decode(content))
    assert same(decode(content[:-2] + b"\0" * 9), decode(content))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.97, 0.99])
@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_jpeg_that_lacks_pixels_stays_unreadable(picture, encode, share, options):
    """A half-grey picture is never measured, wherever the file is cut."""
    content = encode(picture(), "JPEG", quality=95, **options)
    with pytest.raises(UnreadableImageError):
        decode(content[: int(share * len(content))])
