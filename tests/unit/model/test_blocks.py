"""Residual blocks against a slow, obvious reference: one convolution at a time, in double."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tonegap.model.blocks import (
    FOLD_FROM_PIXELS,
    DownBlock,
    IdentityBlock,
    UpBlock,
    make_norm,
    raised_convolution,
)


def norm_elu(x: Tensor, norm: nn.BatchNorm2d) -> Tensor:
    """Batch norm from its formula, eps 1e-4, then ELU from its formula."""
    mean = x.mean(dim=(0, 2, 3), keepdim=True)
    variance = ((x - mean) ** 2).mean(dim=(0, 2, 3), keepdim=True)
    scale, shift = norm.weight.view(1, -1, 1, 1), norm.bias.view(1, -1, 1, 1)
    y = (x - mean) / torch.sqrt(variance + 1e-4) * scale + shift
    return torch.where(y > 0, y, torch.exp(y) - 1.0)


def conv(x: Tensor, weight: Tensor, bias: Tensor, stride: int = 1) -> Tensor:
    """Cross-correlation with zero padding of one pixel, as a sum over the nine kernel places."""
    _, _, height, width = x.shape
    padded = torch.zeros(*x.shape[:2], height + 2, width + 2, dtype=x.dtype)
    padded[:, :, 1:-1, 1:-1] = x
    total = torch.zeros(1, dtype=x.dtype)
    for row in range(3):
        for column in range(3):
            shifted = padded[:, :, row : row + height : stride, column : column + width : stride]
            total = total + torch.einsum("oi,bihw->bohw", weight[:, :, row, column], shifted)
    return total + bias.view(1, -1, 1, 1)


def raised(x: Tensor) -> Tensor:
    """Nearest-neighbour up-sampling by writing each pixel four times."""
    batch, channels, height, width = x.shape
    result = torch.zeros(batch, channels, 2 * height, 2 * width, dtype=x.dtype)
    for row in range(2):
        for column in range(2):
            result[:, :, row::2, column::2] = x
    return result


def branch_of(x: Tensor, block: DownBlock | UpBlock | IdentityBlock) -> Tensor:
    """Finish the branch from its part of the first convolution."""
    return conv(norm_elu(x, block.norm_out), block.conv_out.weight, block.conv_out.bias)


def reference_identity(x: Tensor, block: IdentityBlock) -> Tensor:
    inner = conv(norm_elu(x, block.norm_in), block.conv_in.weight, block.conv_in.bias)
    return x + branch_of(inner, block)


def reference_down(x: Tensor, block: DownBlock) -> Tensor:
    """Skip and branch as two separate strided convolutions."""
    width = block.conv_out.out_channels
    weight, bias = block.conv_in.weight, block.conv_in.bias
    start = norm_elu(x, block.norm_in)
    skip = conv(start, weight[:width], bias[:width], stride=2)
    return skip + branch_of(conv(start, weight[width:], bias[width:], stride=2), block)


def reference_up(x: Tensor, block: UpBlock) -> Tensor:
    """Skip and branch as two separate convolutions of the raised map."""
    width = block.conv_out.out_channels
    weight, bias = block.conv_in.weight, block.conv_in.bias
    start = raised(norm_elu(x, block.norm_in))
    skip = conv(start, weight[:width], bias[:width])
    return skip + branch_of(conv(start, weight[width:], bias[width:]), block)


CASES = {
    "identity": (lambda: IdentityBlock(6), reference_identity),
    "down": (lambda: DownBlock(6, 8), reference_down),
    "up": (lambda: UpBlock(8, 6), reference_up),
}


@pytest.mark.parametrize("side", [4, 8])
@pytest.mark.parametrize("kind", CASES)
def test_block_equals_the_obvious_reference(kind: str, side: int) -> None:
    """Output, gradient to the input and to every parameter equal the reference's to 1e-9."""
    make, reference = CASES[kind]
    torch.manual_seed(0)
    block = make().double()
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.5)
    channels = block.norm_in.num_features
    x = torch.randn(3, channels, side, side, dtype=torch.float64, requires_grad=True)
    weights = torch.randn_like(output := block(x))
    expected = reference(x, block)
    torch.testing.assert_close(output, expected, rtol=1e-9, atol=1e-9)
    inputs = [x, *block.parameters()]
    found = torch.autograd.grad((output * weights).sum(), inputs)
    wanted = torch.autograd.grad((expected * weights).sum(), inputs)
    for ours, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (4, 3), (8, 8)])
def test_raised_convolution_equals_raising_then_convolving(shape: tuple[int, int]) -> None:
    """Four products per output give what nine on the raised map give, borders included."""
    torch.manual_seed(0)
    convolution = nn.Conv2d(3, 5, 3, padding=1).double()
    x = torch.randn(2, 3, *shape, dtype=torch.float64)
    expected = convolution(functional.interpolate(x, scale_factor=2, mode="nearest"))
    torch.testing.assert_close(raised_convolution(x, convolution), expected, rtol=1e-12, atol=1e-12)


def test_folded_and_plain_up_block_agree_in_float32() -> None:
    """Folding changes a float32 up block by rounding only: 1e-5 in output and gradients."""
    torch.manual_seed(0)
    folded = UpBlock(16, 8)
    plain = copy.deepcopy(folded)
    plain.folded = False
    side = int(FOLD_FROM_PIXELS**0.5)
    x = torch.randn(4, 16, side, side)
    results = []
    for block in (folded, plain):
        output = block(x)
        gradients = torch.autograd.grad(output.square().mean(), list(block.parameters()))
        results.append([output, *gradients])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_input_survives_the_in_place_activation() -> None:
    """A block never writes into the map that it was given."""
    x = torch.randn(2, 8, 4, 4)
    before = x.clone()
    for block in (IdentityBlock(8), DownBlock(8, 8), UpBlock(8, 8)):
        block(x)
        assert torch.equal(x, before)


def test_evaluation_mode_uses_the_running_statistics() -> None:
    """In evaluation mode an image's result does not depend on the others of its batch."""
    block = UpBlock(8, 4)
    block(torch.randn(4, 8, 8, 8))
    block.eval()
    x = torch.randn(3, 8, 8, 8)
    torch.testing.assert_close(block(x)[:1], block(x[:1]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("channels", "groups"), [(4, 1), (16, 1), (24, 1), (64, 4), (56, 2)])
def test_group_norm_by_its_definition(channels: int, groups: int) -> None:
    """Mean and variance over the pixels and channels of each group of each image (Wu and He)."""
    x = torch.randn(3, channels, 2, 5, dtype=torch.float64) * 3.0 + 1.0
    parts = x.reshape(3, groups, -1)
    centred = parts - parts.mean(dim=2, keepdim=True)
    expected = centred / (parts.var(dim=2, correction=0, keepdim=True) + 1e-4).sqrt()
    found = make_norm(channels, "group").double()(x)
    torch.testing.assert_close(found, expected.reshape(x.shape))


@pytest.mark.parametrize("block", [IdentityBlock(8, "group"), DownBlock(8, 8, "group")])
def test_group_norm_sees_one_image_at_a_time(block: nn.Module) -> None:
    """In training and in evaluation an image's map does not depend on the others of its batch."""
    x = torch.randn(3, 8, 6, 6)
    together, alone = block.train()(x), block.eval()(x[1:2])
    torch.testing.assert_close(together[1:2], alone)
