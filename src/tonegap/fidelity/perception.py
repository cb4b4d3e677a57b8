"""LPIPS: the distance of two pictures to a perceptual network, with trained weights per channel.

Zhang et al. 2018 (CVPR, arXiv 1801.03924). The weights of the channels ("heads") come with
torchmetrics; the network is the one at hand. They were fitted to torchvision's SqueezeNet 1.1, and
mean nothing to other or untrained features.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tonegap.model.perceptual import FeatureNetwork

NETWORK = "squeezenet1_1"
"""The perceptual network that the heads belong to."""


def lpips_squeeze(
    network: FeatureNetwork, device: torch.device
) -> Callable[[Tensor, Tensor], Tensor]:
    """Return LPIPS over SqueezeNet's features, as a measure of images and reconstructions.

    Parameters
    ----------
    network
        SqueezeNet 1.1 with torchvision's ImageNet weights; its taps and its normalisation do not
        matter, LPIPS has its own.
    device
        Where it runs, in float32.

    Returns
    -------
    callable
        From two batches in [-1, 1] to one distance per image; 0 for equal images.
    """
    lpips = _with_features(network).to(device)

    def measure(
        images: Float[Tensor, "batch 3 height width"],
        reconstruction: Float[Tensor, "batch 3 height width"],
    ) -> Float[Tensor, " batch"]:
        pair = (batch.to(device, torch.float32) for batch in (images, reconstruction))
        distances: Tensor = lpips(*pair)
        return distances.flatten()

    return measure


def lpips_by_name(
    network: FeatureNetwork | None, weights: str, device: torch.device
) -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    """Return LPIPS by its name, where the perceptual network is the one that its heads fit.

    Parameters
    ----------
    network
        The perceptual network; None if there is none.
    weights
        Where its weights come from: ``random`` ones are no basis.
    device
        Where it runs.
    """
    if network is None or network.name != NETWORK or weights == "random":
        return {}
    return {"lpips_squeeze": lpips_squeeze(network, device)}


def _with_features(network: FeatureNetwork) -> nn.Module:
    """Return torchmetrics' LPIPS with the features of a network."""
    # Imported here: it loads slowly, and most runs have no use for it.
    from torchmetrics.functional.image.lpips import _NoTrainLpips  # noqa: PLC0415

    with torch.random.fork_rng(devices=[]):  # it draws weights, which are then replaced
        lpips = _NoTrainLpips(net="squeeze", pnet_rand=True)
    state = network.state_dict()
    for part in lpips.net.get_submodule("slices").children():
        for position, module in part.named_children():
            start = f"features.{position}."
            own = {key.removeprefix(start): state[key] for key in state if key.startswith(start)}
            module.load_state_dict(own)
    return lpips
