"""LPIPS is torchmetrics' own, on the features that are given."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import load_file
from torch import Tensor
from torchmetrics.functional.image import lpips as published

from tonegap.fidelity.perception import lpips_squeeze
from tonegap.files.weights import resolve_weights
from tonegap.model.perceptual import feature_network, load_weights

CPU = torch.device("cpu")


@pytest.fixture
def pictures() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    images = torch.rand(3, 3, 32, 32, generator=generator) * 2.0 - 1.0
    noise = torch.randn(images.shape, generator=generator)
    return images, (images + 0.3 * noise).clamp(-1.0, 1.0)


def torchmetrics_lpips(monkeypatch, state: dict[str, Tensor], pictures) -> Tensor:
    """Run torchmetrics' public function on torchvision's network with the given weights."""
    network = torchvision.models.squeezenet1_1(weights=None)
    network.load_state_dict(state, strict=False)
    monkeypatch.setattr(
        published, "_get_tv_model_features", lambda net, pretrained: network.features
    )
    return published.learned_perceptual_image_patch_similarity(
        *pictures, net_type="squeeze", reduction="none"
    )


@pytest.fixture
def drawn_state() -> dict[str, Tensor]:
    """Weights of torchvision's network as it draws them, biases included."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        network = torchvision.models.squeezenet1_1(weights=None)
    for name, value in network.state_dict().items():
        if name.endswith("bias"):
            value.normal_(0.0, 0.1, generator=torch.Generator().manual_seed(len(name)))
    return network.state_dict()


@pytest.mark.parametrize("taps", ["before_relu", "after_relu"])
@pytest.mark.parametrize("imagenet_norm", [True, False])
def test_lpips_is_torchmetrics_own(monkeypatch, drawn_state, pictures, taps, imagenet_norm) -> None:
    """The same network gives the same distances, whatever the perceptual loss does with it."""
    network = load_weights(feature_network("squeezenet1_1", taps, imagenet_norm), drawn_state)
    found = lpips_squeeze(network, CPU)(*pictures)
    expected = torchmetrics_lpips(monkeypatch, drawn_state, pictures)
    assert (expected > 0).all()
    torch.testing.assert_close(found, expected)


def test_lpips_of_imagenet_weights_is_torchmetrics_own(monkeypatch, pictures) -> None:
    """With the trained network that is at hand; skipped where it is not."""
    folder = Path(__file__).resolve().parents[3].parent / "shared" / "weights"
    path = folder / "squeezenet1_1_imagenet_rgb_imagenetnorm.safetensors"
    if not path.is_file():
        pytest.skip("the trained SqueezeNet is not on this machine")
    found = lpips_squeeze(resolve_weights("squeezenet1_1", str(path)), CPU)(*pictures)
    torch.testing.assert_close(found, torchmetrics_lpips(monkeypatch, load_file(path), pictures))


def test_equal_pictures_have_no_distance(drawn_state, pictures) -> None:
    """Zero, one per image, also for a batch of one."""
    measure = lpips_squeeze(load_weights(feature_network("squeezenet1_1"), drawn_state), CPU)
    torch.testing.assert_close(measure(pictures[0], pictures[0]), torch.zeros(3))
    assert measure(pictures[0][:1], pictures[1][:1]).shape == (1,)


def test_global_random_numbers_stay_where_they_are(drawn_state) -> None:
    """Building it draws nothing from the generator that others use."""
    before = torch.get_rng_state()
    lpips_squeeze(load_weights(feature_network("squeezenet1_1"), drawn_state), CPU)
    assert torch.equal(torch.get_rng_state(), before)
