"""Frozen convolutional networks that provide the feature maps of the perceptual term.

``vgg19`` (Simonyan and Zisserman 2015; the paper's, section 3.4) has 16 taps, the
outputs of all its convolutions; ``squeezenet1_1`` (Iandola et al. 2016) has 25: its first
convolution and three in each of eight fire modules (the 26th convolution of the full
network is the classifier and is left out). Names and layout are torchvision's, so that its
weights load; the classifiers are left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from tonegap.errors import WeightsError
from tonegap.params import PerceptualNetwork

Taps = Literal["before_relu", "after_relu"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

_VGG19_STAGES = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))
"""Width and number of convolutions between max poolings (configuration E)."""

_FIRES = {3: (64, 16, 64), 4: (128, 16, 64), 6: (128, 32, 128), 7: (256, 32, 128)} | {
    9: (256, 48, 192), 10: (384, 48, 192), 11: (384, 64, 256), 12: (512, 64, 256),
}  # fmt: skip
"""Position in torchvision's ``features``: channels in, of the squeeze, of each expansion."""

_POOLED_FIRST = (3, 6, 9)
"""Fire modules of SqueezeNet 1.1 that a max pooling precedes."""


class FeatureNetwork(nn.Module):
    """Frozen network that returns its feature maps; see :func:`feature_network`."""

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, taps: Taps, *, imagenet_norm: bool) -> None:
        super().__init__()
        self.name = name
        self.taps = taps
        self.imagenet_norm = imagenet_norm
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(3, 1, 1), persistent=False)

    def convolutions(self) -> list[nn.Conv2d]:
        """Return the convolutions in the order of the taps."""
        return [module for module in self.modules() if isinstance(module, nn.Conv2d)]

    def forward(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> tuple[Float[Tensor, "batch _ _ _"], ...]:
        """Return every convolution's output, before or after its ReLU, in the network's order.

        Parameters
        ----------
        images
            Batch in [-1, 1]; normalised by ImageNet's mean and deviation if
            ``imagenet_norm`` is set, else used unchanged (the paper's code).
        """
        if self.imagenet_norm:
            images = (0.5 * images + 0.5 - self.mean) / self.std
        maps: list[Tensor] = []
        self._run(images, maps)
        return tuple(maps)

    def _run(self, x: Tensor, maps: list[Tensor]) -> None:
        raise NotImplementedError

    def _convolve(self, convolution: nn.Module, x: Tensor, maps: list[Tensor]) -> Tensor:
        """Convolve and rectify, keeping the tap."""
        before = convolution(x)
        if self.taps == "before_relu":
            # Not in place: the tap must keep its negative values.
            maps.append(before)
            return functional.relu(before)
        maps.append(functional.relu(before, inplace=True))
        return maps[-1]


class _Vgg19(FeatureNetwork):
    def __init__(self, taps: Taps, *, imagenet_norm: bool) -> None:
        super().__init__("vgg19", taps, imagenet_norm=imagenet_norm)
        self.features = nn.ModuleDict()
        position, channels = 0, 3
        for width, count in _VGG19_STAGES:
            for _ in range(count):
                self.features[str(position)] = nn.Conv2d(channels, width, 3, padding=1)
                position, channels = position + 2, width  # a ReLU follows each convolution
            position += 1  # a max pooling ends the stage

    def _run(self, x: Tensor, maps: list[Tensor]) -> None:
        convolutions = iter(self.features.values())
        for stage, (_, count) in enumerate(_VGG19_STAGES):
            x = x if stage == 0 else functional.max_pool2d(x, 2)
            for convolution in itertools.islice(convolutions, count):
                x = self._convolve(convolution, x, maps)


class _SqueezeNet(FeatureNetwork):
    def __init__(self, taps: Taps, *, imagenet_norm: bool) -> None:
        super().__init__("squeezenet1_1", taps, imagenet_norm=imagenet_norm)
        self.features = nn.ModuleDict({"0": nn.Conv2d(3, 64, 3, stride=2)})
        for position, (channels, squeezed, expanded) in _FIRES.items():
            fire = nn.Module()
            fire.squeeze = nn.Conv2d(channels, squeezed, 1)
            fire.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
            fire.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)
            self.features[str(position)] = fire

    def _run(self, x: Tensor, maps: list[Tensor]) -> None:
        x = self._convolve(self.features["0"], x, maps)
        for position in _FIRES:
            if position in _POOLED_FIRST:
                x = functional.max_pool2d(x, kernel_size=3, stride=2, ceil_mode=True)
            squeeze, *expansions = self.features[str(position)].children()
            x = self._convolve(squeeze, x, maps)
            parts = [self._convolve(expand, x, maps) for expand in expansions]
            x = torch.cat(parts, dim=1)


