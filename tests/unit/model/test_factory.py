"""Models by name, and every way in which a name can be wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from tonegap.errors import ModelError
from tonegap.model.factory import build_model, load_factory
from tonegap.model.objective import Objective
from tonegap.model.protocol import forward_pass, latent_shape
from tonegap.params import ModelParams
from tonegap.profiling.cost import parameter_count

PARAMS = ModelParams(
    factory="tonegap.model.vae:build",
    base_width=8,
    block_widths=(1, 2),
    latent_channels=4,
    bottleneck_blocks=1,
    deep=False,
    bias_before_norm=True,
    norm="batch",
)
FACTORIES = ["tonegap.model.vae:build", "tonegap.model.tiny:build"]

USERS_MODULE = '''
from torch import nn
import torch

class Wrong(nn.Module):
    """Decodes to grey instead of RGB images."""
    def encode(self, images):
        return images[:, :1], images[:, :1]
    def decode(self, latent):
        return latent

class Uneven(Wrong):
    def encode(self, images):
        return images, images[:, :1]

class Single(Wrong):
    """A plain autoencoder: its code has no variance."""
    def encode(self, images):
        return images

class OneForAll(Wrong):
    """Takes the batch for part of the image."""
    def encode(self, images):
        one = images.sum(dim=0, keepdim=True)
        return one, one

class Untrainable(Wrong):
    def encode(self, images):
        return images, images

class Remembers(nn.Conv2d):
    """Keeps something beside tensors in its state."""
    def __init__(self):
        super().__init__(3, 3, 1)
    def encode(self, images):
        return self(images), self(images)
    def decode(self, latent):
        return latent
    def get_extra_state(self):
        return {"steps": 0}

class Silent(Wrong):
    def encode(self, images):
        raise AssertionError

class Breaks(Wrong):
    def encode(self, images):
        return self.missing(images) if False else torch.zeros(2) @ torch.zeros(3)

class Lazy(nn.Module):
    """Takes its shape, and draws its weights, at the first images."""
    def __init__(self):
        super().__init__()
        self.layer = nn.LazyConv2d(3, 1)
    def encode(self, images):
        return self.layer(images), self.layer(images)
    def decode(self, latent):
        return latent

class Leaves(Wrong):
    def encode(self, images):
        raise SystemExit(3)

def leaves(params, image_size, seed):
    return Leaves()

def exits(params, image_size, seed):
    raise SystemExit("no data")

def lazy(params, image_size, seed):
    return Lazy()

def grey(params, image_size, seed):
    return Wrong()

def single(params, image_size, seed):
    return Single()

def uneven(params, image_size, seed):
    return Uneven()

def breaks(params, image_size, seed):
    return Breaks()

def one_for_all(params, image_size, seed):
    return OneForAll()

def untrainable(params, image_size, seed):
    return Untrainable()

def silent(params, image_size, seed):
    return Silent()

def remembers(params, image_size, seed):
    return Remembers()

def raises(params, image_size, seed):
    return params.no_such_parameter

def nothing(params, image_size, seed):
    return None

def linear(params, image_size, seed):
    return nn.Linear(2, 2)

number = 3
'''


@pytest.fixture
def users_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Put a module of the user's own on the path for one test."""
    name = "a_users_model"
    (tmp_path / f"{name}.py").write_text(USERS_MODULE, encoding="utf-8")
    (tmp_path / f"{name}_broken.py").write_text("import no_such_package\n", encoding="utf-8")
    (tmp_path / f"{name}_unfinished.py").write_text("def build(:\n", encoding="utf-8")
    script = "import argparse\nargparse.ArgumentParser().parse_args(['--data'])\n"
    (tmp_path / f"{name}_script.py").write_text(script, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)


def complaint(factory: str) -> str:
    """Give the message of the error that building from `factory` must raise, one line long."""
    with pytest.raises(ModelError) as caught:
        build_model(PARAMS.model_copy(update={"factory": factory}), 16, 0)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("factory", FACTORIES)
