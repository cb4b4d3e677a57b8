"""Pictures to measure, made from smooth noise."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def picture():
    """Make a picture of smooth colour noise, 96 x 64 unless told otherwise."""

    def make(seed=0, size=(96, 64)):
        small = np.random.default_rng(seed).integers(40, 215, (6, 8, 3), dtype=np.uint8)
        return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)

    return make


@pytest.fixture
def encode():
    """Encode a picture, as PNG unless told otherwise."""

    def encoded(image, form="PNG", **options):
        stream = io.BytesIO()
        image.save(stream, form, **options)
        return stream.getvalue()

    return encoded
