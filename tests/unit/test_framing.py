from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

from tonegap.framing import centre_square


def smooth(width: int, height: int) -> Image.Image:
    """Give a picture without fine detail, so that half a pixel of shift changes little."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / 31 + c) + np.cos(y / 23 - c) for c in range(3)]
    return Image.fromarray(np.uint8(np.stack(waves, -1) * 60 + 128))


@pytest.mark.parametrize("shape", [(160, 120), (97, 311), (128, 128), (40, 50)])
def test_it_shows_what_torchvision_shows(shape):
    """The same region and filter as the paper's Resize and CenterCrop."""
    image = smooth(*shape)
    expected = Compose([Resize(64, InterpolationMode.BILINEAR), CenterCrop(64)])(image)
    difference = np.abs(centre_square(image, 64).astype(int) - np.asarray(expected).astype(int))
    # The waves change by at most 60 / 23 + 60 / 31 levels per pixel of the source, and the
    # two ways round the border by at most half a pixel of the result.
    steepest = (60 / 23 + 60 / 31) * min(shape) / 64
    assert difference.max() <= steepest / 2 + 2


def test_the_centre_stays():
    """A picture wider than high loses its sides only, equally."""
    pixels = np.zeros((20, 60, 3), np.uint8)
    pixels[:, 20:40] = 255
    assert centre_square(Image.fromarray(pixels), 20).min() == 255


def test_a_square_of_the_right_size_is_unchanged():
    """Nothing is resampled where nothing has to be."""
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(centre_square(Image.fromarray(pixels), 32), pixels)
