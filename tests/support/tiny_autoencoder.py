"""Save a tiny AutoencoderKL of diffusers with random weights: ``python tiny_autoencoder.py FOLDER``.

`make audit` audits it. It reconstructs nothing; it shows that an audit works.
"""

from __future__ import annotations

import sys

import torch
from diffusers import AutoencoderKL


def save(folder: str) -> None:
    """Write config.json and safetensors, as ``save_pretrained`` does."""
    torch.manual_seed(0)
    AutoencoderKL(
        block_out_channels=(16, 32),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=8,
    ).save_pretrained(folder)


if __name__ == "__main__":
    save(sys.argv[1])
