"""Kernel distances: torchmetrics', the formula, and zero for real images."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from sampled_phantoms import PER_GROUP
from torchmetrics.image.kid import KernelInceptionDistance

from tonegap.generation.features import PooledFeatures
from tonegap.generation.kernel_distance import FEWEST, kernel_distance, kernel_distances
from tonegap.model.pixels import to_model_range


def unbiased_mmd(x: np.ndarray, y: np.ndarray) -> float:
    """Squared maximum mean discrepancy, in loops over pairs of different points."""

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / len(a) + 1.0) ** 3)

    def within(z: np.ndarray) -> float:
        return float(np.mean([kernel(a, b) for i, a in enumerate(z) for j, b in enumerate(z)
                              if i != j]))  # fmt: skip

    return within(x) + within(y) - 2.0 * float(np.mean([kernel(a, b) for a in x for b in y]))


def test_it_is_the_unbiased_discrepancy() -> None:
    """With subsets that hold all points, every subset gives the formula's value."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 12, 5))
    found = kernel_distance(x, y + 0.5, 12, seed=0)
    assert found.value == pytest.approx(unbiased_mmd(x, y + 0.5))
    assert found.deviation == pytest.approx(0.0, abs=1e-12)


def test_it_is_torchmetrics_with_the_network_as_feature(world, network) -> None:
    """The same pictures through a feature module give the same distance."""
    network.double()
    features = PooledFeatures(network)
    real, samples = (to_model_range(p[:12]).double() for p in (world.light, world.dark))
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        metric = KernelInceptionDistance(features, subsets=2, subset_size=12)
        metric.update(real, real=True)
        metric.update(samples, real=False)
        expected = float(metric.compute()[0])
        points = [features(p).numpy() for p in (real, samples)]
    assert kernel_distance(*points, 12, seed=0).value == pytest.approx(expected)


def test_real_images_are_at_no_distance(world, space) -> None:
    """The null: held-out images of each group, within two deviations over subsets."""
    real = {"light": space.points(world.light[:PER_GROUP]),
            "dark": space.points(world.dark[:PER_GROUP])}  # fmt: skip
    rest = slice(PER_GROUP, 2 * PER_GROUP)
    held = {"light": space.points(world.light[rest]), "dark": space.points(world.dark[rest])}
    for found in kernel_distances(real, held, 0).values():
        assert abs(found.value) < 2.0 * found.deviation
        assert found.images == PER_GROUP // 2
    swapped = kernel_distances(real, {"light": held["dark"], "dark": held["light"]}, 0)
    for group, found in swapped.items():
        assert found.value > 3.0 * found.deviation, group


def test_groups_are_compared_at_equal_numbers() -> None:
    """The smaller set decides for both; a group with too few samples has no distance."""
    rng = np.random.default_rng(0)
    real = {"light": rng.normal(size=(60, 4)), "dark": rng.normal(size=(50, 4))}
    samples = {"light": rng.normal(size=(90, 4)), "dark": rng.normal(size=(30, 4))}
    found = kernel_distances(real, samples, 0)
    assert {d.images for d in found.values()} == {15}
    samples["dark"] = samples["dark"][: FEWEST - 1]
    found = kernel_distances(real, samples, 0)
    assert math.isnan(found["dark"].value)
    assert found["light"].images == 30
    none = kernel_distances(real, {"light": real["light"][:3], "dark": real["dark"][:0]}, 0)
    assert all(math.isnan(d.value) and d.images == 0 for d in none.values())


def test_the_seed_decides_the_subsets_and_nothing_else_moves() -> None:
    """Equal seeds give equal numbers; the global generator stays."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 40, 4))
    before = torch.get_rng_state()
    first, again, other = (kernel_distance(x, y, 10, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert first == again
    assert first != other
