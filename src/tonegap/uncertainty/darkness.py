"""How dark an image is: what a score must not merely repeat."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from tonegap.uncertainty.setting import Scorer, Setting


def fit(setting: Setting) -> Scorer:
    """Return the score; it needs only the image."""
    del setting
    return lambda images: {"u_darkness": darkness(images)}


def darkness(images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, " batch"]:
    """Return 0 for a white image, 1 for a black one."""
    return (1.0 - images.cpu().double().flatten(1).mean(dim=1)) / 2.0
