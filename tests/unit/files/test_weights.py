"""Perceptual weights from every source, and every way in which they can be missing."""

from __future__ import annotations

import re
import urllib.error
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tonegap.errors import WeightsError
from tonegap.files.weights import resolve_weights, weights_label
from tonegap.model.perceptual import feature_network, random_weights


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    return random_weights(feature_network("squeezenet1_1"), seed=4).state_dict()


def complaint(choice: str, name: str = "squeezenet1_1") -> str:
    """Give the message of the error that resolving `choice` must raise, one line long."""
    with pytest.raises(WeightsError) as caught:
        resolve_weights(name, choice)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_file_of_weights_is_loaded(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    """A .safetensors file gives the network its very values, with the taps asked for."""
    save_file(state, tmp_path / "w.safetensors")
    network = resolve_weights("squeezenet1_1", str(tmp_path / "w.safetensors"), "after_relu")
    assert all(torch.equal(state[key], value) for key, value in network.state_dict().items())
    assert network.taps == "after_relu"


def test_random_is_the_same_in_every_run() -> None:
    """Untrained features have a seed of their own: two calls give the same network."""
    first, second = (resolve_weights("squeezenet1_1", "random").state_dict() for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_imagenet_comes_from_torchvisions_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: dict[str, torch.Tensor]
) -> None:
    """Weights that already lie in TORCH_HOME are used without the network."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(state, folder / "squeezenet1_1-b8a52dc0.pth")
    network = resolve_weights("squeezenet1_1", "imagenet")
    assert torch.equal(network.state_dict()["features.0.weight"], state["features.0.weight"])


def test_no_network_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the download fails, the message names the file's place and the alternatives."""

    def refuse(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.urlopen", refuse)
    message = complaint("imagenet", name="vgg19")
    assert "no route to host" in message
    assert str(tmp_path / "hub" / "checkpoints" / "vgg19-dcbb9e9d.pth") in message
    assert ".safetensors" in message
    assert "`random`" in message


def test_damaged_cached_weights_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file in TORCH_HOME that is no archive of weights is reported, never unpickled."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    place = tmp_path / "hub" / "checkpoints" / "vgg19-dcbb9e9d.pth"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    assert str(place) in complaint("imagenet", name="vgg19")


def test_misspelt_choice_is_corrected() -> None:
    """A word that is no choice gets the nearest one."""
    assert "did you mean 'imagenet'?" in complaint("imagnet")


def test_missing_file_is_named() -> None:
    """A path without a file is named."""
    assert "nowhere.safetensors, which is not a file" in complaint("nowhere.safetensors")


def test_damaged_file_is_named(tmp_path: Path) -> None:
    """A file that is no safetensors is named."""
    path = tmp_path / "bad.safetensors"
    path.write_bytes(b"hello, world and more")
    assert f"{path} cannot be read as safetensors" in complaint(str(path))


def test_cut_file_is_named(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    """A file that was cut short is named."""
    path = tmp_path / "cut.safetensors"
    save_file(state, path)
    path.write_bytes(path.read_bytes()[:-100])
    assert f"{path} cannot be read as safetensors" in complaint(str(path))


def test_file_of_another_network_is_named(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    """SqueezeNet's file for VGG19: the path, the missing entry, and the remedy."""
    path = tmp_path / "w.safetensors"
    save_file(state, path)
    message = complaint(str(path), name="vgg19")
    assert re.search(r"w\.safetensors: .*'features\.2\.weight'.*for squeezenet1_1", message)


@pytest.mark.parametrize(
    ("choice", "label"),
    [
        ("random", "vgg19, random (untrained) features"),
        ("imagenet", "vgg19, ImageNet features"),
        ("folder/w.safetensors", "vgg19, w.safetensors features"),
    ],
)
def test_label_says_which_features(choice: str, label: str) -> None:
    """What is shown beside a loss says `random` where features are untrained."""
    assert weights_label("vgg19", choice) == label
