"""Laplace approximation of the decoder's last convolution: how little training pinned it down.

With ``phi_p`` the patch of the last convolution's input at pixel ``p``, and a 1 for its bias, and
``y = tanh(w_c phi_p)`` the decoded value of colour ``c``, the Gauss-Newton matrix of the squared
error and the score are::

    H_c   = sum_n w_n sum_p (1 - y^2)^2 phi_p phi_p'
    score = mean_p sum_c (1 - y^2)^2 phi_p' (H_c + alpha I)^-1 phi_p

over the training images ``n``, drawn ``w_n`` times, and every second row and column. ``alpha`` is
a hundredth of the largest eigenvalue of all ``H_c``. The training loss is no likelihood: "Laplace"
names a geometry, and the score is a ranking, not a variance. Its factor ``1 - y^2`` ties it to
brightness; the scorecard reports that correlation.

Daxberger et al. 2021, Laplace Redux, NeurIPS 34:20089.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from tonegap.model.protocol import VaeAdapter
from tonegap.uncertainty.posterior import posterior_of
from tonegap.uncertainty.setting import Scorer, Setting

STRIDE: Final = 2
"""Every so many rows and columns are used."""

PRECISION: Final = 0.01
"""The prior's precision, as a share of the largest eigenvalue."""

_MOST_VALUES = 16_000_000
"""Patch values that are held at once."""


def fit(setting: Setting) -> Scorer | None:
    """Sum the Gauss-Newton matrices over the training draw.

    None if the model is no VAE of tonegap's whose ``decode`` is the tanh of a convolution called
    ``to_image``, of stride 1.
    """
    head = _head_of(setting)
    if head is None:
        return None
    curvature = torch.zeros(3, head.width, head.width, dtype=torch.float64)
    for images, times in setting.batches():
        hidden, decoded = head.run(images)
        for place, phi, slope in head.patches(hidden, decoded):
            for colour in range(3):
                weight = (slope[:, colour] * times[place, None]).flatten()
                curvature[colour] += ((phi * weight) @ phi.T).cpu().double()
    roots = [root.to(decoded) for root in inverse_roots(curvature)]
    return lambda images: {"u_last_layer_laplace": head.score(images, roots)}


def inverse_roots(
    curvature: Float[Tensor, "colours width width"],
) -> Float[Tensor, "colours width width"]:
    """Return ``R`` with ``R' R = (H + alpha I)^-1``, by Cholesky's factors in float64."""
    alpha = PRECISION * torch.linalg.eigvalsh(curvature)[:, -1].max()
    unit = torch.eye(curvature.shape[1], dtype=curvature.dtype)
    factor: Tensor = torch.linalg.cholesky(curvature + alpha * unit)
    root: Tensor = torch.linalg.solve_triangular(factor, unit.expand_as(factor), upper=False)
    return root


@dataclass(frozen=True)
class Head:
    """The last convolution of a decoder, and the model around it."""

    model: VaeAdapter
    layer: nn.Conv2d

    @property
    def width(self) -> int:
        """Length of a patch, with the 1 for the bias."""
        return self.layer.weight[0].numel() + 1

    def run(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Decode the posterior means; return the last convolution's input, and the pictures."""
        seen: list[Tensor] = []
        hook = self.layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        try:
            decoded = self.model.vae.decode(posterior_of(self.model, images).mu)
        finally:
            hook.remove()
        return seen[0], decoded

    def is_tanh_of_layer(self, images: Tensor) -> bool:
        """Return True if the picture is the tanh of the last convolution, up to rounding."""
        hidden, decoded = self.run(images)
        return torch.allclose(torch.tanh(self.layer(hidden)), decoded, atol=1e-5)

    def patches(
        self, hidden: Tensor, decoded: Tensor
    ) -> Iterator[tuple[slice, Float[Tensor, "width pixels"], Float[Tensor, "part 3 places"]]]:
        """Give the patches of a few images at a time, and (1 - y^2)^2 at their pixels."""
        layer = self.layer
        slope = (1.0 - decoded[:, :, ::STRIDE, ::STRIDE].square()).square().flatten(2)
        step = max(1, _MOST_VALUES // (self.width * slope.shape[2]))
        for start in range(0, len(hidden), step):
            place = slice(start, start + step)
            padding = (int(layer.padding[0]), int(layer.padding[1]))
            phi = functional.unfold(
                hidden[place], layer.kernel_size, layer.dilation, padding, STRIDE
            )
            phi = torch.cat([phi, torch.ones_like(phi[:, :1])], dim=1)
            yield place, phi.transpose(0, 1).flatten(1), slope[place]

    def score(self, images: Tensor, roots: list[Tensor]) -> Float[Tensor, " batch"]:
        """Return the score of each image."""
        hidden, decoded = self.run(images)
        found = []
        for _, phi, slope in self.patches(hidden, decoded):
            total = torch.zeros_like(slope[:, 0])
            for colour, root in enumerate(roots):
                total += slope[:, colour] * (root @ phi).square().sum(0).reshape(total.shape)
            found.append(total.mean(dim=1))
        return torch.cat(found)


def _head_of(setting: Setting) -> Head | None:
    model = setting.model
    layer = getattr(model.network, "to_image", None) if isinstance(model, VaeAdapter) else None
    if not isinstance(model, VaeAdapter) or not isinstance(layer, nn.Conv2d):
        return None
    plain = layer.stride == (1, 1) and layer.groups == 1 and layer.padding_mode == "zeros"
    if not plain or isinstance(layer.padding, str) or layer.out_channels != 3:  # noqa: PLR2004
        return None
    head = Head(model, layer)
    images, _ = next(setting.batches())
    return head if head.is_tanh_of_layer(images) else None
