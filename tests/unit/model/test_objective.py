"""Loss terms against torch.distributions, brute force and Eq. 1."""

from __future__ import annotations

import math

import pytest
import torch
from torch import distributions

from tonegap.model.objective import (
    Objective,
    effective_beta,
    kl_nats,
    mse,
    mse_01,
    perceptual,
)


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def batch() -> dict[str, torch.Tensor]:
    """Four images of 8 px with a 2 x 3 x 3 latent, in double precision."""
    return {
        "images": normal(4, 3, 8, 8, seed=0).tanh(),
        "reconstruction": normal(4, 3, 8, 8, seed=1).tanh(),
        "mu": normal(4, 2, 3, 3, seed=2),
        "log_var": normal(4, 2, 3, 3, seed=3),
    }


def kl_elements(mu: torch.Tensor, log_var: torch.Tensor) -> torch.Tensor:
    posterior = distributions.Normal(mu, torch.exp(log_var).sqrt())
    prior = distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu))
    return distributions.kl_divergence(posterior, prior)


def test_kl_equals_torch_distributions(batch: dict[str, torch.Tensor]) -> None:
    """`mean` averages all elements; `sum` sums an image's and averages images."""
    elements = kl_elements(batch["mu"], batch["log_var"])
    mean = kl_nats(batch["mu"], batch["log_var"], "mean")
    per_image = kl_nats(batch["mu"], batch["log_var"], "sum")
    torch.testing.assert_close(mean, elements.mean())
    torch.testing.assert_close(per_image, elements.sum(dim=(1, 2, 3)).mean())


def test_kl_of_the_prior_is_zero_and_stationary() -> None:
    """At mu = 0 and log_var = 0 the KL term is zero and so is its gradient."""
    mu = torch.zeros(2, 4, requires_grad=True)
    log_var = torch.zeros(2, 4, requires_grad=True)
    kl = kl_nats(mu, log_var, "sum")
    gradients = torch.autograd.grad(kl, [mu, log_var])
    assert kl == 0
    assert all(torch.equal(gradient, torch.zeros(2, 4)) for gradient in gradients)


def test_mean_reduction_is_the_code_bases_loss(batch: dict[str, torch.Tensor]) -> None:
    """The total is mse + beta * mean KL + scale * perceptual, each a mean over elements."""
    maps, targets = [normal(4, 5, 2, 2, seed=4)], [normal(4, 5, 2, 2, seed=5)]
    objective = Objective(beta=0.7, kl_reduction="mean", perceptual_scale=0.3)
    terms = objective.terms(**batch, features=maps, target_features=targets)
    squared = ((batch["reconstruction"] - batch["images"]) ** 2).mean()
    expected = (
        squared
        + 0.7 * kl_elements(batch["mu"], batch["log_var"]).mean()
        + 0.3 * ((maps[0] - targets[0]) ** 2).mean()
    )
    torch.testing.assert_close(terms.mse, squared)
    torch.testing.assert_close(terms.total, expected, check_dtype=False)


def test_sum_reduction_is_the_negative_elbo(batch: dict[str, torch.Tensor]) -> None:
    """P/2 * total = -E[log N(x | f(z), I)] + KL, less the constant P/2 * log(2 pi) (Eq. 1)."""
    terms = Objective(beta=1.0, kl_reduction="sum", perceptual_scale=1.0).terms(**batch)
    likelihood = distributions.Normal(batch["reconstruction"], 1.0)
    log_likelihood = likelihood.log_prob(batch["images"]).sum(dim=(1, 2, 3)).mean()
    kl = kl_elements(batch["mu"], batch["log_var"]).sum(dim=(1, 2, 3)).mean()
    pixel_values = 3 * 8 * 8
    constant = pixel_values / 2 * math.log(2 * math.pi)
    torch.testing.assert_close(pixel_values / 2 * terms.total, -log_likelihood + kl - constant)


