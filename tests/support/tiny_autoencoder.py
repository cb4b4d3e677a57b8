"""Save a tiny AutoencoderKL of diffusers: ``python tests/support/tiny_autoencoder.py FOLDER``.

`make audit` audits it. Its weights are random: it shows that an audit works, no
more.
"""

from __future__ import annotations

import sys
from typing import Any

import torch
from diffusers import AutoencoderKL


def save(folder: str) -> None:
    """Write config.json and safetensors, as ``save_pretrained`` does."""
    torch.manual_seed(0)
    make: Any = AutoencoderKL
    make(
        block_out_channels=(16, 32),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=8,
    ).save_pretrained(folder)


if __name__ == "__main__":
    save(sys.argv[1])
