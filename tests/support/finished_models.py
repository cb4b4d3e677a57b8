"""Tiny autoencoders of diffusers, saved as their library saves them; for tests of adapters."""

from __future__ import annotations

import json

import pytest
import torch

SIZE = 16
CPU = torch.device("cpu")


def tiny(kind):
    """Build an autoencoder of a few thousand weights."""
    import diffusers  # noqa: PLC0415  an optional library

    down, up = ("DownEncoderBlock2D",) * 2, ("UpDecoderBlock2D",) * 2
    stable = {
        "block_out_channels": (8, 16),
        "down_block_types": down,
        "up_block_types": up,
        "norm_num_groups": 4,
        "latent_channels": 4,
    }
    blocks = ("ResBlock", "ResBlock")
    options = {
        "AutoencoderKL": stable,
        "VQModel": stable | {"num_vq_embeddings": 16},
        "AutoencoderTiny": {
            "encoder_block_out_channels": (8, 8),
            "decoder_block_out_channels": (8, 8),
            "num_encoder_blocks": (1, 1),
            "num_decoder_blocks": (1, 1),
        },
        "AutoencoderDC": {
            "latent_channels": 4,
            "encoder_block_types": blocks,
            "decoder_block_types": blocks,
            "encoder_block_out_channels": (8, 16),
            "decoder_block_out_channels": (8, 16),
            "encoder_layers_per_block": (1, 1),
            "decoder_layers_per_block": (1, 1),
            "encoder_qkv_multiscales": ((), ()),
            "decoder_qkv_multiscales": ((), ()),
            "downsample_block_type": "Conv",
            "upsample_block_type": "interpolate",
        },
    }
    torch.manual_seed(0)
    return getattr(diffusers, kind)(**options[kind]).eval()


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """Save an autoencoder, once for each kind; give its folder and the network itself."""
    pytest.importorskip("diffusers", reason="the optional library diffusers is not installed")
    known = {}

    def save(kind):
        if kind not in known:
            folder = tmp_path_factory.mktemp(kind)
            network = tiny(kind)
            network.save_pretrained(folder)
            known[kind] = folder, network
        return known[kind]

    return save


@pytest.fixture
def pipeline(saved, tmp_path):
    """Give the folder of a pipeline whose part ``vae`` is an autoencoder, with a model card."""
    folder, network = saved("AutoencoderKL")
    part = tmp_path / "pipeline" / "vae"
    part.parent.mkdir()
    part.symlink_to(folder)
    index = {"_class_name": "StableDiffusionPipeline", "vae": ["diffusers", "AutoencoderKL"]}
    (part.parent / "model_index.json").write_text(json.dumps(index))
    (part.parent / "README.md").write_text("---\nlicense: mit\ntags: [x]\n---\nlicense: other\n")
    return part.parent, network


@pytest.fixture
def images():
    """Images in [-1, 1]; their sides are multiples of every factor."""
    return torch.rand(3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1)) * 2 - 1