def test_eq_2_read_literally_is_a_small_perceptual_scale(batch: dict[str, torch.Tensor]) -> None:
    """With `sum` and layers/P: P/2 * total = negative ELBO + half of each layer's mean square.

    At 128 px and 16 layers the scale is 16 / 49,152 = 1/3,072 (docs/deviations.md).
    """
    maps = [normal(4, 5, 2, 2, seed=seed) for seed in (4, 5, 6)]
    targets = [normal(4, 5, 2, 2, seed=seed) for seed in (7, 8, 9)]
    pixel_values = 3 * 8 * 8
    scale = len(maps) / pixel_values
    objective = Objective(beta=1.0, kl_reduction="sum", perceptual_scale=scale)
    total = objective.terms(**batch, features=maps, target_features=targets).total
    elbo = Objective(beta=1.0, kl_reduction="sum", perceptual_scale=0.0).terms(**batch).total
    layers = sum(((a - b) ** 2).mean() for a, b in zip(maps, targets, strict=True)) / 2
    torch.testing.assert_close(
        pixel_values / 2 * total, pixel_values / 2 * elbo + layers, rtol=1e-6, atol=0.0
    )


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_reported_kl_is_per_image_whatever_the_reduction(
    batch: dict[str, torch.Tensor], reduction: str
) -> None:
    """`Terms.kl_nats` means the same under both reductions."""
    objective = Objective(beta=2.0, kl_reduction=reduction, perceptual_scale=1.0)
    expected = kl_elements(batch["mu"], batch["log_var"]).sum(dim=(1, 2, 3)).mean()
    torch.testing.assert_close(objective.terms(**batch).kl_nats, expected)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_effective_beta_weighs_kl_as_the_loss_does(
    batch: dict[str, torch.Tensor], reduction: str
) -> None:
    """The loss's gradient is parallel to that of Eq. 1 with KL times `effective_beta`."""
    mu = batch["mu"].requires_grad_()
    batch["reconstruction"] = (batch["reconstruction"] + mu.mean()).requires_grad_()
    objective = Objective(beta=0.9, kl_reduction=reduction, perceptual_scale=0.0)
    inputs = [mu, batch["reconstruction"]]
    ours = torch.autograd.grad(objective.terms(**batch).total, inputs, retain_graph=True)
    beta = effective_beta(8, (2, 3, 3), reduction, 0.9)
    squared = (batch["reconstruction"] - batch["images"]).square().sum() / 2
    elbo = (squared + beta * kl_elements(mu, batch["log_var"]).sum()) / 4
    theirs = torch.autograd.grad(elbo, inputs)
    for found, wanted in zip(ours, theirs, strict=True):
        torch.testing.assert_close(found * (3 * 8 * 8 / 2), wanted)


def test_effective_beta_at_the_papers_size_is_six() -> None:
    """49,152 pixel values over twice 4,096 latent elements."""
    assert effective_beta(128, (64, 8, 8), "mean", 1.0) == 6.0
    assert effective_beta(128, (64, 8, 8), "sum", 1.5) == 1.5


def test_perceptual_is_the_mean_over_taps_of_mean_squares() -> None:
    """Every tap counts alike, whatever its size."""
    taps = [(2, 3, 4, 4), (2, 7, 1, 1)]
    maps = [normal(*shape, seed=i).float() for i, shape in enumerate(taps)]
    targets = [normal(*shape, seed=9 + i).float() for i, shape in enumerate(taps)]
    brute = [
        sum((a - b) ** 2 for a, b in zip(m.flatten().tolist(), t.flatten().tolist(), strict=True))
        / m.numel()
        for m, t in zip(maps, targets, strict=True)
    ]
    assert float(perceptual(maps, targets)) == pytest.approx(sum(brute) / 2, rel=1e-5)


def test_scaled_taps_weigh_alike_whatever_their_scale() -> None:
    """A tap's difference is divided by its scale, so features ten times as large change nothing."""
    maps, targets = (
        [torch.rand(2, 3, 4, 4), torch.rand(2, 5, 2, 2)],
        [
            torch.rand(2, 3, 4, 4),
            torch.rand(2, 5, 2, 2),
        ],
    )
    scales = tuple(float(target.square().mean()) for target in targets)
    found = perceptual(maps, targets, scales)
    brute = sum(
        float((m - t).square().mean()) / s for m, t, s in zip(maps, targets, scales, strict=True)
    )
    assert float(found) == pytest.approx(brute / 2, rel=1e-5)
    larger = perceptual(
        [maps[0] * 10, maps[1]], [targets[0] * 10, targets[1]], (scales[0] * 100, scales[1])
    )
    assert float(larger) == pytest.approx(float(found), rel=1e-5)


