"""One optimisation step. Nothing in it waits for the device."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from tonegap.model.objective import Objective, Terms
from tonegap.model.perceptual import FeatureNetwork
from tonegap.model.protocol import forward_pass
from tonegap.training.precision import Arithmetic
from tonegap.training.targets import Maps
from tonegap.training.weighting import Reduce

_LEAST_SCALE = 1e-4
"""Scale below which loss scaling has failed: 30 halvings in a row of its start, 65,536."""

LossFunction = Callable[[Tensor, Tensor, Maps], Terms]


class StepResult(NamedTuple):
    """Results of a step, on the device.

    Attributes
    ----------
    terms : Float[Tensor, "4"]
        mse, kl_nats and perceptual, means over the batch, and the minimised total.
    finite : Bool[Tensor, ""]
        True if the loss and the gradient's norm are finite. With loss scaling, overflowing
        steps are expected and skipped: the norm counts only once the scale is small.
    """

    terms: Float[Tensor, " 4"]
    finite: Bool[Tensor, ""]


def loss_function(
    network: nn.Module,
    features: FeatureNetwork | None,
    objective: Objective,
    arithmetic: Arithmetic,
    *,
    per_image: bool = False,
) -> LossFunction:
    """Bind everything that is constant during a run: (images, noise, targets) -> terms.

    The terms are means over the batch, or with ``per_image`` those of each image.
    """
    terms_of = objective.image_terms if per_image else objective.terms

    def loss(images: Tensor, noise: Tensor, targets: Maps) -> Terms:
        images = images.to(arithmetic.dtype)
        with arithmetic.context():
            reconstruction, mu, log_var = forward_pass(network, images, noise)
            maps = features(reconstruction) if features is not None else ()
        # Reductions at least in float32: sums of squares over a batch overflow float16.
        return terms_of(images, reconstruction, mu, log_var, target_features=targets, features=maps)

    return loss


def make_optimiser(network: nn.Module, learning_rate: float) -> torch.optim.Adam:
    """Adam (Kingma and Ba 2015) with PyTorch's defaults; one fused kernel per step."""
    return torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)


class Stepper:
    """Forward, backward, clip, update.

    Parameters
    ----------
    network
        In training mode.
    optimiser
        Optimiser of the network's parameters.
    arithmetic
        Number format; decides whether gradients are scaled.
    clip_norm
        Largest global L2 norm of the gradient; larger ones are scaled down to it.
    """

    def __init__(
        self,
        network: nn.Module,
        optimiser: torch.optim.Adam,
        arithmetic: Arithmetic,
        clip_norm: float,
    ) -> None:
        self.scaler = torch.amp.GradScaler(arithmetic.device.type, enabled=arithmetic.scaled)
        self._parameters = list(network.parameters())
        self._optimiser = optimiser
        self._clip_norm = clip_norm

    def __call__(
        self,
        loss: LossFunction,
        images: Tensor,
        noise: Tensor,
        targets: Maps,
        reduce: Reduce | None = None,
    ) -> StepResult:
        """Take one step; ``reduce`` turns a loss per image into that of the batch."""
        terms = loss(images, noise, targets)
        if reduce is not None:
            terms = reduce(terms)
        self._optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(self.scaler.scale(terms.total))
        self.scaler.unscale_(self._optimiser)
        norm = torch.nn.utils.clip_grad_norm_(self._parameters, self._clip_norm)
        finite = self._finite(terms.total.detach(), norm)
        self.scaler.step(self._optimiser)
        self.scaler.update()
        return StepResult(torch.stack(terms).detach(), finite)

    def _finite(self, total: Tensor, norm: Tensor) -> Tensor:
        """Check on the device whether a step is finite; call it before the scale is updated."""
        usable = torch.isfinite(norm)
        if self.scaler.is_enabled():
            usable = usable | (self.scaler.scale(torch.ones_like(norm)) > _LEAST_SCALE)
        return torch.isfinite(total) & usable
