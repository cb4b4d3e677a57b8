"""Kept features are the features that would have been computed."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch

from tonegap.training import targets as targets_module
from tonegap.training.feed import HeldFeed, batch_spans, plan_epoch
from tonegap.training.precision import Arithmetic
from tonegap.training.targets import (
    CachedTargets,
    ComputedTargets,
    NoTargets,
    bytes_per_image,
    caching_pays,
    make_targets,
    tap_mean_squares,
)


@pytest.mark.parametrize("flip", [True, False])
def test_kept_features_equal_computed_ones(data, features, float32, flip):
    """Within 1e-5 of each tap's scale (batches differ, so last bits may), flips included."""
    plan = plan_epoch(data.rows, 2, 0, flip=flip)
    kept = CachedTargets(features, float32, data.images, data.rows, flip=flip).epoch(plan)
    computed = ComputedTargets(features, float32).epoch(plan)
    for batch in HeldFeed(torch.from_numpy(data.images)).batches(plan, batch_spans(10, 4)):
        for a, b in zip(kept(batch), computed(batch), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)
            assert a.is_contiguous(memory_format=torch.channels_last)


def test_mean_squares_of_taps_are_those_of_the_distinct_images(data, features, float32):
    """Brute force over all pixels of each distinct image once, however often it was drawn."""
    rows = np.array([3, 5, 3, 3])
    pixels = torch.from_numpy(data.images[[3, 5]]).permute(0, 3, 1, 2).float() / 127.5 - 1.0
    brute = [float(tap.double().square().mean()) for tap in features(pixels)]
    assert tap_mean_squares(features, float32, data.images, rows) == pytest.approx(brute, rel=1e-5)


def test_only_drawn_images_are_kept(data, features, float32):
    """Memory goes with the distinct images of the draw, twice for flips."""
    rows = np.array([3, 3, 5])
    targets = CachedTargets(features, float32, data.images, rows, flip=True)
    assert len(targets._maps[0]) == 4
    assert sum(m.nbytes for m in targets._maps) == 4 * bytes_per_image(features, float32, 32)


def test_half_precision_is_kept_in_half_the_memory(features, float32):
    """Maps are kept in the run's number format."""
    half = Arithmetic(torch.device("cpu"), torch.bfloat16)
    assert bytes_per_image(features, half, 32) * 2 == bytes_per_image(features, float32, 32)


@pytest.mark.parametrize(
    ("choice", "cache_bytes", "passes_cached", "expected"),
    [
        ("auto", 10, 5, True),
        ("auto", 11, 5, False),
        ("auto", 10, 8, False),
        ("off", 1, 1, False),
        ("on", 99, 99, True),
    ],
)
def test_keeping_pays_where_it_fits_and_saves_passes(choice, cache_bytes, passes_cached, expected):
    """Auto weighs memory and work; on and off are obeyed."""
    pays = caching_pays(
        choice,
        cache_bytes=cache_bytes,
        room_bytes=10,
        passes_cached=passes_cached,
        passes_computed=8,
    )
    assert pays is expected


def test_without_a_network_there_are_no_targets(data, float32):
    """perceptual_scale 0 costs nothing."""
    targets = make_targets(None, float32, data.images, data.rows, flip=True, cached=False)
    assert isinstance(targets, NoTargets)


def test_kept_features_are_never_held_twice(data, features, float32, monkeypatch):
    """The bound on memory holds while features are computed: one chunk beside what is kept."""
    produced = []
    compute = targets_module._channels_last_maps

    def watch(*args):
        assert all(tap() is None for tap in produced)  # earlier chunks are gone
        maps = compute(*args)
        produced.extend(weakref.ref(tap) for tap in maps)
        return maps

    monkeypatch.setattr(targets_module, "_CHUNK", 2)
    monkeypatch.setattr(targets_module, "_channels_last_maps", watch)
    whole = CachedTargets(features, float32, data.images, np.arange(7), flip=True)
    assert len(produced) == 8 * 25  # chunks of both sides, taps of each
    assert len(whole._maps[0]) == 14
