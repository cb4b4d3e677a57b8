"""The bench's figures are consistent; none of its times is asserted."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from tonegap.cli.bench import app
from tonegap.training.bench import measure_training, synthetic_data


def test_figures_are_consistent(model_params, train_params, features, float32):
    """Rates follow from the step's time and the counted operations."""
    speed = measure_training(model_params, train_params(), 32, float32, features, steps=2)
    assert speed.images_per_s == pytest.approx(4 / speed.step_s)
    assert speed.tflop_per_s == pytest.approx(speed.gflop_per_image * speed.images_per_s / 1e3)
    share = speed.tflop_per_s / speed.product_tflop_per_s
    assert speed.share_of_product_rate == pytest.approx(share)
    assert speed.hours(30, 1_000) == pytest.approx(30 * 1_000 / speed.images_per_s / 3600)
    assert speed.peak_device_bytes == 0


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


@pytest.mark.parametrize(
    ("option", "expected"),
    [([], True), (["--deterministic"], True), (["--no-deterministic"], False)],
)
def test_the_command_can_leave_determinism_off(repository, monkeypatch, option, expected):
    """What determinism costs can be measured without editing params.yaml."""
    monkeypatch.chdir(repository)
    seen = []

    def stop(model, train, *rest, **more):
        seen.append(train)
        raise KeyboardInterrupt

    monkeypatch.setattr("tonegap.training.bench.measure_training", stop)
    CliRunner().invoke(app, ["train", *option])
    assert [(train.deterministic, train.batch_size) for train in seen] == [(expected, 8)]
