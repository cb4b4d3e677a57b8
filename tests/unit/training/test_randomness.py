"""Random numbers are a function of (seed, stream, epoch, step)."""

from __future__ import annotations

import torch
from scipy import stats

from tonegap.training.randomness import DeviceNoise, Stream, host_generator

CPU = torch.device("cpu")


def test_noise_does_not_depend_on_what_was_drawn_before():
    """A resumed run draws the same noise at a step as an undisturbed one."""
    undisturbed, resumed = DeviceNoise(5, CPU), DeviceNoise(5, CPU)
    for step in range(3):
        undisturbed.draw(0, step, (4, 2))
    assert torch.equal(undisturbed.draw(1, 7, (4, 2)), resumed.draw(1, 7, (4, 2)))


def test_noise_differs_between_seeds_epochs_and_steps():
    """No two steps share noise, also where epoch and step trade places."""
    draws = [
        DeviceNoise(seed, CPU).draw(epoch, step, (8,))
        for seed, epoch, step in ((0, 1, 2), (0, 2, 1), (1, 1, 2), (0, 1, 3))
    ]
    assert len({tuple(draw.tolist()) for draw in draws}) == 4


def test_noise_is_standard_normal():
    """Kolmogorov and Smirnov see no difference over many steps."""
    noise = DeviceNoise(0, CPU)
    pooled = torch.cat([noise.draw(0, step, (100,)) for step in range(100)])
    assert stats.kstest(pooled.numpy(), "norm").pvalue > 0.001


def test_drawing_leaves_the_global_generator_alone():
    """Training moves no global seed."""
    before = torch.get_rng_state()
    DeviceNoise(0, CPU).draw(0, 0, (8,))
    assert torch.equal(before, torch.get_rng_state())


def test_purposes_have_streams_of_their_own():
    """Order and flips are independent though they share seed and epoch."""
    order, flips = (host_generator(0, p, 0).random(4) for p in (Stream.ORDER, Stream.FLIPS))
    assert not (order == flips).any()


def test_noise_is_drawn_in_float64_and_rounded():
    """Float32 noise is the rounded float64 noise: PyTorch's own float32 draws are others."""
    single, double = DeviceNoise(0, CPU), DeviceNoise(0, CPU, torch.float64)
    exact = double.draw(2, 3, (64,))
    assert exact.dtype == torch.float64
    assert torch.equal(single.draw(2, 3, (64,)), exact.float())
