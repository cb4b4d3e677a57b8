"""Laplace approximation of the whole decoder: SLUG's idea, by a Gram matrix of gradients.

With ``D`` the decoder, ``z`` an image's posterior mean, ``J = dD/dtheta`` (never formed) and
``w_n`` how often training image ``n`` was drawn, the Gauss-Newton matrix of the squared error is
``G = sum_n w_n J_n' J_n``. Rademacher vectors ``v`` give rows ``sqrt(w_n / s') J_n' v`` of a
matrix ``R`` with ``E R'R = G``. The 50 leading eigenvectors ``u_i`` of ``R'R`` come from the small
matrix ``R R'`` (Turk and Pentland 1991, J. Cogn. Neurosci. 3:71), in float64. Then::

    u_decoder_laplace          = mean_j [ |g_j|^2 - sum_i (u_i' g_j)^2 ],    g_j = J(z)' v_j
    u_decoder_laplace_diagonal = sum_p mean_j (g_j)_p^2 / (h_p + mean h),    h = diag R'R

over four vectors ``v_j``, the same for every image and model: what the sensitivity of the picture
to the weights has outside of the directions that training pinned down. Zero if it has nothing.

López-Pérez et al. (2025, arXiv:2503.17477) find such eigenvectors by sketched Lanczos; the
Gram matrix gave the same ranking for a fifth of the time (docs/uncertainty.md). Gradients are taken
with batch norm in evaluation mode and without autocast, in the format of the weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tonegap.model.protocol import VaeAdapter
from tonegap.uncertainty.posterior import posterior_of
from tonegap.uncertainty.setting import Scorer, Setting

ROWS: Final = 256
"""Gradients of training images that are held; with more images, so many are drawn."""

RANK: Final = 50
"""Eigenvectors that are left out of the score."""

PROBES: Final = 4
"""Random vectors per image that is scored."""

_FIT_SEED, _SCORE_SEED, _CHOICE_SEED = 1, 2, 3
_COLUMNS_AT_ONCE = 100_000
_NO_EIGENVALUE = 1e-10  # of the largest


def fit(setting: Setting) -> Scorer | None:
    """Take the gradients of the training draw; None if the model is no VAE of tonegap's."""
    model = setting.model
    if not isinstance(model, VaeAdapter):
        return None
    decoder = Decoder(model, _decoder_weights(model, next(setting.batches())[0][:1]))
    rows = _training_rows(decoder, setting)
    basis, diagonal = leading_directions(rows, RANK), torch.linalg.vector_norm(rows, dim=0) ** 2
    del rows
    damped = diagonal + diagonal.mean()

    def scores(images: Tensor) -> dict[str, Tensor]:
        found = [_score(gradients, basis, damped) for gradients in decoder.probed(images)]
        left, by_weight = zip(*found, strict=True)
        return {
            "u_decoder_laplace": torch.stack(left),
            "u_decoder_laplace_diagonal": torch.stack(by_weight),
        }

    return scores


