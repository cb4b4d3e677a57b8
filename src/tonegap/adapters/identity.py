"""What a finished model is: its class, origin, licence, and the hashes of its weights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tonegap.model.protocol import GenerativeModel


@dataclass(frozen=True)
class Identity:
    """A finished model, or a folder of generated images.

    Attributes
    ----------
    name
        Class of the model.
    library
        Library that runs it, with its version.
    revision
        Commit of the Hub; empty for what lies on this machine.
    licence
        As its model card says; empty if it has none.
    weights
        sha256 by file, or of all tensors together. Empty if nothing can be hashed: then only
        the user knows when the model changes.
    """

    name: str
    library: str
    revision: str = ""
    licence: str = ""
    weights: Mapping[str, str] = field(default_factory=dict)

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values for YAML and JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Loaded:
    """A finished model, ready to be assessed, and what it is."""

    model: GenerativeModel
    identity: Identity


def file_sha256(path: Path) -> str:
    """Return the hexadecimal sha256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def tensors_sha256(model: object) -> str:
    """Return the sha256 of the names and values of a model's tensors; empty if it has none.

    Parameters
    ----------
    model
        A module, or an object whose attributes are modules.
    """
    digest, found = hashlib.sha256(), False
    for owner, module in _modules(model):
        for name, tensor in module.state_dict().items():
            if isinstance(tensor, torch.Tensor):
                found = True
                plain = tensor.detach().cpu().contiguous()
                digest.update(f"{owner}.{name} {plain.dtype} {tuple(plain.shape)}".encode())
                content: np.ndarray[Any, Any] = plain.reshape(-1).view(torch.uint8).numpy()
                digest.update(content.data)
    return digest.hexdigest() if found else ""


def _modules(model: object) -> Iterable[tuple[str, nn.Module]]:
    if isinstance(model, nn.Module):
        return [("", model)]
    attributes = sorted(getattr(model, "__dict__", {}).items())
    return [(name, value) for name, value in attributes if isinstance(value, nn.Module)]