def test_perceptual_refuses_unequal_numbers_of_taps() -> None:
    """A forgotten tap is an error, never a smaller loss."""
    with pytest.raises(ValueError, match="shorter"):
        perceptual([torch.zeros(1, 1, 1, 1)] * 2, [torch.zeros(1, 1, 1, 1)])


def test_mse_01_is_the_error_of_the_same_images_in_0_1(batch: dict[str, torch.Tensor]) -> None:
    """Halving the range quarters the squared error."""
    a, b = batch["images"], batch["reconstruction"]
    assert mse_01(float(mse(a, b))) == pytest.approx(float(mse((a + 1) / 2, (b + 1) / 2)))


def test_targets_get_no_gradient_and_reconstructions_do() -> None:
    """The perceptual term pulls the reconstruction towards the image, not the reverse."""
    maps = torch.ones(1, 2, 2, 2, requires_grad=True)
    term = perceptual([maps], [torch.zeros(1, 2, 2, 2)])
    (gradient,) = torch.autograd.grad(term, [maps])
    torch.testing.assert_close(gradient, torch.full((1, 2, 2, 2), 2.0 / 8.0))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_maps_are_compared_as_in_float32(dtype: torch.dtype) -> None:
    """Value to 1e-3 and gradient to the format's own rounding, as if both were raised first."""
    map_ = normal(3, 5, 8, 8, seed=0).to(dtype).requires_grad_()
    target = normal(3, 5, 8, 8, seed=1).to(dtype)
    found, expected = perceptual([map_], [target]), (map_.float() - target.float()).square().mean()
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=0.0)
    (gradient,) = torch.autograd.grad(3.0 * found, [map_])
    (wanted,) = torch.autograd.grad(3.0 * expected, [map_])
    assert gradient.dtype == dtype
    torch.testing.assert_close(gradient, wanted, rtol=0.02, atol=1e-6)


def test_equal_half_precision_maps_have_neither_distance_nor_gradient() -> None:
    """At zero distance nothing pulls, and nothing is undefined."""
    map_ = normal(2, 3, 4, 4, seed=0).bfloat16().requires_grad_()
    distance = perceptual([map_], [map_.detach().clone()])
    (gradient,) = torch.autograd.grad(distance, [map_])
    assert float(distance.detach()) == 0.0
    assert not gradient.any()


def test_half_precision_maps_are_not_copied_to_float32() -> None:
    """The largest tensors of a step are neither written nor kept at twice their size."""
    map_ = normal(2, 3, 16, 16, seed=0).bfloat16().requires_grad_()
    kept: list[torch.Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x) or x, lambda x: x):
        perceptual([map_], [torch.zeros_like(map_)])
    assert [x.dtype for x in kept if x.numel() == map_.numel()] == [torch.bfloat16]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_terms_are_summed_in_float32_whatever_a_model_gives(
    batch: dict[str, torch.Tensor], dtype: torch.dtype
) -> None:
    """Under autocast a model may give half precision: the terms are those of its raised values.

    Sums of a large latent would overflow float16, and round to 8 bits in bfloat16.
    """
    images = batch["images"].float()
    mu, log_var = (6.0 * normal(4, 64, 8, 8, seed=seed).to(dtype) for seed in (2, 3))
    given = (batch["reconstruction"].to(dtype), mu, log_var.clamp(-1.0, 1.0))
    objective = Objective(beta=1.0, kl_reduction="sum", perceptual_scale=0.0)
    found = objective.terms(images, *given)
    expected = objective.terms(images, *(x.float() for x in given))
    assert {term.dtype for term in found} == {torch.float32}
    torch.testing.assert_close(tuple(found), tuple(expected), rtol=0.0, atol=0.0)
    assert found.kl_nats.isfinite()


def test_a_latent_of_one_number_has_a_kl() -> None:
    """Without further axes an image's KL is that of its one element."""
    mu, log_var = normal(5, seed=2), normal(5, seed=3)
    expected = kl_elements(mu, log_var).mean()
    for reduction in ("mean", "sum"):
        torch.testing.assert_close(kl_nats(mu, log_var, reduction), expected)
