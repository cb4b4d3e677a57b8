"""Finished models that a user's function returns."""

from __future__ import annotations

import sys
import types

import pytest
import taef2
import torch
from finished_models import CPU, SIZE
from torch import nn

from tonegap.adapters.loading import load_model
from tonegap.adapters.reference import parse_reference
from tonegap.errors import ModelError


class Halves:
    """Only reconstructs: nothing else is asked for."""

    def __init__(self):
        self.network = nn.Conv2d(3, 3, 1)

    def reconstruct(self, images):
        return images / 2


class OneTensor(nn.Conv2d):
    def __init__(self):
        super().__init__(3, 3, 1)

    def encode(self, images):
        return self(images)

    def decode(self, latent):
        return latent


class Pair(OneTensor):
    def encode(self, images):
        return self(images), torch.zeros_like(images)


@pytest.fixture
def module(monkeypatch):
    """Load a model that a test gives, through a module's function."""
    users = types.ModuleType("users_finished")
    monkeypatch.setitem(sys.modules, "users_finished", users)

    def put(make):
        users.load = lambda image_size, device: make()
        return load_model(parse_reference("python:users_finished:load"), SIZE, CPU)

    return put


def test_a_model_that_only_reconstructs_is_enough(module, images):
    """It has no sigma, and its identity is the user's class with the hash of its weights."""
    found = module(Halves)
    assert torch.equal(found.model.reconstruct(images), images / 2)
    assert found.model.posterior_std(images) is None
    assert found.identity.name == "Halves"
    assert set(found.identity.weights) == {"tensors"}


def test_a_module_with_encode_and_decode_is_enough(module, images):
    """It is assessed by its posterior mean, as tonegap's own VAE."""
    torch.manual_seed(0)
    found = module(Pair)
    assert found.identity.name == "Pair"
    assert torch.equal(found.model.posterior_std(images), torch.ones(len(images)))


def test_the_hash_is_of_the_weights(module):
    """Equal weights have equal hashes; other weights have another."""

    def of(seed):
        torch.manual_seed(seed)
        return module(Halves).identity.weights["tensors"]

    assert of(1) == of(1) != of(2)


def test_a_model_without_tensors_has_no_hash(module):
    """Then nothing is claimed about its weights."""

    class Bare:
        reconstruct = staticmethod(lambda images: images)

    assert module(Bare).identity.weights == {}


def test_mistakes_are_told_before_any_image_is_fetched(module):
    """The two grey images show them."""
    with pytest.raises(ModelError, match=r"`encode` returned one tensor.*own method"):
        module(OneTensor)
    with pytest.raises(ModelError, match="assessing needs the method reconstruct"):
        module(lambda: 3)

    class Picky(Halves):
        def reconstruct(self, images):
            return images.reshape(2, 3, 8, 8)

    with pytest.raises(ModelError, match=rf"fails on 2 grey images of {SIZE} x {SIZE}.*--size"):
        module(Picky)


def test_a_factory_that_cannot_be_imported_hints_at_the_path():
    """A module in the present folder is not found without PYTHONPATH."""
    with pytest.raises(ModelError, match=r"PYTHONPATH=\. for this folder"):
        load_model(parse_reference("python:no_such_module:load"), SIZE, CPU)


def test_a_real_model_by_a_factory_of_forty_lines():
    """TAEF2 reconstructs phantom-like gradients well, and as its network does directly."""
    if not (taef2.WEIGHTS / "taef2_encoder.safetensors").is_file():
        pytest.skip("TAEF2's weights are not on this machine")
    found = load_model(parse_reference("python:taef2:load"), 64, CPU)
    ramp = torch.linspace(-0.8, 0.8, 64)
    images = torch.stack([ramp.expand(64, 64), ramp[:, None].expand(64, 64), ramp.expand(64, 64)])
    with torch.no_grad():
        again = found.model.reconstruct(images[None])
        network = taef2.load(64, CPU)
        direct = network.decoder(network.encoder((images[None] + 1) / 2)) * 2 - 1
    assert torch.equal(again, direct.clamp(-1, 1)) or torch.allclose(again, direct, atol=1e-5)
    assert float((again - images).square().mean()) < 0.01
