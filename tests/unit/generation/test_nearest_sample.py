"""Distance to the nearest sample: brute force, the null of real images, and what is not covered."""

from __future__ import annotations

import numpy as np
import pytest
from sampled_phantoms import PER_GROUP

from tonegap.generation.nearest_sample import SMALLEST, nearest_sample

GROUP = np.repeat(["light", "dark"], PER_GROUP)
CLUSTER = np.arange(2 * PER_GROUP)


def test_distances_are_those_of_brute_force() -> None:
    """The nearest sample over the nearest of the own group and another cluster, in a loop."""
    rng = np.random.default_rng(0)
    real, samples = rng.normal(size=(9, 4)), rng.normal(size=(6, 4))
    group = np.array(list("aabbbabab"))
    cluster = np.array([0, 0, 1, 2, 2, 3, 4, 5, 6])
    expected = []
    for i, x in enumerate(real):
        like = [np.linalg.norm(x - y) for j, y in enumerate(real)
                if group[j] == group[i] and cluster[j] != cluster[i]]  # fmt: skip
        made = [np.linalg.norm(x - y) for y in samples]
        expected.append(np.log(min(made)) - np.log(min(like)))
    np.testing.assert_allclose(nearest_sample(real, group, cluster, samples), expected)


def test_real_images_as_samples_are_as_near_as_real_images(world, space) -> None:
    """The null: held-out images, as many as the tested ones, give 0 in both groups."""
    points = space.points(world.test().test)
    samples = space.points(world.held_out(PER_GROUP, PER_GROUP))
    found = nearest_sample(points, GROUP, CLUSTER, samples)
    for group in ("light", "dark"):
        mine = found[group == GROUP]
        assert abs(mine.mean()) < 3.0 * mine.std() / np.sqrt(PER_GROUP)
        assert abs(mine.mean()) < 0.1


def test_a_group_that_is_not_sampled_is_far_off(world, space) -> None:
    """Only light samples: dark images have nothing near, light ones what they had."""
    points = space.points(world.test().test)
    found = nearest_sample(points, GROUP, CLUSTER, space.points(world.held_out(PER_GROUP, 0)))
    assert found[GROUP == "dark"].mean() > 0.7
    assert abs(found[GROUP == "light"].mean()) < 0.1


def test_copies_are_near_without_being_infinitely_so() -> None:
    """A sampler that gives the test images back has a large negative, finite value."""
    real = np.random.default_rng(0).normal(size=(8, 5))
    found = nearest_sample(real, np.repeat("a", 8), np.arange(8), real.copy())
    assert np.isfinite(found).all()
    assert (found < 0.5 * np.log(SMALLEST)).all()


@pytest.mark.parametrize("samples", [0, 3])
def test_without_likes_or_samples_there_is_nothing_to_compare(samples: int) -> None:
    """NaN: an image alone in its group, or in one cluster with all of it, or no samples."""
    real = np.random.default_rng(0).normal(size=(4, 5))
    group, cluster = np.array(["a", "b", "b", "b"]), np.array([0, 1, 1, 2])
    found = nearest_sample(real, group, cluster, real[:samples] + 1.0)
    assert np.isnan(found).tolist() == [True, samples == 0, samples == 0, samples == 0]
    alone = nearest_sample(real[1:3], group[1:3], cluster[1:3], real[:3])
    assert np.isnan(alone).all()
