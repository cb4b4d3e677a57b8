"""A small run: 10 draws of 7 images of 32 px, a narrow VAE, SqueezeNet's random features.

Fixtures for the tests of training, of its stage and of its measurement: each folder's conftest
imports those that it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from tonegap.files.parameters import read_params
from tonegap.model.perceptual import FeatureNetwork, feature_network, random_weights
from tonegap.params import ModelParams, TrainParams
from tonegap.training.loop import TrainingData
from tonegap.training.precision import Arithmetic

SIZE = 32


@pytest.fixture
def model_params(repository) -> ModelParams:
    sizes = {"base_width": 4, "block_widths": (1, 2), "latent_channels": 3}
    return read_params(repository / "params.yaml").model.model_copy(update=sizes)


@pytest.fixture
def train_params(repository) -> Callable[..., TrainParams]:
    base = read_params(repository / "params.yaml").train

    def make(**changes: Any) -> TrainParams:
        small = {"epochs": 3, "batch_size": 4, "perceptual_network": "squeezenet1_1"}
        return base.model_copy(update=small | changes)

    return make


@pytest.fixture
def data() -> TrainingData:
    generator = np.random.default_rng(1)
    images = generator.integers(0, 256, (7, SIZE, SIZE, 3), dtype=np.uint8)
    rows = generator.integers(0, 7, 10)
    return TrainingData(images, rows, [f"image-{row}" for row in rows])


@pytest.fixture
def features() -> FeatureNetwork:
    return random_weights(feature_network("squeezenet1_1"), 0)


@pytest.fixture
def float32() -> Arithmetic:
    return Arithmetic(torch.device("cpu"), None)


@pytest.fixture(autouse=True)
def one_thread():
    """Let PyTorch work in one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
