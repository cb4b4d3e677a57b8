"""The scores that ``evaluate`` can compute, in one table, and all of them in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import torch
from torch import Tensor

from tonegap.measures import SCORES
from tonegap.model.protocol import GenerativeModel
from tonegap.uncertainty import (
    colour_distance,
    darkness,
    decoder_laplace,
    jpeg_bytes,
    kl,
    last_layer_laplace,
    latent_knn,
    own,
    pixel_knn,
    sigma,
)
from tonegap.uncertainty.setting import Scorer, Setting

FITS: Final[Mapping[str, Callable[[Setting], Scorer | None]]] = MappingProxyType(
    {
        "kl": kl.fit,
        "latent_knn": latent_knn.fit,
        "last_layer_laplace": last_layer_laplace.fit,
        "decoder_laplace": decoder_laplace.fit,
        "pixel_knn": pixel_knn.fit,
        "colour_distance": colour_distance.fit,
        "jpeg_bytes": jpeg_bytes.fit,
        "darkness": darkness.fit,
    }
)
"""How each score of ``evaluate.scores`` learns what it needs; None where the model lacks it."""


WITHOUT_DRAW: Final = ("kl", "jpeg_bytes", "darkness")
"""Those that need no training image, for models that were trained elsewhere."""


@dataclass(frozen=True)
class Scores:
    """Scores that are ready to be computed.

    Attributes
    ----------
    columns
        Their columns.
    parts
        What computes them.
    """

    columns: tuple[str, ...]
    parts: tuple[Scorer, ...]

    def of(self, images: Tensor) -> dict[str, Tensor]:
        """Return each column for a batch; NaN where the model lacks what the score needs."""
        found = {name: torch.full((len(images),), torch.nan) for name in self.columns}
        kept = images.clone()
        for part in self.parts:
            found |= part(images)
            if not torch.equal(images, kept):  # a model may write into its input
                images = kept.clone()
        return found


def sigma_alone(model: GenerativeModel) -> Scores:
    """Return the score that the paper has."""
    return Scores(("sigma",), (sigma.scorer(model),))


@torch.no_grad()
def fit_scores(names: Iterable[str], setting: Setting) -> Scores:
    """Prepare sigma, the named scores and the model's own.

    Parameters
    ----------
    names
        Keys of :data:`FITS`.
    setting
        Model, training draw and settings.

    Raises
    ------
    ModelError
        If a user's model returns what cannot be used.
    """
    names = tuple(names)
    columns = tuple(row.name for row in SCORES if row.by == "sigma" or row.by in names)
    parts = [sigma.scorer(setting.model)]
    parts += [part for name in names if (part := FITS[name](setting)) is not None]
    brought = own.scorer(setting.model)
    if brought is not None:
        images, _ = next(setting.batches())
        columns += tuple(brought(images[:1]))  # mistakes show before any image is assessed
        parts.append(brought)
    return Scores(columns, tuple(parts))