def test_both_models_train_by_the_same_lines(factory: str) -> None:
    """Any factory's model goes through one step of the objective, and the loss falls."""
    model = build_model(PARAMS.model_copy(update={"factory": factory}), 16, seed=0)
    images = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2.0 - 1.0
    noise = torch.zeros(4, *latent_shape(model, 16))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05)
    objective = Objective(beta=1.0, kl_reduction="mean", perceptual_scale=0.0)
    losses = []
    for _ in range(3):
        total = objective.terms(images, *forward_pass(model, images, noise)).total
        optimiser.zero_grad()
        torch.autograd.backward(total)
        optimiser.step()
        losses.append(float(total.detach()))
    assert losses[2] < losses[1] < losses[0]


@pytest.mark.parametrize("factory", FACTORIES)
def test_the_seed_decides_the_weights(factory: str) -> None:
    """The factory's seed reaches the model."""
    params = PARAMS.model_copy(update={"factory": factory})
    first, second, other = (
        torch.cat([p.flatten() for p in build_model(params, 16, seed).parameters()])
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_the_seed_decides_what_is_drawn_at_the_first_images(users_module: str) -> None:
    """Lazy layers, of a factory that does not seed: a function of the seed, and of nothing else."""
    params = PARAMS.model_copy(update={"factory": f"{users_module}:lazy"})
    state = torch.random.get_rng_state()
    first, second, other = (build_model(params, 16, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(first["layer.weight"], second["layer.weight"])
    assert not torch.equal(first["layer.weight"], other["layer.weight"])
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_tiny_model_is_tiny() -> None:
    """The second model has a few thousand parameters."""
    model = build_model(PARAMS.model_copy(update={"factory": FACTORIES[1]}), 16, 0)
    assert parameter_count(model) < 5_000


def test_checking_leaves_the_model_as_built() -> None:
    """The shape check keeps training mode and running statistics."""
    checked = build_model(PARAMS, 16, seed=0)
    unchecked = load_factory(PARAMS.factory)(PARAMS, 16, 0)
    assert checked.training
    expected = unchecked.state_dict()
    assert all(torch.equal(expected[key], value) for key, value in checked.state_dict().items())


def test_module_that_is_not_there() -> None:
    """A module that cannot be found is named, with the remedy."""
    assert "No module named 'no_such_thing'" in complaint("no_such_thing:build")


def test_module_whose_own_import_fails(users_module: str) -> None:
    """A module that lacks a package of its own: that package is named."""
    assert "no_such_package" in complaint(f"{users_module}_broken:build")


def test_module_that_cannot_be_run(users_module: str) -> None:
    """A module with a mistake of its own: what Python says of it, on one line."""
    assert "fails when it is imported (SyntaxError" in complaint(f"{users_module}_unfinished:build")


def test_module_that_is_a_script(users_module: str) -> None:
    """A module that reads the command line as it is imported does not end the process."""
    message = complaint(f"{users_module}_script:build")
    assert "_script fails when it is imported (it called sys.exit(2) at " in message


def test_misspelt_function_is_corrected() -> None:
    """A wrong function name gets the nearest one."""
    assert "did you mean 'build'" in complaint("tonegap.model.vae:biuld")


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("number", "which is int and cannot be called"),
        ("nothing", "returned NoneType; training needs a torch.nn.Module"),
        ("linear", "returned Linear; training needs a torch.nn.Module"),
        ("grey", r"`decode` returned images of (2, 1, 16, 16), expected (2, 3, 16, 16)"),
        ("uneven", "`encode` returned mu of (2, 3, 16, 16) and log_var of (2, 1, 16, 16)"),
        ("single", "`encode` returned one tensor, of (2, 3, 16, 16); it must return two"),
        ("one_for_all", "log_var of (1, 3, 16, 16) for 2 images; they must be of equal shape"),
        ("breaks", "2 grey images of 16 px could not be encoded and decoded (RuntimeError"),
        ("silent", "could not be encoded and decoded (AssertionError at "),
        ("untrainable", "no parameter that requires a gradient"),
        ("remembers", "its state_dict holds '_extra_state', which is dict; only tensors"),
        ("leaves", "could not be encoded and decoded (it called sys.exit(3) at "),
        (
            "exits",
            "fails when it is called with (params, image_size, seed) (it called sys.exit('no",
        ),
        ("raises", "fails when it is called with (params, image_size, seed) (AttributeError"),
    ],
)
def test_unfit_models_are_described(users_module: str, function: str, reason: str) -> None:
    """What a factory gives is checked before training starts."""
    assert reason in complaint(f"{users_module}:{function}")
