"""A small VAE, its training draw and a few images, for tests of uncertainty scores."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from tonegap.model.protocol import as_generative
from tonegap.model.vae import VAE
from tonegap.uncertainty.setting import Setting, TrainingDraw

SIZE = 8


def small_model():
    """Give a VAE of 8-pixel images in float64, a few hundred weights, not at its start."""
    torch.manual_seed(0)
    network = VAE(2, (1,), 3, 0, deep=False).double()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0.0, 0.3)
                module.running_var.uniform_(0.5, 2.0)
            elif isinstance(module, nn.Conv2d):
                module.weight.mul_(1.5)
    return as_generative(network, SIZE)


def pictures(count: int, seed: int = 0) -> np.ndarray:
    """Give pictures of noise."""
    shape = (count, SIZE, SIZE, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def setting_of(model, drawn: np.ndarray, batch_size: int = 4) -> Setting:
    """Give what a score may use."""
    return Setting(model, TrainingDraw.of(drawn), torch.device("cpu"), batch_size, jpeg_quality=50)
