"""Load a finished model by its reference, and try it on two grey images."""

from __future__ import annotations

from collections.abc import Callable

import torch

from tonegap.adapters import diffusers, python, torchscript
from tonegap.adapters.identity import Loaded
from tonegap.adapters.reference import Kind, Reference
from tonegap.assessment import reconstructed
from tonegap.errors import ModelError, TonegapError
from tonegap.model.factory import told
from tonegap.uncertainty.table import sigma_alone

_ADAPTERS: dict[Kind, Callable[[Reference, int, torch.device], Loaded]] = {
    "diffusers": diffusers.load,
    "python": python.load,
    "torchscript": torchscript.load,
}

_PROBED = 2  # images: one alone would not reveal a model that mishandles the batch


def load_model(reference: Reference, image_size: int, device: torch.device) -> Loaded:
    """Load a finished model and check that it reconstructs.

    Parameters
    ----------
    reference
        Of any kind but ``samples``, which names no model.
    image_size
        Side of the images to assess, pixels.
    device
        Where the model shall run.

    Raises
    ------
    ModelError
        If it cannot be loaded, or does not reconstruct two grey images.
    """
    loaded = _ADAPTERS[reference.kind](reference, image_size, device)
    _probe(loaded, reference, image_size, device)
    return loaded


@torch.no_grad()
def _probe(loaded: Loaded, reference: Reference, image_size: int, device: torch.device) -> None:
    images = torch.zeros(_PROBED, 3, image_size, image_size, device=device)
    try:
        reconstructed(loaded.model, images)
        sigma_alone(loaded.model).of(images)
    except TonegapError as error:
        raise ModelError(f"{reference}: {error}") from None
    except (Exception, SystemExit) as error:  # foreign code may raise anything
        raise ModelError(
            f"{reference} fails on {_PROBED} grey images of {image_size} x {image_size} pixels in "
            f"[-1, 1] ({told(error)}); give --size if the model needs another size"
        ) from error
