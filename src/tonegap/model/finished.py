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
    if isinstance(model, Reconstructor):
        return completed(model)
    if isinstance(model, nn.Module) and hasattr(model, "encode") and hasattr(model, "decode"):
        return as_generative(model.to(device), image_size)
    raise ModelError(
        f"{key} is {name!r}, which returned {type(model).__name__}; assessing needs the method "
        "reconstruct, or a module with encode and decode (docs/own-model.md)"
    )


def completed(model: Reconstructor) -> GenerativeModel:
    """Give a model that lacks them ``posterior_std`` and ``sample``: it has neither.

    Raises
    ------
    ModelError
        If the model takes no attributes.
    """
    for name, lacking in (("posterior_std", _no_posterior), ("sample", _no_samples)):
        if not hasattr(model, name):
            try:
                setattr(model, name, lacking)
            except AttributeError:
                raise ModelError(
                    f"{type(model).__name__} has no method {name} and cannot be given one; add it "
                    "(docs/own-model.md)"
                ) from None
    return cast("GenerativeModel", model)


def _no_posterior(images: Float[Tensor, "batch 3 height width"]) -> None:
    del images


def _no_samples(count: int, seed: int) -> Float[Tensor, "count 3 height width"]:
    raise NotImplementedError(f"the model has no method sample({count}, {seed})")
