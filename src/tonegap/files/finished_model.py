"""The model to assess: the one trained here, or a finished one of the user."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tonegap.errors import ModelError, one_line
from tonegap.files.saved_model import read_trained
from tonegap.model.factory import build_model
from tonegap.model.finished import finished_model
from tonegap.model.protocol import GenerativeModel, as_generative

TRAINED = "trained"


def assessed_model(
    name: str, weights: Path, image_size: int, device: torch.device
) -> tuple[GenerativeModel, dict[str, Any]]:
    """Load the model and the known facts about its training.

    Parameters
    ----------
    name
        ``trained``, or ``package.module:factory``, whose factory is called with the image
        size and the device and returns a finished model.
    weights
        The trained model's file; read for ``trained`` only.
    image_size
        Side of the images to assess, pixels.
    device
        Device of the trained model.

    Raises
    ------
    ModelError
        If the model cannot be loaded, or was trained for another image size.
    """
    if name != TRAINED:
        return finished_model(name, image_size, device, "evaluate.model"), {"model": name}
    state, facts = read_trained(weights)
    if facts.image_size != image_size:
        raise ModelError(
            f"{weights} was trained on images of {facts.image_size} px, but the packed images have "
            f"{image_size} px; run `dvc repro` to train again"
        )
    network = build_model(facts.model, image_size, seed=0)
    try:
        network.load_state_dict(state, assign=True)  # in the number format of the file
    except RuntimeError as error:
        reason = one_line(error)[:200]
        raise ModelError(f"{weights} does not fit {facts.model.factory} ({reason})") from None
    model = as_generative(network.to(device), image_size)
    return model, {"model": facts.model.factory, **facts.settings}
