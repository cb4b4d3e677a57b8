"""Samplers: what a model draws, what is decoded from fitted latents, and models that cannot."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sampled_phantoms import CPU
from torch import Tensor, nn

from tonegap.errors import ModelError
from tonegap.generation.samplers import fitted_samples, prior_samples
from tonegap.model.protocol import VaeAdapter

SIZE = 16


class ColourVAE(nn.Module):
    """Encodes a picture to its mean colour, without doubt, and decodes a colour to a picture."""

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        mu = images.mean(dim=(2, 3), keepdim=True)
        return mu, torch.full_like(mu, -40.0)

    def decode(self, latent: Tensor) -> Tensor:
        return latent.clamp(-1.0, 1.0).expand(-1, 3, SIZE, SIZE)


class Drawer:
    """A model that can be told what to draw."""

    def __init__(self, draw) -> None:
        self.draw = draw

    def reconstruct(self, images: Tensor) -> Tensor:
        return images

    def posterior_std(self, images: Tensor) -> None:
        return None

    def sample(self, count: int, seed: int) -> Tensor:
        return self.draw(count, seed)


def not_implemented(count: int, seed: int) -> Tensor:
    raise NotImplementedError


def test_samples_are_pictures_of_8_bits() -> None:
    """Rounded and clipped as they would be saved."""
    found = prior_samples(Drawer(lambda n, _: torch.full((n, 3, SIZE, SIZE), 1.5)), 4, SIZE, 0)
    assert found.shape == (4, SIZE, SIZE, 3)
    assert (found == 255).all()


def test_a_model_that_cannot_sample_has_no_samples() -> None:
    """NotImplementedError is an answer, not an error."""
    assert prior_samples(Drawer(not_implemented), 4, SIZE, 0) is None


def broken(count: int, seed: int) -> Tensor:
    raise KeyError("decoder\nlost")


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (broken, r"`sample` of Drawer failed \(KeyError.*evaluate\.samples to 0"),
        (
            lambda n, _: torch.zeros(n - 1, 3, SIZE, SIZE),
            r"shape \(3, 3, 16, 16\), expected .*\(4,",
        ),
        (lambda n, _: torch.zeros(n, 3, 8, 8), r"shape \(4, 3, 8, 8\)"),
        (lambda n, _: torch.full((n, 3, SIZE, SIZE), torch.nan), "NaN or infinite"),
        (lambda n, _: torch.full((n, 3, SIZE, SIZE), 127.0), "values up to 127"),
        (lambda n, _: None, "have NoneType"),
    ],
)
def test_samples_that_are_no_pictures_are_refused(draw, said: str) -> None:
    """In one line, with what was wrong and what to do."""
    with pytest.raises(ModelError, match=said) as caught:
        prior_samples(Drawer(draw), 4, SIZE, 0)
    assert "\n" not in str(caught.value)


def train_of(*greys: int) -> np.ndarray:
    return np.stack([np.full((SIZE, SIZE, 3), grey, dtype=np.uint8) for grey in greys])


def fitted(model, train, count=200, seed=0, batch_size=32) -> np.ndarray | None:
    return fitted_samples(model, train, count, seed=seed, batch_size=batch_size, device=CPU)


def test_fitted_draws_are_distributed_like_the_training_latents() -> None:
    """Colours of training images: the mean and the spread of the draws' colours."""
    adapter = VaeAdapter(ColourVAE(), SIZE)
    rng = np.random.default_rng(0)
    train = train_of(*rng.integers(80, 170, 60))
    colours = fitted(adapter, train, count=2_000)[:, 0, 0].astype(float)
    expected = train[:, 0, 0].astype(float)
    assert colours.mean() == pytest.approx(expected.mean(), abs=2.0)
    assert colours.std(axis=0).mean() == pytest.approx(expected.std(axis=0).mean(), rel=0.1)
    assert np.corrcoef(colours.T)[0, 1] > 0.9  # the images are grey


def test_fitted_draws_depend_on_the_seed_and_not_on_batches() -> None:
    """The same seed gives the same pictures in any batches."""
    adapter = VaeAdapter(ColourVAE(), SIZE)
    train = train_of(20, 60, 200, 90)
    one, batched, other = (
        fitted(adapter, train, 9, seed, size) for seed, size in ((1, 32), (1, 2), (2, 32))
    )
    np.testing.assert_array_equal(one, batched)
    assert (one != other).any()


def test_a_model_without_a_latent_has_no_fitted_samples() -> None:
    """Nor has a VAE without training images."""
    assert fitted(Drawer(not_implemented), train_of(1, 2)) is None
    assert fitted(VaeAdapter(ColourVAE(), SIZE), train_of(1)[:0]) is None


def test_samples_of_the_prior_are_decoded_a_few_at_a_time() -> None:
    """Many samples never are one batch, and are those that one batch would be."""

    class Watched(ColourVAE):
        largest = 0

        def decode(self, latent: Tensor) -> Tensor:
            Watched.largest = max(Watched.largest, len(latent))
            return super().decode(latent)

    adapter = VaeAdapter(Watched(), SIZE)
    found = adapter.sample(300, seed=3)
    assert len(found) == 300
    assert Watched.largest <= 64
    noise = torch.randn(
        300, 3, 1, 1, generator=torch.Generator().manual_seed(3), dtype=torch.float64
    )
    torch.testing.assert_close(found, noise.float().clamp(-1, 1).expand(-1, -1, SIZE, SIZE))
