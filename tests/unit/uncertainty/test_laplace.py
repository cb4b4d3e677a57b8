"""Laplace scores against exact Gauss-Newton matrices of a tiny decoder, by torch.func."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_scores import pictures, setting_of, small_model
from torch.func import functional_call, jacrev

from tonegap.model.pixels import to_model_range
from tonegap.uncertainty import decoder_laplace, last_layer_laplace

DRAWN = pictures(4)[[0, 1, 2, 1, 3, 1]]
TIMES = torch.tensor([1.0, 3.0, 1.0, 1.0], dtype=torch.float64)
IMAGES = pictures(3, seed=1)


def jacobians(model, images, names):
    """Give dD/dtheta at each image's posterior mean: [images, 3, height, width, weights]."""
    network = model.network
    weights = {name: network.get_parameter(name).detach() for name in names}
    found = []
    for mu in model.encode(to_model_range(images)).mu:

        def decoded(values, mu=mu):
            class Decoder(torch.nn.Module):
                def __init__(self) -> None:
                    super().__init__()
                    self.inner = network

                def forward(self, latent):
                    return self.inner.decode(latent)

            renamed = {f"inner.{name}": value for name, value in values.items()}
            return functional_call(Decoder(), renamed, (mu[None],))[0]

        parts = jacrev(decoded)(weights)
        found.append(torch.cat([parts[name].flatten(3) for name in names], dim=3))
    return torch.stack(found)


def decoder_names(model):
    """Name the weights of the decoder in the order of the network."""
    return [
        name
        for name, _ in model.network.named_parameters()
        if name.startswith(("decoder.", "to_image."))
    ]


def test_the_last_layer_is_that_of_the_exact_gauss_newton_matrix() -> None:
    """Curvature, prior precision and score over every second pixel, equal to 1e-9."""
    model = small_model()
    names = ["to_image.weight", "to_image.bias"]
    every = jacobians(model, pictures(4), names)[:, :, ::2, ::2].flatten(1, 3)
    total = torch.einsum("n,npi,npj->ij", TIMES, every, every)
    # The precision is a hundredth of the largest eigenvalue of all three colours.
    damped = total + 0.01 * torch.linalg.eigvalsh(total)[-1] * torch.eye(len(total)).double()
    here = jacobians(model, IMAGES, names)[:, :, ::2, ::2]
    spread = torch.einsum("ncxyi,ij,ncxyj->nxy", here, torch.linalg.inv(damped), here)
    expected = spread.mean(dim=(1, 2))
    scorer = last_layer_laplace.fit(setting_of(model, DRAWN))
    found = scorer(to_model_range(IMAGES))["u_last_layer_laplace"]
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=0.0)


def test_gradients_along_a_vector_are_those_of_the_jacobian() -> None:
    """J' v for every weight that the picture depends on, and for no other."""
    model = small_model()
    names = decoder_names(model)
    decoder = decoder_laplace.Decoder(model, [model.network.get_parameter(n) for n in names])
    vectors = decoder_laplace.rademacher(5, (3, 8, 8), torch.Generator().manual_seed(0))
    exact = torch.einsum("cxyp,vcxy->vp", jacobians(model, IMAGES[:1], names)[0], vectors.double())
    found = decoder.gradients(to_model_range(IMAGES[:1]), vectors)
    torch.testing.assert_close(found, exact, rtol=1e-9, atol=1e-12)
    setting = setting_of(model, DRAWN)
    chosen = decoder_laplace._decoder_weights(model, next(setting.batches())[0][:1])
    assert sum(weight.numel() for weight in chosen) == exact.shape[1]


