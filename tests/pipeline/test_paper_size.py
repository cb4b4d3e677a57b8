"""The paper's network at the paper's size, once, on the CPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tonegap.assessment import per_image_errors
from tonegap.files.weights import resolve_weights
from tonegap.model.factory import build_model
from tonegap.model.objective import Objective
from tonegap.model.pixels import to_model_range
from tonegap.model.protocol import as_generative, forward_pass
from tonegap.profiling.cost import parameter_count
from tonegap.study.files import read_study


@pytest.mark.slow
def test_one_step_and_one_evaluation_at_full_size(repository):
    """56,715,139 parameters at 128 px, 16 VGG19 taps: a step lowers the loss, images come back."""
    params = read_study(repository, "paper").cells[0].params
    network = build_model(params.model, params.data.image_size, seed=0)
    assert parameter_count(network) == 56_715_139
    features = resolve_weights("vgg19", "random")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 128, 128, 3), dtype=np.uint8)
    images = to_model_range(pixels)
    with torch.no_grad():
        targets = features(images)
    assert len(targets) == 16
    objective = Objective(beta=1.0, kl_reduction="mean", perceptual_scale=1.0)
    optimiser = torch.optim.Adam(network.parameters(), lr=params.train.learning_rate)
    totals = []
    for _ in range(2):
        reconstruction, mu, log_var = forward_pass(network, images, noise=None)
        assert mu.shape == (2, 64, 8, 8)
        terms = objective.terms(
            images,
            reconstruction,
            mu,
            log_var,
            target_features=targets,
            features=features(reconstruction),
        )
        optimiser.zero_grad()
        terms.total.backward()
        optimiser.step()
        totals.append(terms.total.item())
    assert totals[1] < totals[0]
    errors = per_image_errors(as_generative(network, 128), pixels, batch_size=2)
    assert np.isfinite(errors[["mse", "nmse", "sigma"]].to_numpy()).all()
