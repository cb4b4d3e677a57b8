"""Models by name: ``package.module:factory``, tonegap's own or the user's."""

from __future__ import annotations

import functools
import importlib
import inspect
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from tonegap.errors import ModelError, named_line
from tonegap.model.protocol import TrainableVAE, posterior_of
from tonegap.nearest import nearest
from tonegap.params import ModelParams

Factory = Callable[[ModelParams, int, int], nn.Module]
"""Function from ``params.model``, the image size in pixels and a seed to an untrained model."""


_PROBED = 2  # images: one alone would not reveal a model that mishandles the batch


def load_factory(name: str, key: str = "model.factory") -> Factory:
    """Import a factory.

    Parameters
    ----------
    name
        ``package.module:factory``. The module must be importable: installed, or in a
        folder on PYTHONPATH.
    key
        The parameter that names it, for messages.

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
            f"{key} is {name!r}, but importing {module_name} failed ({error}); "
            "install its package, or put the folder that holds it on PYTHONPATH (PYTHONPATH=. for "
            "this folder)"
        ) from error
    except (Exception, SystemExit) as error:  # the user's module may raise anything
        raise ModelError(
            f"{key} is {name!r}, but {module_name} fails when it is imported ({told(error)})"
        ) from error
    factory: Any = getattr(module, attribute, None)
    if factory is None:
        public = [word for word in vars(module) if not word.startswith("_")]
        raise ModelError(
            f"{key} is {name!r}, but {module_name} has no {attribute!r}; "
            + nearest(attribute, public)
        )
    if not callable(factory):
        raise ModelError(
            f"{key} is {name!r}, which is {type(factory).__name__} and cannot be called; "
            "name a function that returns the model (docs/own-model.md)"
        )
    return cast("Factory", factory)


def build_model(params: ModelParams, image_size: int, seed: int) -> nn.Module:
    """Build the model that ``params.factory`` names and check it.

    The check encodes and decodes two grey images in evaluation mode. PyTorch's CPU generator is
    seeded before building and restored after the check. Layers that take their shapes and draw
    their weights at their first input are thus a function of ``seed`` too.

    Raises
    ------
    ModelError
        If the factory cannot be loaded, fails, or does not return a module with trainable
        parameters whose ``encode`` and ``decode`` follow
        :class:`~tonegap.model.protocol.TrainableVAE`.
    """
    factory = load_factory(params.factory)
    with _seeded(seed):
        return _checked_model(factory, params, image_size, seed)


def _checked_model(factory: Factory, params: ModelParams, image_size: int, seed: int) -> nn.Module:
    try:
        model = factory(params, image_size, seed)
    except (Exception, SystemExit) as error:  # the user's factory may raise anything
        raise ModelError(
            f"model.factory is {params.factory!r}, which fails when it is called with (params, "
            f"image_size, seed) ({told(error)}); docs/own-model.md shows a factory"
        ) from error
    if not isinstance(model, nn.Module) or not isinstance(model, TrainableVAE):
        raise ModelError(
            f"{params.factory} returned {type(model).__name__}; training needs a torch.nn.Module "
            "with the methods `encode` and `decode` (docs/own-model.md)"
        )
    problem = _shape_problem(model, image_size)
    if problem:
        raise ModelError(
            f"the model of {params.factory} does not fit: {problem} (docs/own-model.md)"
        )
    return model


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


def told(error: Exception | SystemExit) -> str:
    """Describe on one line what a user's code raised, and where."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    if isinstance(error, SystemExit):
        return f"it called sys.exit({error.code!r}){place}"
    return f"{named_line(error)}{place}"


@torch.no_grad()
def _shape_problem(model: TrainableVAE, image_size: int) -> str | None:
    network = cast("nn.Module", model)
    training = network.training
    network.eval()
    try:
        return _describe_mismatch(model, image_size)
    except ModelError as error:
        return str(error)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the user's model may raise anything
        return (
            f"{_PROBED} grey images of {image_size} px could not be encoded and decoded "
            f"({told(error)})"
        )
    finally:
        network.train(training)


def _describe_mismatch(model: TrainableVAE, image_size: int) -> str | None:
    images = torch.zeros(_PROBED, 3, image_size, image_size)
    mu, log_var = posterior_of(model, images)
    if mu.shape != log_var.shape or mu.shape[:1] != (_PROBED,):
        return (
            f"`encode` returned mu of {tuple(mu.shape)} and log_var of {tuple(log_var.shape)} for "
            f"{_PROBED} images; they must be of equal shape, batch first"
        )
    shape = tuple(model.decode(mu).shape)
    if shape != tuple(images.shape):
        return f"`decode` returned images of {shape}, expected {tuple(images.shape)}"
    network = cast("nn.Module", model)
    if not any(parameter.requires_grad for parameter in network.parameters()):
        return "it has no parameter that requires a gradient, so there is nothing to train"
    for name, value in network.state_dict().items():
        if not isinstance(value, Tensor):
            return (
                f"its state_dict holds {name!r}, which is {type(value).__name__}; only tensors are "
                "kept in checkpoints and in the trained model, so register it as a buffer"
            )
    return None


def source_of(factory: Factory) -> list[Path]:
    """Find the file of a factory: a function, a class, a partial function, or a callable object.

    For code in an archive it is the archive. Compiled code and code from a string have none.
    """
    code: Any = factory
    while isinstance(code, functools.partial):
        code = code.func
    code = inspect.unwrap(code)
    for owner in (code, type(code)):  # an object's code is in its class
        with suppress(TypeError):
            place = Path(inspect.getsourcefile(owner) or "")
            return [path for path in (place, *place.parents) if path.is_file()][:1]
    return []
