"""Files that PyTorch runs without the model's own code: TorchScript, and torch.export's .pt2.

The program takes images in [-1, 1] and returns their reconstructions. Neither format is a pickle:
loading one runs no code but PyTorch's.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.export.passes import move_to_device_pass

from tonegap.adapters.identity import Identity, Loaded, file_sha256
from tonegap.adapters.reference import Reference
from tonegap.errors import ModelError, first_line
from tonegap.model.finished import completed

_EXPORTED = ".pt2"
_LONGEST = 100  # characters of PyTorch's reason
_AXES = 4  # batch, channels, height, width


class Program:
    """A program of images.

    Parameters
    ----------
    run
        Function of a batch.
    batch
        The only number of images that it takes; None if it takes any.
    """

    def __init__(self, run: Callable[[Tensor], Tensor], batch: int | None = None) -> None:
        self._run = run
        self._batch = batch

    def reconstruct(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch 3 height width"]:
        """Run the program; a fixed batch is filled up with copies of the last image."""
        if self._batch is None:
            return self._run(images)
        parts = [self._filled(part) for part in torch.split(images, self._batch)]
        return torch.cat(parts)[: len(images)]

    def _filled(self, part: Tensor) -> Tensor:
        missing = (self._batch or 0) - len(part)
        return self._run(torch.cat([part, part[-1:].expand(missing, -1, -1, -1)]))


def load(reference: Reference, image_size: int, device: torch.device) -> Loaded:
    """Load a program.

    Raises
    ------
    ModelError
        If there is no such file, or it holds no program of such images.
    """
    path = reference.path
    if not path.is_file():
        raise ModelError(f"{reference} names no file; name one of torch.jit.save or torch.export")
    exported = path.suffix == _EXPORTED
    try:
        model = _exported(reference, image_size, device) if exported else _scripted(path, device)
    except ModelError:
        raise
    except Exception as error:  # PyTorch raises RuntimeError, zipfile, struct, ... errors
        raise ModelError(
            f"{reference} holds no program; a state dict or a pickle is none "
            f"({first_line(error)[:_LONGEST]}); write it with torch.jit.save, or with "
            f"torch.export.save under a name that ends in {_EXPORTED}"
        ) from error
    kind = "exported program" if exported else "TorchScript"
    weights = {path.name: file_sha256(path)}
    return Loaded(completed(model), Identity(kind, f"torch {torch.__version__}", weights=weights))


def _scripted(path: Any, device: torch.device) -> Program:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PyTorch announces the end of TorchScript
        program = torch.jit.load(path, map_location=device)  # type: ignore[no-untyped-call]
    return Program(program.eval())


def _exported(reference: Reference, image_size: int, device: torch.device) -> Program:
    program = torch.export.load(reference.path)
    wanted = _input_shape(program)
    if len(wanted) != _AXES:
        raise ModelError(f"{reference} takes an input of {len(wanted)} axes, not images")
    for side in wanted[2:]:
        if isinstance(side, int) and side != image_size:
            raise ModelError(
                f"{reference} takes images of {side} pixels only, but would be given {image_size}; "
                f"give --size {side}, or export it with dynamic sides"
            )
    moved = move_to_device_pass(program, device)
    return Program(moved.module(), wanted[0] if isinstance(wanted[0], int) else None)


def _input_shape(program: Any) -> tuple[Any, ...]:
    """Return the shape of the first input: integers, or symbols where any number will do."""
    name = program.graph_signature.user_inputs[0]
    node = next(node for node in program.graph.nodes if node.name == name)
    return tuple(node.meta["val"].shape)
