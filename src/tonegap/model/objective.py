"""The training objective: Eq. 1 and Eq. 2 of the paper with its code base's reductions.

All terms are minimised. With P pixel values and L latent elements per image the paper's
code minimises

    mse + beta * kl_mean + perceptual_scale * perceptual,    kl_mean = KL / L.

Eq. 1 (likelihood N(x | f(z), I)) asks for ``squared error / 2 + KL`` per image, that is
``P/2 * (mse + 2/P * KL)``. Comparing the weights of KL, the code's mean over elements is
Eq. 1 with an effective beta of ``beta * P / (2 L)``: 6 at 128 px with a 64 x 8 x 8 latent.

Eq. 2 adds half the mean squared difference of a layer's maps to the ELBO. (It must mean the
negative ELBO, because the text maximises the ELBO and minimises the feature distance.) The
code takes the mean over 16 layers without the half, beside a *mean* squared error. Scaled
like Eq. 1, it weighs a layer's mean squared difference by P/32 rather than 1/2, which is
P/16 times the weight in Eq. 2 (3,072 at 128 px).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from tonegap.model.vae import full_precision

KlReduction = Literal["mean", "sum"]


class Terms(NamedTuple):
    """Loss terms that carry gradients: scalars of one batch, or vectors of one value per image.

    Attributes
    ----------
    mse : Float[Tensor, "*images"]
        Mean squared error over all pixel values, images in [-1, 1]; zero is perfect.
    kl_nats : Float[Tensor, "*images"]
        KL(q(z|x) || N(0, I)) in nats per image, whatever the reduction in the total;
        zero means that the latent has no information about the image.
    perceptual : Float[Tensor, "*images"]
        Mean over taps of the mean squared difference of feature maps.
    total : Float[Tensor, "*images"]
        The minimised objective.
    """

    mse: Float[Tensor, " *images"]
    kl_nats: Float[Tensor, " *images"]
    perceptual: Float[Tensor, " *images"]
    total: Float[Tensor, " *images"]


@dataclass(frozen=True)
class Objective:
    """Weights of the loss terms.

    Attributes
    ----------
    beta : float
        Weight of the KL term, at least 0.
    kl_reduction : {"mean", "sum"}
        ``mean``: KL is averaged over latent elements (the paper's code). ``sum``: KL and
        squared error are sums per image, the negative ELBO of Eq. 1 with KL weighted by
        beta; the total is that sum times 2/P, so that its squared error is ``mse`` again
        and learning rate, gradient clipping and ``perceptual_scale`` keep their meaning.
    perceptual_scale : float
        Weight of the perceptual term beside ``mse``, at least 0.
    tap_scales : tuple of float
        Mean square of each tap over the training images; the tap's squared differences are
        divided by it. Empty leaves them unscaled (the paper's code).
    """

    beta: float
    kl_reduction: KlReduction
    perceptual_scale: float
    tap_scales: tuple[float, ...] = ()

    def terms(
        self,
        images: Float[Tensor, "batch 3 height width"],
        reconstruction: Float[Tensor, "batch 3 height width"],
        mu: Float[Tensor, "*latent"],
        log_var: Float[Tensor, "*latent"],
        *,
        target_features: Sequence[Tensor] = (),
        features: Sequence[Tensor] = (),
    ) -> Terms:
        """Compute all terms of a batch.

        Parameters
        ----------
        images, reconstruction
            In [-1, 1].
        mu, log_var
            The posterior, batch first. Under autocast, a model may return it and the
            reconstruction in half precision; both are converted to float32 first.
        target_features, features
            Taps of ``images`` (without gradient) and of ``reconstruction``. If both are
            empty, the perceptual term is zero.
        """
        error = mse(full_precision(reconstruction), images)
        kl = kl_nats(full_precision(mu), full_precision(log_var), "sum")
        distance = (
            perceptual(features, target_features, self.tap_scales)
            if features
            else torch.zeros_like(error)
        )
        return self._weighed(error, kl, distance, images, mu)

    def image_terms(
        self,
        images: Float[Tensor, "batch 3 height width"],
        reconstruction: Float[Tensor, "batch 3 height width"],
        mu: Float[Tensor, "*latent"],
        log_var: Float[Tensor, "*latent"],
        *,
        target_features: Sequence[Tensor] = (),
        features: Sequence[Tensor] = (),
    ) -> Terms:
        """Compute all terms of each image, for losses that weigh images.

        Parameters are those of :meth:`terms`, whose values are the means of these, up to rounding.
        """
        error = _of_images(full_precision(reconstruction), images)
        kl = _kl_of_images(full_precision(mu), full_precision(log_var))
        distance = (
            _mean_of_taps(features, target_features, self.tap_scales, _of_images)
            if features
            else torch.zeros_like(error)
        )
        return self._weighed(error, kl, distance, images, mu)

    def _weighed(
        self, error: Tensor, kl: Tensor, distance: Tensor, images: Tensor, mu: Tensor
    ) -> Terms:
        kl_weight = self.kl_weight(images[0].numel(), mu[0].numel())
        total = error + kl_weight * kl + self.perceptual_scale * distance
        return Terms(error, kl, distance, total)

    def kl_weight(self, pixel_values: int, latent_elements: int) -> float:
        """Weight of one nat of an image's KL in the total."""
        if self.kl_reduction == "mean":
            return self.beta / latent_elements
        return 2.0 * self.beta / pixel_values


def mse(
    reconstruction: Float[Tensor, "*shape"], images: Float[Tensor, "*shape"]
) -> Float[Tensor, ""]:
    """Return the mean squared error over all elements, in the squared unit of its inputs."""
    return functional.mse_loss(reconstruction, images)


def mse_01(mse_pm1: float) -> float:
    """Convert a mean squared error of images in [-1, 1] to that of images in [0, 1]."""
    return mse_pm1 / 4.0


def kl_nats(
    mu: Float[Tensor, "*latent"],
    log_var: Float[Tensor, "*latent"],
    reduction: KlReduction,
) -> Float[Tensor, ""]:
    """Return KL(N(mu, exp(log_var)) || N(0, 1)) in nats (Kingma and Welling 2014, appendix B).

    Parameters
    ----------
    mu, log_var
        The posterior, batch first.
    reduction
        ``mean``: over all elements of all images. ``sum``: over an image's elements, then
        the mean over images.
    """
    if reduction == "mean":
        return _kl_elements(mu, log_var).mean()
    return _kl_of_images(mu, log_var).mean()


def _kl_elements(mu: Tensor, log_var: Tensor) -> Tensor:
    return 0.5 * (mu.square() + log_var.exp() - 1.0 - log_var)


def _kl_of_images(mu: Tensor, log_var: Tensor) -> Float[Tensor, " batch"]:
    elements = _kl_elements(mu, log_var)
    return elements.reshape(len(elements), -1).sum(dim=1)


def perceptual(
    features: Sequence[Tensor],
    target_features: Sequence[Tensor],
    tap_scales: Sequence[float] = (),
) -> Float[Tensor, ""]:
    """Return the mean over taps of the mean squared difference of maps (Eq. 2 without 1/2).

    Parameters
    ----------
    features, target_features
        Maps of the reconstructions and of the images, tap by tap.
    tap_scales
        Divisor of each tap, such as its mean square over the training images, so that networks
        and taps of any scale have equal weight. Empty: none.
    """
    return _mean_of_taps(features, target_features, tap_scales, _squared_distance)


def _mean_of_taps(
    features: Sequence[Tensor],
    target_features: Sequence[Tensor],
    tap_scales: Sequence[float],
    distance: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """Average scaled distances over taps; ``distance`` gives a scalar or a value per image."""
    distances = torch.stack(
        [distance(map_, target) for map_, target in zip(features, target_features, strict=True)],
        dim=-1,
    )
    if tap_scales:
        distances = distances / distances.new_tensor(tap_scales)
    return distances.mean(dim=-1)


def _of_images(a: Tensor, b: Tensor) -> Float[Tensor, " batch"]:
    """Return the mean squared difference of each image, or of its maps, at least in float32."""
    squares = functional.mse_loss(full_precision(a), full_precision(b), reduction="none")
    return squares.flatten(1).mean(dim=1)


def _squared_distance(map_: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared difference of two maps, summed at least in float32."""
    if map_.dtype in (torch.float16, torch.bfloat16) and target.dtype == map_.dtype:
        return cast("Tensor", _HalfSquaredDistance.apply(map_, target))
    return functional.mse_loss(full_precision(map_), full_precision(target))


class _HalfSquaredDistance(torch.autograd.Function):
    """Return the mean squared difference of half-precision maps, without float32 copies.

    A layer's maps are the largest tensors of a step, and the cost of the term is reading and
    writing them. Converting both to float32 and squaring there moves 46 bytes per element,
    forward and backward; this function moves 12. The difference is rounded to the maps' own
    format, which is finer than the maps' own rounding.
    """

    @staticmethod
    def forward(ctx: Any, map_: Tensor, target: Tensor) -> Tensor:
        difference = map_ - target
        ctx.save_for_backward(difference)
        norm: Tensor = torch.linalg.vector_norm(difference, dtype=torch.float32)
        return norm.square() / difference.numel()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (difference,) = ctx.saved_tensors
        return difference * (gradients[0] * (2.0 / difference.numel())), None


def effective_beta(
    image_size: int, latent_shape: Sequence[int], reduction: KlReduction, beta: float
) -> float:
    """Return the weight of KL relative to Eq. 1's unit-variance ELBO, where it is 1.

    Parameters
    ----------
    image_size
        Side of the square RGB images, pixels.
    latent_shape
        Shape of one image's latent.
    reduction, beta
        As in :class:`Objective`.

    Notes
    -----
    The perceptual term is not included. See the module's docstring for the derivation.
    """
    if reduction == "sum":
        return beta
    return beta * 3 * image_size**2 / (2 * math.prod(latent_shape))
