"""Finished models that a user's own function returns: ``package.module:factory``."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tonegap.errors import ModelError
from tonegap.model.factory import load_factory, told
from tonegap.model.protocol import GenerativeModel, Reconstructor, as_generative


class WithoutPosterior:
    """A model that only reconstructs, and so has no sigma.

    Parameters
    ----------
    model
        The user's.
    """

    def __init__(self, model: Reconstructor) -> None:
        self.model = model

    def reconstruct(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch 3 height width"]:
        """Reconstruct as the model does."""
        return self.model.reconstruct(images)

    def posterior_std(self, images: Float[Tensor, "batch 3 height width"]) -> None:
        """Return None: there is no posterior."""
        del images


def finished_model(name: str, image_size: int, device: torch.device, key: str) -> GenerativeModel:
    """Return the finished model of ``package.module:factory``.

    Parameters
    ----------
    name
        The factory; it is called with the image size and the device.
    image_size
        Side of the images to assess, pixels.
    device
        Where the model shall run.
    key
        What named the factory, for messages.

    Raises
    ------
    ModelError
        If the factory cannot be imported, fails, or returns something that cannot be assessed:
        a model has ``reconstruct``, or is a module with ``encode`` and ``decode``.
    """
    factory = cast("Callable[[int, torch.device], object]", load_factory(name, key))
    try:
        model = factory(image_size, device)
    except (Exception, SystemExit) as error:  # the user's factory may raise anything
        raise ModelError(
            f"{key} is {name!r}, which fails when it is called with (image_size, device) "
            f"({told(error)}); docs/own-model.md shows a factory"
        ) from error
    if isinstance(model, GenerativeModel):
        return model
    if isinstance(model, Reconstructor):
        return WithoutPosterior(model)
    if isinstance(model, nn.Module) and hasattr(model, "encode") and hasattr(model, "decode"):
        return as_generative(model.to(device), image_size)
    raise ModelError(
        f"{key} is {name!r}, which returned {type(model).__name__}; assessing needs the method "
        "reconstruct, or a module with encode and decode (docs/own-model.md)"
    )
