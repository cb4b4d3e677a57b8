"""Costs against the paper's known figures and against counting by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tonegap.files.parameters import read_params
from tonegap.model.perceptual import feature_network
from tonegap.model.tiny import TinyVAE
from tonegap.model.vae import VAE
from tonegap.profiling import description
from tonegap.profiling.cost import parameter_count, step_cost
from tonegap.profiling.description import describe_model


def test_paper_size_costs_what_is_known() -> None:
    """42.5 GFLOP forward and 165.7 per training step: 127.5 + 12.7 + 25.5, per 128 px image."""
    with torch.device("meta"):
        model = VAE(64, (1, 2, 4, 8), 64, 1, deep=True)
    cost = step_cost(model, 128, feature_network("vgg19"))
    assert cost.forward_gflop == pytest.approx(42.5, abs=0.05)
    assert cost.model_gflop == pytest.approx(127.5, abs=0.05)
    assert cost.target_features_gflop == pytest.approx(12.7, abs=0.05)
    assert cost.features_gflop == pytest.approx(25.5, abs=0.05)
    assert cost.total_gflop == pytest.approx(165.7, abs=0.05)


def test_tiny_model_costs_what_counting_gives() -> None:
    """Two operations per multiplication: every convolution of the tiny model by hand."""
    model = TinyVAE(width=5, latent_channels=2, halvings=2)
    # (outputs or, transposed, inputs) x kernel x channels: down, down, latent; up, up, up
    products = 64 * 16 * 3 * 5 + 16 * 16 * 5 * 5 + 16 * 5 * 4
    products += 16 * 2 * 5 + 16 * 16 * 5 * 5 + 64 * 16 * 5 * 3
    assert step_cost(model, 16, None).forward_gflop == pytest.approx(2e-9 * products)


def test_features_cost_the_same_in_any_format() -> None:
    """Trained in bfloat16 the perceptual network is kept in it, outside of any autocast."""
    model, features = TinyVAE(width=5, latent_channels=2, halvings=2), feature_network("vgg19")
    expected = step_cost(model, 32, features)
    assert step_cost(model, 32, features.to(torch.bfloat16)) == expected
    assert next(features.parameters()).dtype == torch.bfloat16


def test_counting_leaves_the_model_alone() -> None:
    """A model keeps its device, mode, gradients and folding when its cost is counted."""
    model = VAE(8, (1,), 4, 0, deep=False).eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    cost = step_cost(model, 32, None)
    assert not model.training
    assert all(p.grad is None for p in model.parameters())
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert any(getattr(module, "folded", False) for module in model.modules())
    assert cost.target_features_gflop == cost.features_gflop == 0


class Branching(TinyVAE):
    """Looks at values, so that shapes alone do not do."""

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return super().encode(images / 2 if images.abs().max() > 2 else images)


class Making(TinyVAE):
    """Makes a tensor that knows nothing of the model's device."""

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return super().encode(images + torch.linspace(-1.0, 1.0, images.shape[-1]))


@pytest.mark.parametrize("kind", [Branching, Making])
def test_models_that_shapes_do_not_suit_are_counted(kind: type[TinyVAE]) -> None:
    """A step of a copy is counted instead: the same operations, and the model stays as it is."""
    model = kind(width=5, latent_channels=2, halvings=2).eval()
    assert step_cost(model, 16, None) == step_cost(TinyVAE(5, 2, 2), 16, None)
    assert not model.training
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize(
    ("latent", "words"),
    [((), "1 number per image"), ((7,), "7"), ((4, 8, 8), "4x8x8 (channels x height x width)")],
)
def test_the_latent_is_described_whatever_its_axes(
    latent: tuple[int, ...], words: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Axes are named where they are those of maps."""
    monkeypatch.setattr(description, "latent_shape", lambda network, size: latent)
    lines = describe_model(read_params(repository / "params.yaml"))
    assert f"latent              {words}" in lines


def test_frozen_parameters_are_not_counted() -> None:
    """`parameter_count` counts what is trained: 3 x 4 weights and 4 biases, then nothing."""
    layer = nn.Linear(3, 4)
    assert parameter_count(layer) == 16
    assert parameter_count(layer.requires_grad_(requires_grad=False)) == 0
