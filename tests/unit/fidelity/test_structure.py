"""SSIM is scikit-image's, image by image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity as reference
from torch import Tensor

from tonegap.fidelity.structure import structural_similarity
from tonegap.model.pixels import to_model_range


def _pictures(side: int) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(0)
    images = to_model_range(rng.integers(0, 256, (3, side, side, 3), dtype=np.uint8))
    noise = torch.from_numpy(rng.normal(0.0, 0.3, images.shape).astype(np.float32))
    return images, (images + noise).clamp(-1.0, 1.0)


@pytest.mark.parametrize("side", [7, 8, 32, 65])
def test_ssim_is_scikit_images(side: int) -> None:
    """Each image's value is that of scikit-image on this image alone."""
    images, again = _pictures(side)
    expected = [
        reference(a.numpy(), b.numpy(), data_range=2.0, channel_axis=0)
        for a, b in zip(images, again, strict=True)
    ]
    np.testing.assert_allclose(structural_similarity(images, again), expected, rtol=1e-6)


@pytest.mark.parametrize(("side", "window"), [(3, 3), (4, 3), (6, 5)])
def test_small_images_get_the_largest_window_that_fits(side: int, window: int) -> None:
    """Below 7 pixels the window shrinks to an odd side; nothing fails."""
    images, again = _pictures(side)
    expected = reference(
        images[0].numpy(), again[0].numpy(), win_size=window, data_range=2.0, channel_axis=0
    )
    assert structural_similarity(images, again)[0] == pytest.approx(expected, rel=1e-6)


def test_equal_images_have_one_and_inverted_ones_less_than_none() -> None:
    """One is a perfect reconstruction; a texture turned about its mean has opposite structure."""
    images = 0.5 + 0.3 * _pictures(16)[0]
    found = structural_similarity(images, images.clone())
    np.testing.assert_allclose(found, 1.0, rtol=1e-6)
    assert (structural_similarity(images, 1.0 - images) < -0.5).all()
