"""What a score may use: the model, the images that it was trained on, and a few settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from tonegap.model.pixels import to_model_range
from tonegap.model.protocol import GenerativeModel

Scorer: TypeAlias = Callable[[Tensor], Mapping[str, Tensor]]
"""Maps images in [-1, 1], [batch, 3, height, width], to one number per image, by column."""


@dataclass(frozen=True)
class TrainingDraw:
    """The training images; an image that was drawn several times is held once.

    Attributes
    ----------
    images
        Distinct images, in the order of their first draw.
    times
        How often each was drawn, from 1.
    """

    images: UInt8[np.ndarray, "distinct size size 3"]
    times: Int[np.ndarray, " distinct"]

    @classmethod
    def of(cls, drawn: UInt8[np.ndarray, "draws size size 3"]) -> TrainingDraw:
        """Group the repeats of a draw by their pixels."""
        places: dict[bytes, int] = {}
        of_draw = [places.setdefault(image.tobytes(), len(places)) for image in drawn]
        _, first = np.unique(of_draw, return_index=True)
        return cls(drawn[first], np.bincount(of_draw, minlength=len(places)))


@dataclass(frozen=True)
class Setting:
    """Everything that a score may use.

    Attributes
    ----------
    model
        The model to assess.
    draw
        What it was trained on.
    device
        Where the model is.
    batch_size
        Images per pass through the model; does not change the results.
    jpeg_quality
        Quality setting of JPEG, 1-100.
    """

    model: GenerativeModel
    draw: TrainingDraw
    device: torch.device
    batch_size: int
    jpeg_quality: int

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Give the distinct training images in [-1, 1] and how often each was drawn."""
        for start in range(0, len(self.draw.images), self.batch_size):
            chosen = slice(start, start + self.batch_size)
            times = torch.from_numpy(self.draw.times[chosen]).to(self.device)
            yield to_model_range(self.draw.images[chosen]).to(self.device), times
