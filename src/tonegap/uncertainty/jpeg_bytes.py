"""Bytes of an image as JPEG: its complexity, a bar that knows neither model nor training images."""

from __future__ import annotations

import io

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image

from tonegap.model.pixels import to_8_bit
from tonegap.uncertainty.setting import Scorer, Setting


def fit(setting: Setting) -> Scorer:
    """Return the score at the setting's quality."""
    return lambda images: {
        "u_jpeg_bytes": torch.tensor(
            [float(jpeg_bytes(image, setting.jpeg_quality)) for image in to_8_bit(images)]
        )
    }


def jpeg_bytes(image: UInt8[np.ndarray, "height width 3"], quality: int) -> int:
    """Return the size of the file that Pillow writes, header included."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="JPEG", quality=quality)
    return buffer.tell()
