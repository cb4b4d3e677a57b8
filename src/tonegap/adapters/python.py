"""A finished model that the user's own function returns."""

from __future__ import annotations

import torch

from tonegap.adapters.identity import Identity, Loaded, tensors_sha256
from tonegap.adapters.reference import Reference
from tonegap.model.finished import finished_model
from tonegap.model.protocol import VaeAdapter


def load(reference: Reference, image_size: int, device: torch.device) -> Loaded:
    """Call the factory with the image size and the device.

    Raises
    ------
    ModelError
        If the factory cannot be imported, fails, or returns something that cannot be assessed.
    """
    model = finished_model(reference.target, image_size, device, "the model")
    own = model.network if isinstance(model, VaeAdapter) else model
    weights = tensors_sha256(own)
    identity = Identity(
        name=type(own).__name__,
        library=f"torch {torch.__version__}",
        weights={"tensors": weights} if weights else {},
    )
    return Loaded(model, identity)
