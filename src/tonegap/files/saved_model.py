"""A trained model on disk: one safetensors file that also describes how to rebuild the network.

The header holds one entry, ``tonegap``, with sorted JSON. Several entries would be written
in an order that changes from run to run, so equal models would have different files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import safetensors
import safetensors.torch
from torch import Tensor

from tonegap.errors import DataError, ModelError
from tonegap.files.atomic import replacing, require_free_space
from tonegap.params import ModelParams

_ENTRY = "tonegap"
_LARGEST_HEADER = 100_000_000  # bytes, the format's own limit


@dataclass(frozen=True)
class TrainedFacts:
    """What is needed to rebuild a trained network and to interpret its numbers.

    Attributes
    ----------
    model : ModelParams
        Parameters that the factory was called with.
    image_size : int
        Side of its images, pixels.
    settings : mapping
        Training settings that change what the numbers mean (perceptual network and
        weights, KL reduction, beta, epochs, ...): plain JSON values.
    made_on : mapping
        The device and the versions that trained it: provenance, not settings.
    """

    model: ModelParams
    image_size: int
    settings: Mapping[str, Any]
    made_on: Mapping[str, str]


def write_trained(path: Path, state: Mapping[str, Tensor], facts: TrainedFacts) -> None:
    """Write weights and facts atomically; the same content gives the same bytes."""
    # Copies: safetensors rejects weights that share memory, such as those of tied layers.
    tensors = {
        name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in state.items()
    }
    header = asdict(facts) | {"model": facts.model.model_dump(mode="json")}
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    require_free_space(path.parent, size + 1_000_000, f"writing the trained model to {path}")
    with replacing(path) as temporary:
        safetensors.torch.save_file(
            tensors, temporary, metadata={_ENTRY: json.dumps(header, sort_keys=True)}
        )


def read_trained(path: Path) -> tuple[dict[str, Tensor], TrainedFacts]:
    """Read weights (on the CPU) and facts.

    Raises
    ------
    ModelError
        If the file is absent, damaged, or was not written by tonegap.
    """
    if not path.is_file():
        raise ModelError(f"the trained model is not at {path}; run `dvc repro` to train it")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            header = (file.metadata() or {}).get(_ENTRY)
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        raise ModelError(f"{path} cannot be read as safetensors ({error}); train again") from None
    if header is None:
        raise ModelError(f"{path} does not name its network; train again")
    return state, _facts(header, path)


def read_facts(stream: BinaryIO, name: str) -> TrainedFacts:
    """Read the facts alone, from the start of an open file: models can be large.

    Raises
    ------
    DataError
        If it was not written by :func:`write_trained`.
    """
    length = int.from_bytes(stream.read(8), "little")
    if length > _LARGEST_HEADER:
        raise DataError(f"{name} is not a trained model of tonegap; train again")
    try:
        header = json.loads(stream.read(length))["__metadata__"][_ENTRY]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{name} is not a trained model of tonegap ({error}); train again"
        ) from None
    return _facts(header, Path(name))


def _facts(header: str, path: Path) -> TrainedFacts:
    try:
        content = json.loads(header)
        return TrainedFacts(
            model=ModelParams.model_validate(content["model"]),
            image_size=int(content["image_size"]),
            settings=dict(content["settings"]),
            made_on=dict(content["made_on"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: its description cannot be read ({error}); train again") from None