_NETWORKS: dict[PerceptualNetwork, type[_Vgg19 | _SqueezeNet]] = {
    "vgg19": _Vgg19,
    "squeezenet1_1": _SqueezeNet,
}


def feature_network(
    name: PerceptualNetwork,
    taps: Taps = "before_relu",
    imagenet_norm: bool = False,  # noqa: FBT001, FBT002 - mirrors the parameter of params.yaml
) -> FeatureNetwork:
    """Build a frozen feature network with all weights zero, for :func:`load_weights`.

    Draws no random numbers. Gradients reach the input and never the weights.
    """
    with torch.device("meta"):  # no initial weights are drawn, so no global seed moves
        network = _NETWORKS[name](taps, imagenet_norm=imagenet_norm)
    state = {key: torch.zeros(value.shape) for key, value in network.state_dict().items()}
    network.load_state_dict(state, assign=True)
    network.mean = torch.tensor(IMAGENET_MEAN).view(3, 1, 1)
    network.std = torch.tensor(IMAGENET_STD).view(3, 1, 1)
    return network.requires_grad_(requires_grad=False).eval()


def load_weights(network: FeatureNetwork, state: Mapping[str, Tensor]) -> FeatureNetwork:
    """Fill a network with weights under torchvision's names; ignore classifier entries.

    Raises
    ------
    WeightsError
        If an entry is missing or has another shape; the message names the first one, and the
        network that the weights seem to be for.
    """
    for key, value in network.state_dict().items():
        if key not in state:
            raise WeightsError(
                f"the weights lack {key!r} that {network.name} needs; {_resembles(state)}"
            )
        if state[key].shape != value.shape:
            raise WeightsError(
                f"the weights hold {key!r} of shape {tuple(state[key].shape)}, but "
                f"{network.name} needs {tuple(value.shape)}; {_resembles(state)}"
            )
        value.copy_(state[key])
    return network


def random_weights(network: FeatureNetwork, seed: int) -> FeatureNetwork:
    """Fill a network with untrained, variance-preserving weights drawn from ``seed``.

    The weights are the same on every machine: they are drawn and scaled in float64.
    Gaussian weights (He et al. 2015), biases zero, then each convolution is scaled in
    turn so that its output before the ReLU has a mean square of one over a batch of smooth
    random images in [-1, 1] (in the manner of Mishkin and Matas 2016): padding and max
    pooling, which He's formula leaves out, would otherwise let deep taps grow. Without
    biases the network is homogeneous, so a tap's mean square follows that of its input: on
    photographs of skin at 64 px it was 0.97 to 1.5 at all taps of both networks.

    Deeper random layers distinguish images less and less, and loss values from such features
    do not carry over to trained ones.
    """
    generator = torch.Generator().manual_seed(seed)
    hooks = []
    for convolution in network.convolutions():
        drawn = torch.randn(convolution.weight.shape, generator=generator, dtype=torch.float64)
        convolution.weight.copy_(drawn * (2.0 / convolution.weight[0].numel()) ** 0.5)
        hooks.append(convolution.register_forward_hook(_normalise))
    try:
        with torch.no_grad():
            network.double()(_smooth_images(generator))
    finally:
        for hook in hooks:
            hook.remove()
    return network.float()


def _normalise(convolution: nn.Module, _: object, output: Tensor) -> Tensor:
    # Rounded to float32, so that every machine divides by the same number.
    root_mean_square = output.square().mean().sqrt().float().double()
    convolution.get_parameter("weight").div_(root_mean_square)
    return output / root_mean_square


def _smooth_images(generator: torch.Generator) -> Float[Tensor, "8 3 64 64"]:
    coarse = torch.rand(8, 3, 8, 8, generator=generator, dtype=torch.float64) * 2.0 - 1.0
    return functional.interpolate(coarse, size=(64, 64), mode="bilinear", align_corners=False)


def _resembles(state: Mapping[str, Tensor]) -> str:
    """Describe which network a set of weights seems to be for."""
    for name in _NETWORKS:
        expected = feature_network(name).state_dict()
        if all(key in state and state[key].shape == expected[key].shape for key in expected):
            return f"they seem to be for {name}: set train.perceptual_network to it"
    names = list(state)
    found = f"they begin with {names[0]!r}" if names else "they are empty"
    return f"{found}, which is none of {', '.join(_NETWORKS)} under torchvision's names"
