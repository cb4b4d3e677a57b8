"""Models as assessment sees them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tonegap.errors import ModelError
from tonegap.model.protocol import (
    GenerativeModel,
    Reconstructor,
    VaeAdapter,
    as_generative,
    forward_pass,
    latent_shape,
)
from tonegap.model.tiny import TinyVAE
from tonegap.model.vae import VAE


class Foreign(nn.Module):
    """A user's model that offers the three methods itself, and no VAE."""

    def reconstruct(self, images: Tensor) -> Tensor:
        return 0.5 * images

    def posterior_std(self, images: Tensor) -> None:
        return None

    def sample(self, count: int, seed: int) -> Tensor:
        return torch.zeros(count, 3, 8, 8)


@pytest.fixture
def vae() -> VAE:
    torch.manual_seed(0)
    return VAE(8, (1, 2), 4, 1, deep=True)


@pytest.fixture
def images() -> Tensor:
    return torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 2.0 - 1.0


def test_adapter_decodes_the_posterior_mean(vae: VAE, images: Tensor) -> None:
    """Reconstructions are those of mu in evaluation mode, without gradient."""
    model = as_generative(vae, 16)
    found = model.reconstruct(images)
    vae.eval()
    torch.testing.assert_close(found, vae.decode(vae.encode(images).mu))
    assert not found.requires_grad


def test_sigma_is_the_mean_posterior_deviation(vae: VAE, images: Tensor) -> None:
    """`posterior_std` averages sqrt(variance) over an image's latent elements."""
    found = as_generative(vae, 16).posterior_std(images)
    expected = [float(v.exp().sqrt().mean()) for v in vae.encode(images).log_var.detach()]
    assert found.tolist() == pytest.approx(expected, rel=1e-5)


def test_a_latent_of_one_number_has_a_deviation(images: Tensor) -> None:
    """A VAE with one latent number per image is assessed like any other."""

    class Scalar(nn.Module):
        def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
            mean = images.flatten(1).mean(dim=1)
            return mean, 2.0 * mean

        def decode(self, latent: Tensor) -> Tensor:
            return latent.reshape(-1, 1, 1, 1).expand(-1, 3, 16, 16)

    model = as_generative(Scalar(), 16)
    assert latent_shape(model.network, 16) == ()
    assert model.sample(2, 0).shape == (2, 3, 16, 16)
    torch.testing.assert_close(model.posterior_std(images), images.flatten(1).mean(dim=1).exp())


def test_batches_are_not_confused(vae: VAE, images: Tensor) -> None:
    """The posterior kept from one call is never used for other or changed images."""
    model = VaeAdapter(vae, 16)
    model.reconstruct(images)
    kept = model.posterior_std(images)
    other = model.posterior_std(images.flip(0))
    torch.testing.assert_close(other, kept.flip(0))
    torch.testing.assert_close(model.posterior_std(images), kept)
    images.mul_(-1.0)
    changed = model.posterior_std(images)
    torch.testing.assert_close(changed, VaeAdapter(vae, 16).posterior_std(images.clone()))
    assert not torch.equal(changed, kept)


def test_one_encoding_serves_error_and_sigma(
    vae: VAE, images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reconstruction and deviation of one batch encode it once."""
    calls = []
    encode = vae.encode
    monkeypatch.setattr(vae, "encode", lambda x: calls.append(len(x)) or encode(x))
    model = VaeAdapter(vae, 16)
    model.reconstruct(images)
    model.posterior_std(images)
    assert calls == [5]


def test_samples_are_a_function_of_the_seed(vae: VAE) -> None:
    """The same seed gives the same images in [-1, 1]; another seed gives others."""
    model = as_generative(vae, 16)
    first, second, other = (model.sample(3, seed) for seed in (1, 1, 2))
    assert first.shape == (3, 3, 16, 16)
    assert first.abs().max() <= 1.0
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_forward_pass_is_the_vaes_own(vae: VAE, images: Tensor) -> None:
    """The pass that fits any VAE gives what ours gives itself."""
    vae.eval()
    noise = torch.randn(5, *latent_shape(vae, 16))
    for ours, generic in zip(vae(images, noise), forward_pass(vae, images, noise), strict=True):
        torch.testing.assert_close(ours, generic)


@pytest.mark.parametrize("training", [True, False])
def test_probing_the_latent_changes_nothing(vae: VAE, training: bool) -> None:  # noqa: FBT001
    """`latent_shape` keeps the mode and the running statistics."""
    vae.train(training)
    before = {key: value.clone() for key, value in vae.state_dict().items()}
    assert latent_shape(vae, 16) == vae.latent_shape(16) == (4, 4, 4)
    assert vae.training == training
    assert all(torch.equal(before[key], value) for key, value in vae.state_dict().items())


def test_model_with_the_three_methods_is_used_as_it_is() -> None:
    """A model that speaks the protocol is not wrapped, but is put in evaluation mode."""
    model = Foreign()
    assert as_generative(model, 8) is model
    assert not model.training


def test_model_with_neither_is_refused() -> None:
    """A module without the methods: one line that says what is missing."""
    with pytest.raises(ModelError, match="Linear has no methods `encode` and `decode`"):
        as_generative(nn.Linear(2, 2), 8)


def test_adapter_speaks_the_protocol() -> None:
    """The adapter is a generative model; so a baseline's protocol holds for it too."""
    model = as_generative(TinyVAE(4, 2, 2), 16)
    assert isinstance(model, GenerativeModel)
    assert isinstance(model, Reconstructor)
