"""Structural similarity of an image and its reconstruction."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from skimage import metrics
from torch import Tensor

_WINDOW: Final = 7  # pixels, scikit-image's default
_RANGE: Final = 2.0  # of values in [-1, 1]


def structural_similarity(
    images: Float[Tensor, "batch 3 height width"],
    reconstruction: Float[Tensor, "batch 3 height width"],
) -> Float[Tensor, " batch"]:
    """Return the per-image SSIM of images in [-1, 1] (Wang et al. 2004, IEEE TIP 13:600).

    One for equal images, about zero for unrelated ones, negative for opposite structure.

    Notes
    -----
    scikit-image's, with its defaults: mean over an even window of 7 x 7 pixels and over the three
    channels, K1 = .01, K2 = .03, the data range 2. Images with a side below 7 pixels get the
    largest odd window that they hold.
    """
    originals, again = (
        batch.detach().cpu().permute(0, 2, 3, 1).numpy() for batch in (images, reconstruction)
    )
    window = min(_WINDOW, *((side - 1) // 2 * 2 + 1 for side in originals.shape[1:3]))
    values = [
        metrics.structural_similarity(  # type: ignore[no-untyped-call]
            *pair, win_size=window, data_range=_RANGE, channel_axis=-1
        )
        for pair in zip(originals, again, strict=True)
    ]
    return torch.from_numpy(np.asarray(values, dtype=np.float64))
