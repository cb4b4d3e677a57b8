"""Count the cost of a model: parameters and floating-point operations, from shapes alone.

One multiplication and one addition are two operations. Convolutions and matrix
products are counted, norms and activations are not (under 1 % here). Up-sampling
convolutions count as in the paper's network. Folded (``UpBlock.folded``), they need only four
ninths of these operations, so the machine does less than is counted.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tonegap.model.blocks import UpBlock
from tonegap.model.objective import Objective, perceptual
from tonegap.model.perceptual import FeatureNetwork
from tonegap.model.protocol import forward_pass

_GIGA = 1e9
_COUNTED = 2  # images: one is too few for batch norm's statistics in training, even on shapes


class StepCost(NamedTuple):
    """Operations of one training step per image, GFLOP.

    Attributes
    ----------
    forward_gflop : float
        The model's forward pass alone.
    model_gflop : float
        Its forward and backward pass.
    target_features_gflop : float
        Features of the real images, without gradient; nothing where they are cached.
    features_gflop : float
        Features of the reconstructions, with the gradient to their input.
    """

    forward_gflop: float
    model_gflop: float
    target_features_gflop: float
    features_gflop: float

    @property
    def total_gflop(self) -> float:
        """Operations of the step per image, GFLOP."""
        return self.model_gflop + self.target_features_gflop + self.features_gflop


def parameter_count(network: nn.Module) -> int:
    """Count the trainable values."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def step_cost(network: nn.Module, image_size: int, features: FeatureNetwork | None) -> StepCost:
    """Count the operations of a training step at one image size.

    ``network`` and ``features`` are not changed, and usually nothing is computed. If the network
    does not work on shapes alone, a copy takes a step of two grey images on the CPU.

    Parameters
    ----------
    network
        A trainable VAE.
    image_size
        Side of the images, pixels.
    features
        The perceptual network; None if there is no perceptual term.
    """
    try:
        forward, backward = _model_cost(network, image_size, "meta")
    except RuntimeError:  # it branches on a value, or makes a tensor on the CPU
        forward, backward = _model_cost(network, image_size, "cpu")
    once, both = _feature_cost(features, image_size)
    per_image = (count / _COUNTED / _GIGA for count in (forward, forward + backward, once, both))
    return StepCost(*per_image)


def _model_cost(network: nn.Module, image_size: int, device: str) -> tuple[int, int]:
    """Return the operations of a batch's forward pass, and of its backward pass."""
    network = _as_published(copy.deepcopy(network).to(device).train())
    images = _grey(image_size, device)
    with FlopCounterMode(display=False) as forward:
        reconstruction, mu, log_var = forward_pass(network, images, noise=None)
    objective = Objective(beta=1.0, kl_reduction="mean", perceptual_scale=1.0)
    with FlopCounterMode(display=False) as backward:
        torch.autograd.backward(objective.terms(images, reconstruction, mu, log_var).total)
    return forward.get_total_flops(), backward.get_total_flops()


def _grey(image_size: int, device: str) -> torch.Tensor:
    return torch.zeros(_COUNTED, 3, image_size, image_size, device=device)


def _as_published(network: nn.Module) -> nn.Module:
    for module in network.modules():
        if isinstance(module, UpBlock):
            module.folded = False
    return network


def _feature_cost(features: FeatureNetwork | None, image_size: int) -> tuple[int, int]:
    """Return the operations of a batch's features without and with the gradient to the images."""
    if features is None:
        return 0, 0
    # Float32 whatever format the network is kept in: no autocast turns images into that here.
    network = copy.deepcopy(features).to("meta", torch.float32)
    images = _grey(image_size, "meta")
    with FlopCounterMode(display=False) as once, torch.no_grad():
        targets = network(images)
    with FlopCounterMode(display=False) as both:
        reconstruction = torch.empty_like(images, requires_grad=True)
        torch.autograd.backward(perceptual(network(reconstruction), targets))
    return once.get_total_flops(), both.get_total_flops()
