from __future__ import annotations

import numpy as np
import pytest
import torch

from tonegap.model.pixels import to_8_bit, to_model_range


def test_the_model_range_ends_at_one():
    """0 becomes -1, 255 becomes 1, channels come first."""
    image = np.zeros((1, 2, 2, 3), dtype=np.uint8)
    image[0, :, :, 2] = 255
    found = to_model_range(image)
    assert found.shape == (1, 3, 2, 2)
    assert found[0, :, 0, 0].tolist() == [-1.0, -1.0, 1.0]


def test_every_value_comes_back():
    """All 256 values, from an array as from a tensor."""
    pixels = np.arange(256 * 3, dtype=np.uint32).astype(np.uint8).reshape(4, 8, 8, 3)
    np.testing.assert_array_equal(to_8_bit(to_model_range(pixels)), pixels)
    assert torch.equal(to_model_range(torch.from_numpy(pixels)), to_model_range(pixels))
    np.testing.assert_array_equal(to_model_range(pixels[:, ::-1]), to_model_range(pixels).flip(2))


@pytest.mark.parametrize(("value", "expected"), [(-1.5, 0), (1.5, 255), (-0.9999, 0), (0.004, 128)])
def test_values_are_rounded_and_cut_off(value, expected):
    """A model without a bound may leave [-1, 1]."""
    assert (to_8_bit(torch.full((1, 3, 1, 1), value)) == expected).all()
