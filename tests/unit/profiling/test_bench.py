"""The bench's figures are consistent; none of its times is asserted."""

from __future__ import annotations

import itertools

import pytest
import torch

from tonegap.profiling import bench
from tonegap.profiling.bench import measure_training, synthetic_data
from tonegap.training.precision import Arithmetic
from tonegap.training.workbench import Workbench


@pytest.mark.parametrize("autocast", [None, torch.bfloat16])
def test_figures_are_consistent(model_params, train_params, features, autocast):
    """Rates follow from the step's time and the counted operations, in every format."""
    arithmetic = Arithmetic(torch.device("cpu"), autocast)
    speed = measure_training(model_params, train_params(), 32, arithmetic, features, steps=2)
    assert speed.images_per_s == pytest.approx(4 / speed.step_s)
    assert speed.tflop_per_s == pytest.approx(speed.gflop_per_image * speed.images_per_s / 1e3)
    share = speed.tflop_per_s / speed.product_tflop_per_s
    assert speed.share_of_product_rate == pytest.approx(share)
    assert speed.hours(30, 1_000) == pytest.approx(30 * 1_000 / speed.images_per_s / 3600)
    assert speed.peak_device_bytes == 0
    assert 10e6 < speed.peak_process_bytes < 1e12


USERS_MODEL = """
import torch
from tonegap.model import tiny

class Remembering(tiny.TinyVAE):
    last = None
    def encode(self, images):
        mu, log_var = super().encode(images / 2 if images.max() > 2 else images)
        self.last = mu
        return mu, log_var

def build(params, image_size, seed):
    return Remembering(4, 3, 2)
"""


def test_models_of_any_kind_are_measured(
    tmp_path, monkeypatch, model_params, train_params, float32
):
    """One that branches on a value, and after a step holds what PyTorch does not copy."""
    (tmp_path / "users_measured.py").write_text(USERS_MODEL)
    monkeypatch.syspath_prepend(tmp_path)
    users = model_params.model_copy(update={"factory": "users_measured:build"})
    speed = measure_training(users, train_params(), 32, float32, None, steps=1)
    assert speed.gflop_per_image > 0


def test_kept_features_are_not_counted_as_work(model_params, train_params, features, float32):
    """Work that is not done does not raise the rate."""
    on, off = (
        measure_training(
            model_params, train_params(cache_features=cache), 32, float32, features, steps=1
        )
        for cache in ("on", "off")
    )
    assert (on.cached, off.cached) == (True, False)
    assert on.gflop_per_image < off.gflop_per_image


def test_synthetic_images_are_distinct():
    """Keeping features cannot profit from repeats that a real draw does not have."""
    data = synthetic_data(5, 8)
    assert len({image.tobytes() for image in data.images}) == 5


def test_steps_are_timed_in_blocks(model_params, train_params, features, float32, monkeypatch):
    """Within a block the host does not wait: 7 steps are 5 waits, beside warming up."""
    waits = []
    monkeypatch.setattr(bench, "_wait", waits.append)
    monkeypatch.setattr(bench, "product_rate", lambda arithmetic: 1.0)
    bench.measure_training(model_params, train_params(), 32, float32, features, steps=7)
    assert len(waits) == 1 + 2 * (1 + 1 + 5)  # set-up; both ends of first, warm-up and blocks


def test_a_smaller_last_batch_is_not_timed(data, model_params, train_params, float32):
    """A step of two images would count as one of four."""
    job = Workbench(float32).prepare(data, model_params, train_params(perceptual_scale=0.0), None)
    draws = [draw.shape[0] for draw in _noise_of(job, steps=5)]
    assert draws == [4] * 5  # ten draws an epoch are two batches of four and one of two


def _noise_of(job, steps):
    drawn = []
    draw = job.loop.noise.draw
    job.loop.noise.draw = lambda *args: drawn.append(draw(*args)) or drawn[-1]
    list(itertools.islice(bench.taken_steps(job), steps))
    return drawn


def test_whole_models_are_trained_to_their_end(model_params, train_params, float32, monkeypatch):
    """Every model takes all steps of all epochs, from a seed of its own, and is timed."""
    jobs = []
    prepare = Workbench.prepare
    monkeypatch.setattr(
        Workbench, "prepare", lambda *a, **k: jobs.append(prepare(*a, **k)) or jobs[-1]
    )
    train = train_params(perceptual_scale=0.0, epochs=2)
    whole = bench.train_whole_models(
        model_params, train, 32, float32, None, draws=6, models=2, runs=30
    )
    assert [job.run.next_epoch for job in jobs] == [2, 2]
    assert [job.loop.seed for job in jobs] == [0, 1]
    assert len(whole.seconds) == 2
    assert min(whole.seconds) > 0


def test_thirty_models_cost_the_first_and_more_like_the_last():
    """Start-up is paid once: 100 s and 29 times 36 s are 1,144 s."""
    assert bench.WholeModels((100.0, 50.0, 36.0)).hours(30) == pytest.approx(1_144 / 3600)
