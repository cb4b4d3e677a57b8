"""Models by name: ``package.module:factory``, tonegap's own or the user's."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import nn

from tonegap.errors import ModelError, nearest
from tonegap.model.protocol import TrainableVAE
from tonegap.params import ModelParams

Factory = Callable[[ModelParams, int, int], nn.Module]
"""Takes ``params.model``, the image size in pixels and a seed; gives an untrained model."""


def load_factory(name: str) -> Factory:
    """Import a factory.

    Parameters
    ----------
    name
        ``package.module:factory``. The module must be importable: installed, or in a
        folder on PYTHONPATH.

    Raises
    ------
    ModelError
        If the module cannot be imported or has no such callable.
    """
    module_name, _, attribute = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ModelError(
            f"model.factory is {name!r}, but importing {module_name} failed ({error}); "
            "install its package or put its folder on PYTHONPATH"
        ) from error
    factory: Any = getattr(module, attribute, None)
    if factory is None:
        public = [word for word in vars(module) if not word.startswith("_")]
        raise ModelError(
            f"model.factory is {name!r}, but {module_name} has no {attribute!r}; "
            + nearest(attribute, public)
        )
    if not callable(factory):
        raise ModelError(
            f"model.factory is {name!r}, which is {type(factory).__name__} and cannot be called; "
            "name a function (params, image_size, seed) that gives the model"
        )
    return cast("Factory", factory)


def build_model(params: ModelParams, image_size: int, seed: int) -> nn.Module:
    """Build the model that ``params.factory`` names and check what it gives.

    The check encodes and decodes one grey image in evaluation mode.

    Raises
    ------
    ModelError
        If the factory cannot be loaded, or does not give a module whose ``encode`` and
        ``decode`` return what :class:`~tonegap.model.protocol.TrainableVAE` says.
    """
    model = load_factory(params.factory)(params, image_size, seed)
    if not isinstance(model, nn.Module) or not isinstance(model, TrainableVAE):
        raise ModelError(
            f"{params.factory} gave {type(model).__name__}; training needs a torch.nn.Module with "
            "the methods `encode` and `decode` (docs/own-model.md)"
        )
    problem = _shape_problem(model, image_size)
    if problem:
        raise ModelError(
            f"the model of {params.factory} does not fit: {problem} (docs/own-model.md)"
        )
    return model


@torch.no_grad()
def _shape_problem(model: TrainableVAE, image_size: int) -> str | None:
    network = cast("nn.Module", model)
    training = network.training
    network.eval()
    try:
        return _describe_mismatch(model, image_size)
    except (RuntimeError, TypeError, ValueError) as error:
        first_line = str(error).strip().splitlines()[0]
        return f"a grey image of {image_size} px could not be encoded and decoded ({first_line})"
    finally:
        network.train(training)


def _describe_mismatch(model: TrainableVAE, image_size: int) -> str | None:
    images = torch.zeros(1, 3, image_size, image_size)
    mu, log_var = model.encode(images)
    if mu.shape != log_var.shape or mu.shape[:1] != (1,):
        return f"`encode` gave mu of {tuple(mu.shape)} and log_var of {tuple(log_var.shape)}"
    shape = tuple(model.decode(mu).shape)
    if shape != tuple(images.shape):
        return f"`decode` gave images of {shape}, expected {tuple(images.shape)}"
    return None
