"""Models trained one after another equal models trained alone."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from tonegap.training.precision import Arithmetic
from tonegap.training.workbench import Workbench


def _train(bench, data, model_params, train, features):
    job = bench.prepare(data, model_params, train, features, data_key="images")
    for _ in job.loop.epochs(job.run, train.epochs):
        pass
    return {name: value.clone() for name, value in job.run.network.state_dict().items()}


@pytest.mark.parametrize("cache", ["on", "off"])
def test_the_second_model_of_a_process(data, model_params, train_params, features, cache):
    """Nothing of the first model leaks into the second: equal bit for bit to one trained alone."""
    float32 = Arithmetic(torch.device("cpu"), None)
    train = [train_params(seed=seed, epochs=1, cache_features=cache) for seed in (0, 1)]
    shared = Workbench(float32)
    placed = shared.features("key", lambda: features)
    _train(shared, data, model_params, train[0], placed)
    other = dataclasses.replace(data, rows=data.rows[::-1].copy(), ids=data.ids[::-1])
    second = _train(shared, other, model_params, train[1], placed)
    fresh = Workbench(float32)
    alone = _train(fresh, other, model_params, train[1], fresh.features("key", lambda: features))
    assert all(torch.equal(second[name], alone[name]) for name in alone)


def test_what_is_shared_is_made_once(float32, features):
    """Equal keys give the same object; another key replaces it."""
    bench, made = Workbench(float32), []

    def make():
        made.append(1)
        return features

    assert bench.features("a", make) is bench.features("a", make)
    bench.features("b", make)
    assert len(made) == 2


def test_compiling_is_left_off_on_cpus(data, model_params, train_params, float32):
    """Auto compiles on CUDA only, and a user's on is obeyed."""
    bench = Workbench(float32, expected_runs=10**6)
    changes = {"perceptual_scale": 0.0}
    assert not bench.prepare(data, model_params, train_params(**changes), None).compiled
    wanted = train_params(compile="on", **changes)
    assert bench.prepare(data, model_params, wanted, None).compiled


def test_features_are_kept_where_the_run_is_long_enough(
    data, model_params, train_params, features, float32
):
    """14 images to keep against 10 draws an epoch: not for one epoch, but for two."""
    bench = Workbench(float32)

    def choose(epochs):
        train = train_params(epochs=epochs)
        return bench.prepare(data, model_params, train, features).cached

    assert (choose(1), choose(2)) == (False, True)
