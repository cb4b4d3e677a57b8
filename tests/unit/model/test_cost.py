"""Costs against the paper's known figures and against counting by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tonegap.model.cost import parameter_count, step_cost
from tonegap.model.perceptual import feature_network
from tonegap.model.tiny import TinyVAE
from tonegap.model.vae import VAE


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


def test_frozen_parameters_are_not_counted() -> None:
    """`parameter_count` counts what is trained: 3 x 4 weights and 4 biases, then nothing."""
    layer = nn.Linear(3, 4)
    assert parameter_count(layer) == 16
    assert parameter_count(layer.requires_grad_(requires_grad=False)) == 0
