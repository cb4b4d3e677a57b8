"""The training computation as torch.compile sees it."""

from __future__ import annotations

import subprocess
import sys

import pytest

# In a process of its own: the run-time checks of annotations that tests switch on cannot be
# traced, and users do not have them.
SCRIPT = """
import torch
from tonegap.model.objective import Objective
from tonegap.model.perceptual import feature_network, random_weights
from tonegap.model.vae import VAE

torch.manual_seed(0)
model = VAE(8, (1, 2), 4, 1, deep=True)
features = random_weights(feature_network("squeezenet1_1"), seed=0)
objective = Objective(beta=1.0, kl_reduction="mean", perceptual_scale=1.0)

def loss(images, noise):
    passed = model(images, noise)
    maps, targets = features(passed[0]), features(images)
    return objective.terms(images, *passed, features=maps, target_features=targets).total

images, noise = torch.rand(3, 3, 32, 32) * 2 - 1, torch.randn(3, 4, 8, 8)
compiled = torch.compile(loss, backend="eager", fullgraph=True)
torch.testing.assert_close(compiled(images, noise), loss(images, noise))
print("one graph")
"""


@pytest.mark.slow
def test_model_features_and_loss_are_one_graph() -> None:
    """torch.compile meets no break in them and gives the same loss."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout.strip() == "one graph", done.stderr