def _score(
    gradients: Float[Tensor, "probes weights"],
    basis: Float[Tensor, "rank weights"],
    damped: Float[Tensor, " weights"],
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Return the score of one image and its diagonal form."""
    squares = gradients.square()
    left = squares.sum() - (gradients @ basis.T).square().sum()
    return left / len(gradients), (squares.mean(dim=0) / damped).sum()


def leading_directions(
    rows: Float[Tensor, "rows weights"], rank: int
) -> Float[Tensor, "rank weights"]:
    """Return the leading eigenvectors of ``rows' rows``, at most ``rank``, from its Gram matrix."""
    gram = torch.zeros(len(rows), len(rows), dtype=torch.float64)
    for start in range(0, rows.shape[1], _COLUMNS_AT_ONCE):
        block = rows[:, start : start + _COLUMNS_AT_ONCE].cpu().double()
        gram += block @ block.T
    values, vectors = torch.linalg.eigh(gram)
    kept = [k for k in range(len(values) - 1, -1, -1) if values[k] > _NO_EIGENVALUE * values[-1]]
    mixing: Tensor = (vectors[:, kept[:rank]] / values[kept[:rank]].sqrt()).T
    return mixing.to(rows) @ rows


@dataclass(frozen=True)
class Decoder:
    """A decoder and the weights that its pictures depend on."""

    model: VaeAdapter
    weights: Sequence[nn.Parameter]

    @property
    def size(self) -> int:
        """Number of weights."""
        return sum(weight.numel() for weight in self.weights)

    def probed(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Iterator[Float[Tensor, "probes weights"]]:
        """Give the gradients of each image along the vectors that all images share."""
        generator = torch.Generator().manual_seed(_SCORE_SEED)
        vectors = rademacher(PROBES, images.shape[1:], generator)
        for image in images:
            yield self.gradients(image[None], vectors)

    def gradients(
        self, image: Float[Tensor, "1 3 height width"], vectors: Float[Tensor, "rows 3 _ _"]
    ) -> Float[Tensor, "rows weights"]:
        """Return ``J' v`` for each vector, at the posterior mean of the image."""
        latent = posterior_of(self.model, image).mu.detach()
        with torch.enable_grad(), _with_gradients(self.model.network):
            picture = self.model.vae.decode(latent)
            return torch.stack(
                [
                    _flat(torch.autograd.grad(picture, self.weights, v[None], retain_graph=True))
                    for v in vectors.to(picture)
                ]
            )


def rademacher(
    count: int, shape: Sequence[int], generator: torch.Generator
) -> Float[Tensor, "count channels height width"]:
    """Draw signs; integers are drawn alike on every machine."""
    return torch.randint(2, (count, *shape), generator=generator).float() * 2.0 - 1.0


def _training_rows(decoder: Decoder, setting: Setting) -> Float[Tensor, "rows weights"]:
    """Return ``R``: some gradients of each training image, or one of each of ``ROWS`` images."""
    count = len(setting.draw.images)
    chosen = torch.arange(count)
    if count > ROWS:
        order = torch.randperm(count, generator=torch.Generator().manual_seed(_CHOICE_SEED))
        chosen = order[:ROWS].sort().values
    per_image = max(1, ROWS // len(chosen))
    generator = torch.Generator().manual_seed(_FIT_SEED)
    part = set(chosen.tolist())
    rows = decoder.weights[0].new_empty(len(part) * per_image, decoder.size)
    filled = seen = 0
    for images, times in setting.batches():
        for image, drawn in zip(images, times, strict=True):
            if seen in part:
                vectors = rademacher(per_image, image.shape, generator)
                weight = (drawn * (count / len(part)) / per_image).sqrt()
                found = decoder.gradients(image[None], vectors)
                rows[filled : filled + per_image] = found * weight.to(found)
                filled += per_image
            seen += 1
    return rows


def _decoder_weights(model: VaeAdapter, image: Tensor) -> list[nn.Parameter]:
    """Find the weights that a decoded picture depends on."""
    weights = list(model.network.parameters())
    latent = posterior_of(model, image).mu.detach()
    with torch.enable_grad(), _with_gradients(model.network):
        picture = model.vae.decode(latent)
        found = torch.autograd.grad(picture.sum(), weights, allow_unused=True)
    return [weight for weight, gradient in zip(weights, found, strict=True) if gradient is not None]


@contextmanager
def _with_gradients(network: nn.Module) -> Iterator[None]:
    """Let every weight have a gradient; restore the network's own choice afterwards."""
    before = [weight.requires_grad for weight in network.parameters()]
    network.requires_grad_(requires_grad=True)
    try:
        yield
    finally:
        for weight, own in zip(network.parameters(), before, strict=True):
            weight.requires_grad_(own)


def _flat(gradients: Sequence[Tensor]) -> Float[Tensor, " weights"]:
    return torch.cat([gradient.flatten() for gradient in gradients])
