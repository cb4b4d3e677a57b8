"""The VAE: the paper's size, its seeds, its ranges, its draws."""

from __future__ import annotations

import pytest
import torch
from torch import distributions

from tonegap.model.vae import VAE, build, reparameterise
from tonegap.params import ModelParams
from tonegap.profiling.cost import parameter_count

PAPER = ModelParams(
    factory="tonegap.model.vae:build",
    base_width=64,
    block_widths=(1, 2, 4, 8),
    latent_channels=64,
    bottleneck_blocks=1,
    deep=True,
    bias_before_norm=True,
    norm="batch",
)
SMALL = PAPER.model_copy(update={"base_width": 8, "block_widths": (1, 2), "latent_channels": 4})


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 2.0 - 1.0


def test_paper_size_has_the_papers_parameters() -> None:
    """The paper's settings give exactly 56,715,139 parameters and a 64 x 8 x 8 latent."""
    with torch.device("meta"):
        model = VAE(64, (1, 2, 4, 8), 64, 1, deep=True)
        mu, log_var = model.encode(torch.empty(2, 3, 128, 128))
        assert model.decode(mu).shape == (2, 3, 128, 128)
    assert parameter_count(model) == 56_715_139
    assert model.latent_shape(128) == (64, 8, 8)
    assert mu.shape == log_var.shape == (2, 64, 8, 8)


@pytest.mark.parametrize(
    ("switches", "identity_blocks"),
    [
        ({"bottleneck_blocks": 1, "deep": True}, 6),
        ({"bottleneck_blocks": 1, "deep": False}, 2),
        ({"bottleneck_blocks": 0, "deep": False}, 0),
    ],
)
def test_switches_add_and_remove_identity_blocks(
    switches: dict[str, int], identity_blocks: int
) -> None:
    """`deep` puts an identity block beside each of four blocks; the bottleneck has its own."""
    model = VAE(8, (1, 2), 4, **switches)
    kinds = [type(module).__name__ for module in model.modules()]
    assert kinds.count("IdentityBlock") == identity_blocks
    assert kinds.count("DownBlock") == kinds.count("UpBlock") == 2


def test_initial_weights_depend_on_the_seed_alone() -> None:
    """The same seed gives the same weights whatever the global generator did before."""
    torch.manual_seed(1)
    first = build(SMALL, 16, seed=5).state_dict()
    torch.rand(7)
    second = build(SMALL, 16, seed=5).state_dict()
    other = build(SMALL, 16, seed=6).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(first["to_mu.weight"], other["to_mu.weight"])


def test_building_leaves_the_global_generator_alone() -> None:
    """Random numbers drawn around `build` are those that would be drawn without it."""
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    build(SMALL, 16, seed=5)
    assert torch.equal(torch.rand(4), expected)


def test_without_noise_the_posterior_mean_is_decoded(images: torch.Tensor) -> None:
    """`forward(images)` is the decoding of mu."""
    model = build(SMALL, 16, seed=0).eval()
    reconstruction, mu, _ = model(images)
    torch.testing.assert_close(reconstruction, model.decode(mu))


def test_noise_moves_the_latent_by_sigma(images: torch.Tensor) -> None:
    """`forward(images, noise)` decodes mu + exp(log_var / 2) * noise."""
    model = build(SMALL, 16, seed=0).eval()
    noise = torch.randn(3, *model.latent_shape(16))
    reconstruction, mu, log_var = model(images, noise)
    latent = mu + torch.sqrt(torch.exp(log_var)) * noise
    torch.testing.assert_close(reconstruction, model.decode(latent), rtol=1e-4, atol=1e-5)


def test_draws_have_the_posteriors_distribution() -> None:
    """A standard normal quantile becomes the same quantile of N(mu, exp(log_var))."""
    mu, log_var = torch.tensor([0.3, -2.0]), torch.tensor([0.7, -3.0])
    noise = torch.tensor([1.3, -0.4])
    quantile = distributions.Normal(0.0, 1.0).cdf(noise)
    expected = distributions.Normal(mu, torch.exp(log_var).sqrt()).icdf(quantile)
    torch.testing.assert_close(reparameterise(mu, log_var, noise), expected)


def test_every_parameter_learns(images: torch.Tensor) -> None:
    """The loss reaches every parameter except biases that a batch norm cancels."""
    model = build(SMALL, 16, seed=0)
    reconstruction, mu, log_var = model(images, torch.randn(3, *model.latent_shape(16)))
    torch.autograd.backward((reconstruction - images).square().sum() + (mu + log_var).sum())
    untouched = [
        name
        for name, p in model.named_parameters()
        if p.grad is None or (p.grad.abs().max() == 0 and not name.endswith("bias"))
    ]
    assert untouched == []


