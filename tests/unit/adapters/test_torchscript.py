"""TorchScript and exported programs: equal to the module they were made of."""

from __future__ import annotations

import warnings

import pytest
import torch
from finished_models import CPU, SIZE
from torch import nn

from tonegap.adapters.loading import load_model
from tonegap.adapters.reference import parse_reference
from tonegap.errors import ModelError


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.layer = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, images):
        return self.layer(images).tanh()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Write one module as TorchScript, and exported for any batch and for batches of two."""
    folder, module = tmp_path_factory.mktemp("programs"), Small().eval()
    example = torch.zeros(2, 3, SIZE, SIZE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch announces the end of TorchScript
        torch.jit.save(torch.jit.trace(module, example), folder / "script.pt")
        any_batch = {"images": {0: torch.export.Dim("batch")}}
        exported = torch.export.export(module, (example,), dynamic_shapes=any_batch)
        torch.export.save(exported, folder / "any.pt2")
        torch.export.save(torch.export.export(module, (example,)), folder / "two.pt2")
        torch.save(module.state_dict(), folder / "state.pt")
    return folder, module


def loaded(path, size=SIZE):
    return load_model(parse_reference(f"torchscript:{path}"), size, CPU)


@pytest.mark.parametrize("name", ["script.pt", "any.pt2", "two.pt2"])
def test_equal_to_the_module(files, images, name):
    """Three images, also through a program that takes two at a time."""
    folder, module = files
    with torch.no_grad():
        again = loaded(folder / name).model.reconstruct(images)
        assert torch.allclose(again, module(images), atol=1e-6)
    assert again.shape == images.shape


def test_there_is_no_sigma(files, images):
    """A program of one output has no posterior."""
    assert loaded(files[0] / "script.pt").model.posterior_std(images) is None


def test_wrong_files_are_told_in_one_line(files, tmp_path):
    """A state dict is no program; a program of another size says which."""
    cases = [
        (tmp_path / "absent.pt", SIZE, "names no file"),
        (files[0] / "state.pt", SIZE, "holds no program; a state dict"),
        (files[0] / "any.pt2", 20, f"takes images of {SIZE} pixels only.*--size {SIZE}"),
    ]
    for path, size, message in cases:
        with pytest.raises(ModelError, match=message) as refusal:
            loaded(path, size)
        assert "\n" not in str(refusal.value)
