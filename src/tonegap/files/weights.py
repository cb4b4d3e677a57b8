"""Weights of the perceptual network: torchvision's, untrained, or a file's."""

from __future__ import annotations

import pickle
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor
from torchvision.models import SqueezeNet1_1_Weights, VGG19_Weights

from tonegap.errors import WeightsError, first_line, one_line
from tonegap.fidelity import perception
from tonegap.model.perceptual import (
    FeatureNetwork,
    Taps,
    feature_network,
    load_weights,
    random_weights,
)
from tonegap.nearest import nearest
from tonegap.params import SMALLEST_IMAGE, PerceptualNetwork

RANDOM_SEED = 0
"""Seed of untrained features: one for all runs, so that their losses can be compared."""

_PUBLISHED: dict[PerceptualNetwork, str] = {
    "vgg19": VGG19_Weights.IMAGENET1K_V1.url,
    "squeezenet1_1": SqueezeNet1_1_Weights.IMAGENET1K_V1.url,
}
_DOWNLOAD_TIMEOUT_S = 30.0


def resolve_weights(
    name: PerceptualNetwork,
    choice: str,
    taps: Taps = "before_relu",
    imagenet_norm: bool = False,  # noqa: FBT001, FBT002 - mirrors the parameter of params.yaml
    seed: int = RANDOM_SEED,
) -> FeatureNetwork:
    """Build a feature network and fill it.

    Parameters
    ----------
    name, taps, imagenet_norm
        As in :func:`tonegap.model.perceptual.feature_network`.
    choice
        ``imagenet``: torchvision's weights, downloaded once into its cache. ``random``:
        untrained, see :func:`tonegap.model.perceptual.random_weights`. Else the path of a
        ``.safetensors`` file with torchvision's key names.
    seed
        Seed of ``random``.

    Raises
    ------
    WeightsError
        If the weights are not available, cannot be read, or are of another network.
    """
    network = feature_network(name, taps, imagenet_norm)
    if choice == "random":
        return random_weights(network, seed)
    if choice == "imagenet":
        return load_weights(network, _published(name))
    path = weights_file(choice)
    state = _from_file(path)
    try:
        return load_weights(network, state)
    except WeightsError as error:
        raise WeightsError(f"train.perceptual_weights is {path}: {error}") from None


def measuring_network(
    name: PerceptualNetwork, choice: str, image_size: int, *, needed: bool = False
) -> FeatureNetwork | None:
    """Return the perceptual network as what it measures with expects it, if anything does.

    Parameters
    ----------
    name, choice
        As in :func:`resolve_weights`.
    image_size
        Side of the images, pixels: the network halves too small ones to nothing.
    needed
        Whether more than LPIPS is measured with it.

    Raises
    ------
    WeightsError
        As :func:`resolve_weights`.
    """
    of_lpips = name == perception.NETWORK and choice != "random"
    if not (of_lpips or needed) or image_size < SMALLEST_IMAGE[name]:
        return None
    return resolve_weights(name, choice, "after_relu", imagenet_norm=True)


def weights_label(name: PerceptualNetwork, choice: str) -> str:
    """Describe the features in a few words, for everything that shows a loss."""
    if choice == "random":
        return f"{name}, random (untrained) features"
    return f"{name}, {'ImageNet' if choice == 'imagenet' else Path(choice).name} features"


def weights_file(choice: str) -> Path:
    """Find the file that ``train.perceptual_weights`` names; ``~`` is the user's home.

    Raises
    ------
    WeightsError
        If it is absent or is not a ``.safetensors`` file.
    """
    path = Path(choice).expanduser()
    if path.suffix != ".safetensors":
        raise WeightsError(
            f"train.perceptual_weights is {str(path)!r}, expected imagenet, random or the path of "
            f"a .safetensors file; {nearest(str(path), ('imagenet', 'random'))}"
        )
    if not path.is_file():
        raise WeightsError(
            f"train.perceptual_weights is {path}, which is not a file (seen from {Path.cwd()}); "
            "name a .safetensors file, or set imagenet or random"
        )
    return path


def published_file(name: PerceptualNetwork) -> Path:
    """Return where torchvision stores its published weights, downloaded or not."""
    return Path(torch.hub.get_dir()) / "checkpoints" / _PUBLISHED[name].rsplit("/", 1)[-1]


def _published(name: PerceptualNetwork) -> Mapping[str, Tensor]:
    """Load torchvision's weights from its cache, or download them into it."""
    url = _PUBLISHED[name]
    place = published_file(name)
    try:
        with _socket_timeout(_DOWNLOAD_TIMEOUT_S):
            state: Mapping[str, Tensor] = torch.hub.load_state_dict_from_url(
                url, map_location="cpu", progress=False, check_hash=True, weights_only=True
            )
    # A failed connection is an OSError, a wrong hash or a broken archive a RuntimeError.
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise WeightsError(
            f"torchvision's weights {place.name} are not available ({first_line(error)}); put that "
            f"file at {place}, or set train.perceptual_weights to a .safetensors file with "
            "torchvision's key names, or to `random` (untrained features: losses do not carry over)"
        ) from error
    return state


def _from_file(path: Path) -> Mapping[str, Tensor]:
    try:
        return safetensors.torch.load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"{path} cannot be read as safetensors ({one_line(error)}); it may be cut short or "
            "of another format: fetch it again, or set train.perceptual_weights to random"
        ) from error


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """Set a time-out for connections: torch.hub sets no limit of its own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
