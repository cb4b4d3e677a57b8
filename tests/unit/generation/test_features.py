"""Pictures as points: pooled taps, each of mean square one over the real images."""

from __future__ import annotations

import numpy as np
import torch
from sampled_phantoms import CPU

from tonegap.generation.features import space_of
from tonegap.model.pixels import to_model_range


def test_points_are_the_taps_spatial_means(world, network) -> None:
    """Up to the scale of its tap, each feature is the mean of one channel over the picture."""
    pictures = world.light[:5]
    space, points = space_of(network, pictures, 2, CPU)
    with torch.no_grad():
        taps = network(to_model_range(pictures))
    expected = [tap.mean(dim=(2, 3)).double().numpy() for tap in taps]
    scaled = [tap / np.sqrt((tap**2).mean()) for tap in expected]
    np.testing.assert_allclose(points, np.concatenate(scaled, axis=1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(space.points(pictures[3:]), points[3:], rtol=1e-4, atol=1e-5)


def test_every_tap_counts_alike(world, network) -> None:
    """A network whose one convolution is a thousand times as large gives the same points."""
    _, plain = space_of(network, world.dark[:6], 4, CPU)
    last = network.convolutions()[-1]
    last.weight.mul_(1000.0)
    _, scaled = space_of(network, world.dark[:6], 4, CPU)
    np.testing.assert_allclose(scaled, plain, rtol=1e-4, atol=1e-5)


def test_float64_is_kept_and_batches_do_not_matter(world, network) -> None:
    """A network in float64 gives the same points to twelve digits in any batches."""
    network.double()
    _, one = space_of(network, world.light[:7], 7, CPU)
    _, other = space_of(network, world.light[:7], 2, CPU)
    np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


def test_no_pictures_are_no_points(space) -> None:
    """An empty set has the width of the space."""
    assert space.points(np.empty((0, 32, 32, 3), dtype=np.uint8)).shape == (0, len(space.scales))
