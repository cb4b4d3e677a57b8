"""A factory of a finished model: TAEF2, the tiny autoencoder of FLUX.2 (madebyollin/taesd, MIT).

``PYTHONPATH=tests/support tonegap audit python:taef2:load here --size 128``
"""

from __future__ import annotations

import os
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

WEIGHTS = Path(os.environ.get("TONEGAP_TAEF2", Path(__file__).parents[3] / "shared/weights"))
WIDTH = 64


class Block(nn.Module):
    """ReLU of three convolutions plus the input; a mid block first adds a branch."""

    def __init__(self, *, mid: bool = False) -> None:
        super().__init__()
        layers = [layer for _ in range(3) for layer in (conv(WIDTH, WIDTH), nn.ReLU())]
        self.conv = nn.Sequential(*layers[:-1])
        wide = 4 * WIDTH
        branch = (nn.Conv2d(WIDTH, wide, 1, bias=False), nn.GroupNorm(4, wide), nn.ReLU())
        self.pool = nn.Sequential(*branch, nn.Conv2d(wide, WIDTH, 1, bias=False)) if mid else None

    def forward(self, x: Tensor) -> Tensor:
        x = x if self.pool is None else x + self.pool(x)
        return (self.conv(x) + x).relu()


class Bounded(nn.Module):
    def forward(self, z: Tensor) -> Tensor:
        return 3.0 * torch.tanh(z / 3.0)


def conv(channels: int, out: int, **options) -> nn.Conv2d:
    return nn.Conv2d(channels, out, 3, padding=1, **options)


def encoder() -> nn.Sequential:
    layers = [conv(3, WIDTH), Block()]
    for mid in (False, False, True):
        layers += [conv(WIDTH, WIDTH, stride=2, bias=False), *(Block(mid=mid) for _ in range(3))]
    return nn.Sequential(*layers, conv(WIDTH, 32))


def decoder() -> nn.Sequential:
    layers = [Bounded(), conv(32, WIDTH), nn.ReLU(), *(Block(mid=True) for _ in range(3))]
    for blocks in (3, 3, 1):
        layers += [nn.Upsample(scale_factor=2), conv(WIDTH, WIDTH, bias=False)]
        layers += [Block() for _ in range(blocks)]
    return nn.Sequential(*layers, conv(WIDTH, 3))


class Taef2(nn.Module):
    """It has images in [0, 1], tonegap in [-1, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder(), decoder()
        for name in ("encoder", "decoder"):
            getattr(self, name).load_state_dict(load_file(WEIGHTS / f"taef2_{name}.safetensors"))

    def reconstruct(self, images: Tensor) -> Tensor:
        again = self.decoder(self.encoder((images + 1.0) / 2.0))
        return again.clamp(0.0, 1.0) * 2.0 - 1.0


def load(image_size: int, device: torch.device) -> Taef2:
    del image_size
    return Taef2().eval().to(device)
