"""Scores are named once, computed in one pass, and honest about what a model lacks."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pandas as pd
import pytest
import torch
from small_scores import SIZE, pictures, setting_of, small_model

from tonegap.assessment import PER_IMAGE, per_image_errors
from tonegap.errors import ModelError
from tonegap.fidelity.tone_shift import TONE_COLUMNS
from tonegap.measures import SCORES
from tonegap.model.protocol import as_generative
from tonegap.model.tiny import TinyVAE
from tonegap.params import ScoreName
from tonegap.uncertainty.setting import TrainingDraw
from tonegap.uncertainty.table import FITS, fit_scores

NAMES = tuple(FITS)
DRAWN = pictures(6)[[0, 1, 2, 1, 3, 4, 5, 1]]


class Half:
    """A finished model without a posterior."""

    def reconstruct(self, images):
        return images / 2

    def posterior_std(self, images):
        return None

    def sample(self, count, seed):
        return torch.zeros(count, 3, SIZE, SIZE)


def assess(model, images, names=NAMES, batch_size=4) -> pd.DataFrame:
    scores = fit_scores(names, setting_of(model, DRAWN, batch_size))
    return per_image_errors(model, images, batch_size, scores=scores)


def test_every_score_has_its_row_its_parameter_and_its_module() -> None:
    """The three tables name the same scores."""
    assert set(FITS) == set(get_args(ScoreName))
    assert {row.by for row in SCORES} == set(FITS) | {"sigma", "ensemble"}
    assert all(row.cost for row in SCORES)


@pytest.mark.parametrize("name", NAMES)
def test_a_score_gives_the_columns_of_its_rows(name) -> None:
    """Nothing is computed under a name that no table has, and nothing is missing."""
    frame = assess(small_model(), pictures(5, seed=1), [name])
    expected = {row.name for row in SCORES if row.by in {name, "sigma"}}
    assert set(frame.columns) - {*PER_IMAGE, *TONE_COLUMNS, "darkest"} == expected
    assert np.isfinite(frame[list(expected)]).all(axis=None)


def test_batches_change_nothing() -> None:
    """Neither those of the training images nor those of the test images."""
    model, images = small_model(), pictures(5, seed=1)
    expected = assess(model, images, batch_size=16)
    pd.testing.assert_frame_equal(assess(model, images, batch_size=2), expected, rtol=1e-9)


def test_repeats_of_a_draw_are_grouped_and_counted() -> None:
    """Each image once, in the order of its first draw, with its number of draws."""
    draw = TrainingDraw.of(DRAWN)
    assert draw.times.tolist() == [1, 3, 1, 1, 1, 1]
    np.testing.assert_array_equal(draw.images, pictures(6))


def test_a_model_without_a_posterior_has_the_scores_that_need_none() -> None:
    """The others are NaN, never a number."""
    frame = assess(Half(), pictures(3, seed=1))
    lacking = [row.name for row in SCORES if row.needs and row.name in frame]
    assert len(lacking) == 6
    assert frame[lacking].isna().all(axis=None)
    free = [row.name for row in SCORES if not row.needs]
    assert np.isfinite(frame[free]).all(axis=None)


def test_a_vae_whose_last_layer_is_another_has_no_last_layer_laplace() -> None:
    """Its decoder has a Laplace approximation all the same."""
    frame = assess(as_generative(TinyVAE(4, 2, 2), SIZE), pictures(3, seed=1))
    assert frame["u_last_layer_laplace"].isna().all()
    assert frame[["u_kl", "u_decoder_laplace"]].notna().all(axis=None)


def test_a_picture_that_is_no_tanh_of_the_last_layer_has_no_last_layer_laplace() -> None:
    """The formula would not be that of the model."""
    model = small_model()
    decode = model.network.decode
    model.network.decode = lambda latent: 0.5 * decode(latent)
    assert assess(model, pictures(2), ["last_layer_laplace"])["u_last_layer_laplace"].isna().all()


def test_an_own_model_with_a_posterior_has_its_kl() -> None:
    """`posterior` is all that it takes; the divergence is that of torch.distributions."""

    class Own(Half):
        def encode(self, images):
            mean = images.flatten(1)[:, :4]
            return mean, -0.5 * mean

    images = pictures(3, seed=1)
    found = assess(Own(), images, ["kl"])["u_kl"]
    values = torch.from_numpy(images).permute(0, 3, 1, 2).flatten(1)[:, :4].double() / 127.5 - 1.0
    posterior = torch.distributions.Normal(values, torch.exp(-0.25 * values))
    prior = torch.distributions.Normal(0.0, 1.0)
    expected = torch.distributions.kl_divergence(posterior, prior).sum(1)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (lambda x: x, r"`encode` of Own returned Tensor"),
        (lambda x: (x, x[:1]), "returned values of"),
        (lambda x: (x / 0.0 * 0.0, x), "NaN or infinite"),
    ],
)
def test_a_posterior_that_cannot_be_used_is_named(given, expected) -> None:
    """With the method, what it gave, and where to read."""

    class Own(Half):
        def encode(self, images):
            return given(images)

    with pytest.raises(ModelError, match=expected):
        assess(Own(), pictures(2), ["kl"])


def test_a_model_brings_its_own_scores() -> None:
    """As columns u_NAME, beside tonegap's; a trained network may have them, too."""

    class Own(Half):
        def uncertainty(self, images):
            return {"mine": images.flatten(1).amax(1)}

    images = pictures(3, seed=1)
    expected = images.reshape(3, -1).max(1) / 127.5 - 1.0
    np.testing.assert_allclose(assess(Own(), images)["u_mine"], expected, rtol=1e-5)
    trained = small_model()
    trained.network.uncertainty = lambda images: {"mine": images.flatten(1).amax(1)}
    np.testing.assert_allclose(assess(trained, images, ["kl"])["u_mine"], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (lambda x: x, "returned Tensor, expected a dict"),
        (lambda x: {"kl": x[:, 0, 0, 0]}, "'kl', but tonegap has one"),
        (lambda x: {"My score": x[:, 0, 0, 0]}, "cannot become a column"),
        (lambda x: {"mine": x}, "one finite number per image"),
        (lambda x: {"mine": 0.1}, "returned float"),
        (lambda x: {"mine": x[:, 0, 0, 0] / 0.0}, "NaN or infinite"),
    ],
)
def test_own_scores_that_cannot_be_used_are_named(given, expected) -> None:
    """Before any image is assessed."""

    class Own(Half):
        def uncertainty(self, images):
            return given(images)

    with pytest.raises(ModelError, match=expected):
        fit_scores([], setting_of(Own(), DRAWN))


def test_a_model_that_writes_into_its_images_changes_no_other_score() -> None:
    """Each score sees the images as they are."""

    class Careless(Half):
        def posterior_std(self, images):
            images.zero_()

    careful, careless = (assess(model(), pictures(3, seed=1)) for model in (Half, Careless))
    pd.testing.assert_frame_equal(careless, careful)


def test_the_network_keeps_what_it_had() -> None:
    """Scores leave no gradients, no hooks and no change of mode behind."""
    model = small_model()
    model.network.to_image.bias.requires_grad_(requires_grad=False)
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    assess(model, pictures(2))
    assert not model.network.training
    assert not model.network.to_image._forward_pre_hooks
    assert not model.network.to_image.bias.requires_grad
    assert all(weight.grad is None for weight in model.network.parameters())
    after = model.network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
