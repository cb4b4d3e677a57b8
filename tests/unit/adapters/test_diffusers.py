"""Autoencoders of diffusers: equal to direct use, and every way in which a place can be wrong."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys

import pytest
import torch
from finished_models import CPU, SIZE, tiny
from safetensors.torch import load_file, save_file
from torch.nn import functional

from tonegap.adapters.loading import load_model
from tonegap.adapters.reference import parse_reference
from tonegap.errors import ModelError

WEIGHTS = "diffusion_pytorch_model.safetensors"
LATENT = {
    "AutoencoderKL": lambda found: found.latent_dist.mode(),
    "AutoencoderTiny": lambda found: found.latents,
    "VQModel": lambda found: found.latents,
    "AutoencoderDC": lambda found: found.latent,
}


def loaded(place, size=SIZE):
    return load_model(parse_reference(f"diffusers:{place}"), size, CPU)


@torch.no_grad()
def directly(network, kind, images):
    return network.decode(LATENT[kind](network.encode(images))).sample


@pytest.mark.parametrize("kind", LATENT)
def test_equal_to_direct_use_to_the_bit(saved, images, kind):
    """The reconstruction decodes the mode or the latent, as the library's own user would."""
    folder, network = saved(kind)
    with torch.no_grad():
        again = loaded(folder).model.reconstruct(images)
    assert torch.equal(again, directly(network, kind, images))


@pytest.mark.parametrize("kind", LATENT)
def test_odd_sizes_are_padded_and_cropped(saved, kind):
    """Edges are repeated up to a multiple of the factor; the result has the image's size."""
    folder, network = saved(kind)
    images = torch.rand(2, 3, 13, 15, generator=torch.Generator().manual_seed(2)) * 2 - 1
    padded = functional.pad(images, (0, 1, 0, 1), mode="replicate")
    with torch.no_grad():
        again = loaded(folder, 13).model.reconstruct(images)
    assert torch.equal(again, directly(network, kind, padded)[..., :13, :15])


def test_sigma_is_the_posteriors_and_only_where_there_is_one(saved, images):
    """KL models have one; the others give None, not a number."""
    folder, network = saved("AutoencoderKL")
    with torch.no_grad():
        sigma = loaded(folder).model.posterior_std(images)
        expected = network.encode(images).latent_dist.std.flatten(1).mean(dim=1)
    assert torch.equal(sigma, expected)
    for kind in ("AutoencoderTiny", "VQModel", "AutoencoderDC"):
        assert loaded(saved(kind)[0]).model.posterior_std(images) is None


def test_a_pipelines_folder_leads_to_its_autoencoder(pipeline, images):
    """model_index.json names the part; its own folder can be named, too."""
    folder, network = pipeline
    for place in (folder, f"{folder}/vae"):
        with torch.no_grad():
            again = loaded(place).model.reconstruct(images)
        assert torch.equal(again, directly(network, "AutoencoderKL", images))


def test_the_identity_names_class_licence_and_the_weights_hash(pipeline):
    """It is what provenance shows: the licence of the card's head, the sha256 of the file."""
    identity = loaded(pipeline[0]).identity
    content = (pipeline[0] / "vae" / WEIGHTS).read_bytes()
    assert identity.name == "AutoencoderKL"
    assert identity.library.startswith("diffusers ")
    assert identity.licence == "mit"
    assert identity.weights == {WEIGHTS: hashlib.sha256(content).hexdigest()}


def test_half_precision_weights_run_in_float32(saved, tmp_path, images):
    """`force_upcast` asks for float32, and assessment always uses it."""
    folder = shutil.copytree(saved("AutoencoderKL")[0], tmp_path / "half")
    save_file({k: v.half() for k, v in load_file(folder / WEIGHTS).items()}, folder / WEIGHTS)
    network = tiny("AutoencoderKL").half().float()
    with torch.no_grad():
        again = loaded(folder).model.reconstruct(images)
    assert again.dtype == torch.float32
    assert torch.equal(again, directly(network, "AutoencoderKL", images))


def test_a_model_of_the_hub_is_found_in_its_cache_offline(saved, tmp_path, monkeypatch, images):
    """Without a network the cache serves, and the commit becomes the revision."""
    from huggingface_hub import constants  # noqa: PLC0415  comes with the optional library

    commit = "0123456789abcdef0123456789abcdef01234567"
    cache = tmp_path / "models--owner--name"
    shutil.copytree(saved("AutoencoderKL")[0], cache / "snapshots" / commit)
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    for reference in ("owner/name", f"owner/name@{commit}"):
        found = loaded(reference)
        assert found.identity.revision == commit
        with torch.no_grad():
            assert found.model.reconstruct(images).shape == images.shape
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE is set, and the local cache") as refusal:
        loaded("owner/other")
    assert "\n" not in str(refusal.value)


def _changed(folder, target, **config):
    shutil.copytree(folder, target)
    content = json.loads((target / "config.json").read_text()) | config
    (target / "config.json").write_text(json.dumps(content))
    return target


def test_wrong_places_are_told_in_one_line(saved, tmp_path):
    """Each message names the place and what to do."""
    folder, _ = saved("AutoencoderKL")
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "notes.txt").write_text("")
    pickled = shutil.copytree(folder, tmp_path / "pickled")
    (pickled / WEIGHTS).rename(pickled / "diffusion_pytorch_model.bin")
    lacking = shutil.copytree(folder, tmp_path / "lacking")
    state = load_file(lacking / WEIGHTS)
    save_file(dict(list(state.items())[1:]), lacking / WEIGHTS)
    index = tmp_path / "index"
    index.mkdir()
    (index / "model_index.json").write_text('{"_class_name": "DDPMPipeline", "unet": ["a", "b"]}')
    cases = {
        tmp_path / "absent": "there is no folder .*absent",
        empty: "holds no config.json but notes.txt",
        folder / "config.json": "is a file; name the folder",
        pickled: "holds no .*safetensors, only the pickle diffusion_pytorch_model.bin",
        lacking: "the weights lack 1 tensors of AutoencoderKL, .* would be random",
        index: r"a pipeline without an autoencoder \(its parts: unet\)",
        _changed(folder, tmp_path / "class", _class_name="NoSuch"): "NoSuch, which diffusers",
        _changed(folder, tmp_path / "unet", _class_name="UNet2DModel"): "use samples:FOLDER",
        _changed(folder, tmp_path / "grey", in_channels=1): "takes 1 channels",
    }
    for place, message in cases.items():
        with pytest.raises(ModelError, match=message) as refusal:
            loaded(place)
        assert "\n" not in str(refusal.value)


def test_an_encode_that_returns_one_tensor_names_the_cause(saved, monkeypatch):
    """It is not taken for an output that lacks something."""
    folder, network = saved("AutoencoderKL")
    monkeypatch.setattr(type(network), "encode", lambda self, x: x)
    with pytest.raises(ModelError, match="`encode` of AutoencoderKL returned Tensor, expected"):
        loaded(folder)


def test_without_the_library_the_message_says_what_to_install(monkeypatch):
    """The library is optional; nothing else of tonegap imports it."""
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(ModelError, match=r"pip install 'tonegap\[diffusers\]'"):
        loaded("anything/at-all")