def test_directions_of_the_gram_matrix_are_the_leading_eigenvectors() -> None:
    """Those of R'R by a dense decomposition, up to sign; at most its rank."""
    rows = torch.randn(6, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = decoder_laplace.leading_directions(rows, 3)
    _, vectors = torch.linalg.eigh(rows.T @ rows)
    overlap = (found @ vectors[:, -3:].flip(1)).abs()
    torch.testing.assert_close(overlap, torch.eye(3, dtype=torch.float64), atol=1e-9, rtol=0.0)
    everything = decoder_laplace.leading_directions(torch.cat([rows, rows]), 50)
    assert len(everything) == 6
    values = torch.linalg.eigvalsh(rows @ rows.T).flip(0)
    torch.testing.assert_close(everything @ rows.T @ rows @ everything.T, torch.diag(values))


VALUES = 3 * 8 * 8


@pytest.fixture
def exact(monkeypatch):
    """Take every unit vector once in the place of random ones: their mean is then exact."""
    every = VALUES**0.5 * torch.eye(VALUES).reshape(VALUES, 3, 8, 8)
    monkeypatch.setattr(decoder_laplace, "rademacher", lambda count, *_: every[:count])
    monkeypatch.setattr(decoder_laplace, "ROWS", 4 * VALUES)
    monkeypatch.setattr(decoder_laplace, "PROBES", VALUES)
    monkeypatch.setattr(decoder_laplace, "RANK", 20)


def test_signs_have_the_unit_matrix_as_their_mean() -> None:
    """E v v' = 1, whereby random vectors stand for all unit vectors."""
    signs = decoder_laplace.rademacher(20_000, (3, 2, 2), torch.Generator().manual_seed(0))
    assert set(signs.unique().tolist()) == {-1.0, 1.0}
    flat = signs.flatten(1)
    torch.testing.assert_close(flat.T @ flat / len(flat), torch.eye(12), atol=0.03, rtol=0.0)


def test_the_decoder_is_that_of_the_exact_gauss_newton_matrix(exact) -> None:
    """What lies outside the 20 leading directions, and the diagonal form, repeats counted."""
    model = small_model()
    names = decoder_names(model)
    every = jacobians(model, pictures(4), names).flatten(1, 3)
    total = torch.einsum("n,npi,npj->ij", TIMES, every, every)
    decoder = decoder_laplace.Decoder(model, [model.network.get_parameter(n) for n in names])
    rows = decoder_laplace._training_rows(decoder, setting_of(model, DRAWN))
    torch.testing.assert_close(rows.T @ rows, total, rtol=1e-6, atol=1e-6)
    _, vectors = torch.linalg.eigh(total)
    basis, diagonal = vectors[:, -20:], torch.diagonal(total)
    here = jacobians(model, IMAGES, names).flatten(1, 3)
    left = here.square().sum((1, 2)) - (here @ basis).square().sum((1, 2))
    by_weight = (here.square().sum(1) / (diagonal + diagonal.mean())).sum(1)
    found = decoder_laplace.fit(setting_of(model, DRAWN))(to_model_range(IMAGES))
    for name, value in (("u_decoder_laplace", left), ("u_decoder_laplace_diagonal", by_weight)):
        torch.testing.assert_close(found[name], value, rtol=1e-6, atol=0.0)


def test_many_images_are_sampled_without_bias(monkeypatch) -> None:
    """One row for each of some images, weighted so that the sum stays that of all."""
    monkeypatch.setattr(decoder_laplace, "ROWS", 20)
    model = small_model()
    drawn = pictures(40, seed=3)
    names = decoder_names(model)
    decoder = decoder_laplace.Decoder(model, [model.network.get_parameter(n) for n in names])
    rows = decoder_laplace._training_rows(decoder, setting_of(model, drawn, batch_size=7))
    assert len(rows) == 20
    trace = jacobians(model, drawn, names).square().sum()
    assert float(rows.square().sum()) == pytest.approx(float(trace), rel=0.3)


def test_a_training_image_scores_below_noise_of_the_same_kind() -> None:
    """Directions that training pinned down are left out: the tiniest case of what it is for."""
    model = small_model()
    scorer = last_layer_laplace.fit(setting_of(model, np.repeat(pictures(1), 50, axis=0)))
    images = np.concatenate([pictures(1), pictures(6, seed=9)])
    found = scorer(to_model_range(images))["u_last_layer_laplace"]
    assert found[0] < found[1:].min()
