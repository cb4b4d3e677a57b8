"""Feature networks against torchvision's own feature extraction."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models.feature_extraction import create_feature_extractor
from torchvision.transforms.functional import normalize

from tonegap.errors import WeightsError
from tonegap.model.perceptual import (
    FeatureNetwork,
    feature_network,
    load_weights,
    random_weights,
)

NETWORKS = {"vgg19": 16, "squeezenet1_1": 25}


def torchvision_features(name: str, state: dict[str, Tensor]) -> nn.Module:
    """Build torchvision's network with the given features and without in-place ReLUs."""
    with torch.device("meta"):
        model = torchvision.models.get_model(name, weights=None)
    model.load_state_dict(state, assign=True, strict=False)
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False  # else the extractor's "outputs" of convolutions are rectified
    return model.features.eval()


def convolution_names(features: nn.Module) -> list[str]:
    return [name for name, module in features.named_modules() if isinstance(module, nn.Conv2d)]


def torchvision_taps(name: str, state: dict[str, Tensor], images: Tensor) -> list[Tensor]:
    features = torchvision_features(name, state)
    names = convolution_names(features)
    extractor = create_feature_extractor(features, return_nodes=names)
    with torch.no_grad():
        found = extractor(images)
    return [found[node] for node in names]


def with_biases(network: FeatureNetwork) -> FeatureNetwork:
    """Give biases as well, which random features do not have but trained ones do."""
    generator = torch.Generator().manual_seed(2)
    for convolution in network.convolutions():
        convolution.bias.normal_(0.0, 0.1, generator=generator)
    return network


@pytest.fixture
def images() -> Tensor:
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(3)) * 2.0 - 1.0


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("taps", ["before_relu", "after_relu"])
def test_taps_equal_torchvisions(name: str, taps: str, images: Tensor) -> None:
    """Each tap is the output of torchvision's convolution, before or after its ReLU."""
    network = with_biases(random_weights(feature_network(name, taps), seed=0))
    expected = torchvision_taps(name, network.state_dict(), images)
    if taps == "after_relu":
        expected = [tap.clamp_min(0.0) for tap in expected]
    found = network(images)
    assert len(found) == len(expected) == NETWORKS[name]
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("name", NETWORKS)
def test_imagenet_norm_is_torchvisions(name: str, images: Tensor) -> None:
    """With `imagenet_norm` the features are those of the image in [0, 1], normalised."""
    plain = random_weights(feature_network(name), seed=0)
    normed = load_weights(feature_network(name, imagenet_norm=True), plain.state_dict())
    inputs = normalize((images + 1) / 2, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    for ours, theirs in zip(normed(images), plain(inputs), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_are_frozen_and_gradients_reach_the_image(name: str, images: Tensor) -> None:
    """No weight asks for a gradient; every tap sends one to the image."""
    network = random_weights(feature_network(name), seed=0)
    assert not any(p.requires_grad for p in network.parameters())
    assert not network.training
    images.requires_grad_()
    for tap in network(images):
        (gradient,) = torch.autograd.grad(tap.square().mean(), [images], retain_graph=True)
        assert gradient.abs().sum() > 0


@pytest.mark.parametrize("taps", ["before_relu", "after_relu"])
@pytest.mark.parametrize("name", NETWORKS)
def test_gradient_equals_torchvisions(name: str, taps: str, images: Tensor) -> None:
    """In-place ReLUs do not disturb the gradient of a sum over all taps."""
    network = with_biases(random_weights(feature_network(name, taps), seed=0)).double()
    images = images.double().requires_grad_()
    features = torchvision_features(name, network.state_dict())
    names = convolution_names(features)
    reference = create_feature_extractor(features, return_nodes=names)(images).values()
    rectify = nn.functional.relu if taps == "after_relu" else nn.Identity()
    results = [
        torch.autograd.grad(sum(tap.square().mean() for tap in maps), [images])[0]
        for maps in (network(images), [rectify(tap) for tap in reference])
    ]
    torch.testing.assert_close(*results)


@pytest.mark.parametrize("name", NETWORKS)
def test_random_features_preserve_variance(name: str) -> None:
    """On other smooth images than the calibration's, every tap has a mean square near one."""
    network = random_weights(feature_network(name), seed=0)
    coarse = torch.rand(8, 3, 8, 8, generator=torch.Generator().manual_seed(9)) * 2.0 - 1.0
    smooth = nn.functional.interpolate(coarse, size=64, mode="bilinear")
    squares = [float(tap.square().mean()) for tap in network(smooth)]
    assert all(0.7 < square < 1.4 for square in squares), squares


def test_random_features_depend_on_the_seed_alone() -> None:
    """The same seed gives the same weights; building draws nothing from the global generator."""
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, second, other = (
        random_weights(feature_network("squeezenet1_1"), seed) for seed in (1, 1, 2)
    )
    assert torch.equal(torch.rand(3), expected)
    key = "features.12.expand3x3.weight"
    assert torch.equal(first.state_dict()[key], second.state_dict()[key])
    assert not torch.equal(first.state_dict()[key], other.state_dict()[key])


@pytest.mark.parametrize("name", NETWORKS)
def test_keys_are_torchvisions(name: str) -> None:
    """A state dict of torchvision's whole network loads; its classifier is left out."""
    with torch.device("meta"):
        theirs = torchvision.models.get_model(name, weights=None).state_dict()
    wanted = {key: value.shape for key, value in theirs.items() if key.startswith("features.")}
    found = {key: value.shape for key, value in feature_network(name).state_dict().items()}
    assert found == wanted
    filled = {key: torch.full(value.shape, 0.5) for key, value in theirs.items()
              if "classifier" not in key or name == "squeezenet1_1"}  # fmt: skip
    network = load_weights(feature_network(name), filled)
    assert all(torch.all(p == 0.5) for p in network.parameters())


def test_other_networks_weights_are_named() -> None:
    """Weights of the other network: one line with the missing entry and whose they are."""
    state = feature_network("squeezenet1_1").state_dict()
    with pytest.raises(WeightsError, match=r"lack 'features\.2\.weight'.*seem to be for squeeze"):
        load_weights(feature_network("vgg19"), state)


def test_entry_of_another_shape_is_named() -> None:
    """An entry of another shape: one line with both shapes."""
    state = feature_network("vgg19").state_dict() | {"features.5.bias": torch.zeros(7)}
    with pytest.raises(WeightsError, match=r"'features\.5\.bias' of shape \(7,\).*\(128,\)"):
        load_weights(feature_network("vgg19"), state)


@pytest.mark.parametrize("state", [{}, {"layer.weight": torch.zeros(1)}])
def test_unknown_weights_are_described(state: dict[str, Tensor]) -> None:
    """Weights of no known network: one line that lists the known ones."""
    with pytest.raises(WeightsError, match="none of vgg19, squeezenet1_1") as caught:
        load_weights(feature_network("vgg19"), state)
    assert "\n" not in str(caught.value)


def test_real_squeezenet_weights_give_torchvisions_taps(originals: Path, images: Tensor) -> None:
    """Trained ImageNet features, where they are at hand, equal torchvision's at every tap."""
    path = (
        originals.parent.parent / "weights" / "squeezenet1_1_imagenet_rgb_imagenetnorm.safetensors"
    )
    if not path.is_file():
        pytest.skip("the trained SqueezeNet weights are not on this machine")
    state = load_file(path)
    network = load_weights(feature_network("squeezenet1_1"), state)
    expected = torchvision_taps("squeezenet1_1", state, images)
    for ours, theirs in zip(network(images), expected, strict=True):
        torch.testing.assert_close(ours, theirs)