def test_outputs_stay_float32_under_autocast(images: torch.Tensor) -> None:
    """In half precision inside, posterior and image still come out in float32, in (-1, 1)."""
    model = build(SMALL, 16, seed=0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = model(images)
    assert [output.dtype for output in outputs] == [torch.float32] * 3
    assert outputs[0].abs().max() <= 1.0


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_the_last_map_is_activated(part: str) -> None:
    """Section 3.4: an ELU stands between the last block and each final convolution."""
    torch.manual_seed(0)
    model = VAE(8, (1, 2), 4, 1, deep=True).double().eval()
    maps: list[torch.Tensor] = []
    getattr(model, part).register_forward_hook(lambda *call: maps.append(call[-1].clone()))
    image, mu, log_var = model(torch.rand(2, 3, 16, 16, dtype=torch.float64) * 2 - 1)
    activated = torch.where(maps[0] > 0, maps[0], maps[0].exp() - 1)
    assert (maps[0] < 0).any()
    if part == "encoder":
        torch.testing.assert_close(mu, model.to_mu(activated))
        torch.testing.assert_close(log_var, model.to_log_var(activated))
    else:
        torch.testing.assert_close(image, torch.tanh(model.to_image(activated)))


def test_initial_weights_are_rounded_float64_draws() -> None:
    """Float32 draws depend on the instruction set; these do not, and no other dtype leaks out."""
    torch.manual_seed(5)
    torch.set_default_dtype(torch.float64)
    try:
        reference = VAE(8, (1, 2), 4, 1, deep=True).state_dict()
    finally:
        torch.set_default_dtype(torch.float32)
    built = build(SMALL, 16, seed=5).state_dict()
    assert all(torch.equal(built[key], reference[key].to(built[key].dtype)) for key in reference)
    assert torch.get_default_dtype() == torch.float32
    assert built["to_mu.weight"].dtype == torch.float32


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("bottleneck", [0, 1])
def test_biases_that_a_batch_norm_removes_are_left_out(
    images: torch.Tensor, *, deep: bool, bottleneck: int
) -> None:
    """Those that stay have a gradient; those that go had none but for rounding."""
    shape = {"deep": deep, "bottleneck_blocks": bottleneck}
    full = build(SMALL.model_copy(update=shape), 16, seed=0).double()
    bare = build(SMALL.model_copy(update=shape | {"bias_before_norm": False}), 16, seed=0)
    noise = torch.randn(3, *full.latent_shape(16), dtype=torch.float64)
    reconstruction, mu, log_var = full(images.double(), noise)
    weight = torch.randn(reconstruction.shape, dtype=torch.float64)
    torch.autograd.backward((reconstruction * weight).sum() + (mu * log_var).sum())
    kept = {name for name, _ in bare.named_parameters()}
    largest = {name: float(p.grad.abs().max()) for name, p in full.named_parameters()}
    assert all(largest[name] > 1e-6 for name in kept)
    dropped = set(largest) - kept
    assert dropped
    assert all(name.endswith("bias") for name in dropped)


def test_a_network_without_these_biases_computes_the_same(images: torch.Tensor) -> None:
    """In training mode, dropping random biases changes no output.

    Those of the last skips are zero here: they only add to the bias that stays.
    """
    shape = {"deep": False, "bottleneck_blocks": 0}
    full = build(SMALL.model_copy(update=shape), 16, seed=0).double()
    bare = build(SMALL.model_copy(update=shape | {"bias_before_norm": False}), 16, seed=1)
    kept = dict(bare.named_parameters())
    for name, parameter in full.named_parameters():
        if name not in kept:
            torch.nn.init.normal_(parameter)
    for block in (full.encoder[-1], full.decoder[-1]):
        block.conv_in.bias.data[: block.widths[0]] = 0.0
    bare.double().load_state_dict(
        {k: v for k, v in full.state_dict().items() if k in bare.state_dict()}
    )
    noise = torch.randn(3, *full.latent_shape(16), dtype=torch.float64)
    for ours, theirs in zip(
        bare(images.double(), noise), full(images.double(), noise), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


def test_norms_start_from_the_same_convolutions() -> None:
    """A comparison of batch and group norm differs in the norm alone; group norm keeps biases."""
    batch = build(SMALL, 16, seed=0).state_dict()
    changed = SMALL.model_copy(update={"norm": "group", "bias_before_norm": False})
    group = build(changed, 16, seed=0).state_dict()
    assert {name for name in batch if "running" not in name and "tracked" not in name} == set(group)
    assert all(torch.equal(batch[name], group[name]) for name in group)
