"""The stage ``train``: models of one process share files only while these stay as they are."""

from __future__ import annotations

import importlib
import json
import sys
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch
from tiny_pipeline import write_params

from tonegap.errors import MachineError
from tonegap.model import tiny
from tonegap.model.factory import source_of
from tonegap.model.perceptual import feature_network, random_weights
from tonegap.pipeline import run_stage
from tonegap.stages import train as stage
from tonegap.training.precision import Arithmetic
from tonegap.training.workbench import Workbench
from tonegap.workspace import Workspace

SIZE, IMAGES = 32, 4
IDS = [f"{place:032x}" for place in range(IMAGES)]


@pytest.fixture
def at(tmp_path, monkeypatch):
    """Give a workspace with a split of four images and weights of features; no images yet."""
    monkeypatch.setenv("TONEGAP_CACHE", str(tmp_path / "cache"))
    at = Workspace(tmp_path)
    at.split.parent.mkdir()
    pd.DataFrame({"row": range(IMAGES), "md5hash": IDS}).to_csv(at.image_rows)
    groups = ["light", "dark", "light", "light"]
    draws = pd.DataFrame({"role": "train", "group": groups, "draw": range(IMAGES), "md5hash": IDS})
    draws.to_csv(at.split, index=False)
    _write_features(at, seed=0)
    return at


def _write_images(at, seed):
    images = np.random.default_rng(seed).integers(0, 256, (IMAGES, SIZE, SIZE, 3), dtype=np.uint8)
    np.save(at.images, images)


def _write_features(at, seed):
    network = random_weights(feature_network("squeezenet1_1"), seed)
    safetensors.torch.save_file(network.state_dict(), at.root / "features.safetensors")


@pytest.fixture
def train(at, model_params, train_params):
    """Run the stage for one epoch; gives its weights as bytes."""

    def run(workbench, model=model_params, **changes):
        small = {"epochs": 1, "perceptual_weights": str(at.root / "features.safetensors")}
        stage.run(
            model=model,
            train=train_params(**small | changes),
            data_seed=0,
            image_size=SIZE,
            images=at.images,
            image_rows=at.image_rows,
            split=at.split,
            weights_out=at.weights,
            metrics=at.train_metrics,
            workbench=workbench,
        )
        return at.weights.read_bytes()

    return run


@pytest.mark.parametrize("replace", [_write_images, _write_features])
def test_a_replaced_file_is_read_anew(train, at, float32, replace):
    """Other images, or other weights of features, under the same path and of the same size."""
    _write_images(at, seed=0)
    shared = Workbench(float32)
    first = train(shared)
    replace(at, seed=1)
    second = train(shared)
    assert second != first
    assert second == train(Workbench(float32))


def test_what_an_epoch_took_is_said_and_kept_apart(train, at, float32, capsys):
    """Each epoch is one line with its losses and images/s; no time enters a tracked file."""
    _write_images(at, seed=0)
    train(Workbench(float32), epochs=2)
    lines = [line for line in capsys.readouterr().err.splitlines() if "epoch " in line]
    assert [line.partition(": loss")[0] for line in lines] == [
        "tonegap train: epoch 1 of 2",
        "tonegap train: epoch 2 of 2",
    ]
    assert all(line.endswith(" images/s") for line in lines)
    (timings,) = (at.root / "cache" / "timings").iterdir()
    kept = json.loads(timings.read_text())
    assert [epoch["epoch"] for epoch in kept["epochs"]] == [0, 1]
    assert "images_per_s" not in (at.train_metrics / "metrics.json").read_text()


def test_weights_of_groups_are_said_and_logged(train, at, float32, capsys):
    """Console and log name each group's weight after every epoch; without weights, neither does."""
    _write_images(at, seed=0)
    train(Workbench(float32))
    assert "weight of" not in capsys.readouterr().err
    assert "weight" not in (at.train_metrics / "metrics.json").read_text()
    train(Workbench(float32), group_weight="equal", epochs=2)
    assert capsys.readouterr().err.count(", weight of dark 0.500, weight of light 0.500;") == 2
    logged = json.loads((at.train_metrics / "metrics.json").read_text())
    assert (logged["weight_dark"], logged["weight_light"]) == (0.5, 0.5)
    assert logged["group_weight"] == "equal"
    table = pd.read_csv(at.train_metrics / "plots/metrics/weight_dark.tsv", sep="\t")
    assert table["weight_dark"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has"),
            r"memory is full \(CUDA out of memory\); checkpoints are kept.*train\.batch_size",
        ),
        (
            RuntimeError("upsample_bilinear2d_backward_out_cuda does not have a deterministic "
                         "implementation, but you set 'torch.use_deterministic"),
            r"\(upsample_bilinear2d_backward_out_cuda does.*train\.deterministic to false",
        ),
    ],
    ids=["memory", "determinism"],
)  # fmt: skip
def test_what_a_gpu_cannot_do_is_said_on_one_line(train, at, float32, error, expected):
    """PyTorch's own words name no parameter of ours."""
    _write_images(at, seed=0)
    bench = Workbench(float32)
    bench.prepare = partial(_raise, error)
    with pytest.raises(MachineError, match=expected) as caught:
        train(bench)
    assert "\n" not in str(caught.value)


def test_other_errors_of_a_model_are_not_reworded(train, at, float32):
    """A bug of the model stays a bug, with its traceback."""
    _write_images(at, seed=0)
    bench = Workbench(float32)
    bench.prepare = partial(_raise, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="mat1"):
        train(bench)


FACTORIES = """
from functools import partial
from pathlib import Path
from tonegap.model import tiny

class Tied(tiny.TinyVAE):
    def __init__(self, params):
        super().__init__(params.base_width, params.latent_channels, 2)
        self.again = self.decoder

class Maker:
    def __call__(self, params, image_size, seed):
        return tiny.build(params, image_size, seed)

maker = Maker()
given = partial(partial(tiny.build))
tied = lambda params, image_size, seed: Tied(params)
"""


@pytest.mark.parametrize("name", ["given", "maker", "tied"])
def test_factories_of_every_kind_train(name, train, at, float32, model_params, monkeypatch):
    """Partial functions, objects that can be called and lambdas, and models with tied layers."""
    _write_images(at, seed=0)
    (at.root / "users_factories.py").write_text(FACTORIES)
    monkeypatch.syspath_prepend(at.root)
    monkeypatch.delitem(sys.modules, "users_factories", raising=False)
    users = model_params.model_copy(update={"factory": f"users_factories:{name}"})
    assert train(Workbench(float32), model=users)


ODD_MODELS = """
import torch
from torch import nn
from tonegap.model import tiny

class FiveAxes(tiny.TinyVAE):
    def __init__(self):
        super().__init__(4, 3, 2)
        self.shift = nn.Parameter(torch.zeros(1, 1, 3, 32, 32))
        self.register_buffer("fixed", torch.zeros(1, 1, 3, 32, 32))
    def encode(self, images):
        return super().encode(images + (self.shift + self.fixed)[:, 0])

class Scalar(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Linear(3 * 32 * 32, 2), nn.Linear(1, 3 * 32 * 32)
    def encode(self, images):
        return self.down(images.flatten(1)).unbind(dim=1)
    def decode(self, latent):
        return torch.tanh(self.up(latent[:, None])).reshape(-1, 3, 32, 32)

def five_axes(params, image_size, seed):
    return FiveAxes()

def scalar(params, image_size, seed):
    return Scalar()

from_text = eval("lambda params, image_size, seed: Scalar()")
"""


@pytest.fixture
def odd_models(at, monkeypatch):
    """Put odd but legal models on the path, within an archive."""
    with zipfile.ZipFile(at.root / "users.zip", "w") as archive:
        archive.writestr("users_odd_models.py", ODD_MODELS)
    monkeypatch.syspath_prepend(at.root / "users.zip")
    yield "users_odd_models"
    sys.modules.pop("users_odd_models", None)


@pytest.mark.parametrize("name", ["five_axes", "scalar", "from_text"])
@pytest.mark.parametrize("autocast", [None, torch.bfloat16])
def test_odd_but_legal_models_train(name, autocast, train, at, model_params, odd_models):
    """Parameters of five axes, one latent number per image, code that has no file of its own."""
    _write_images(at, seed=0)
    users = model_params.model_copy(update={"factory": f"{odd_models}:{name}"})
    bench = Workbench(Arithmetic(torch.device("cpu"), autocast))
    assert train(bench, model=users) == train(bench, model=users)


def test_the_file_of_a_factory_is_what_python_read(at, odd_models):
    """Its own file, the archive that has it, or none where there is no file."""
    module = importlib.import_module(odd_models)
    assert source_of(tiny.build) == [Path(tiny.__file__)]
    assert source_of(module.scalar) == [at.root / "users.zip"]
    assert source_of(module.from_text) == []
    assert source_of(len) == []


def _raise(error, *args, **kwargs):
    raise error


def test_a_cache_that_takes_no_times_costs_no_model(train, at, float32, monkeypatch, capsys):
    """When all is trained, a full or read-only cache is a warning, not a failed stage."""
    _write_images(at, seed=0)
    expected = train(Workbench(float32))
    monkeypatch.setattr(stage, "write_json", partial(_raise, OSError(28, "No space left")))
    at.weights.unlink()
    assert train(Workbench(float32)) == expected
    assert "times could not be kept" in capsys.readouterr().err


@pytest.fixture
def seed_of_run(at, repository, float32):
    """Give the seed with which the pipeline trains a model, by the parameters of its draw."""
    _write_images(at, seed=0)

    def seed_of(data_seed, mix="mixed"):
        data = {"data": {"seed": data_seed, "mix": mix, "image_size": SIZE}}
        write_params(repository, at.root, data | {"train": {"perceptual_scale": 0.0}})
        found = []
        bench = Workbench(float32)

        def stop(data, model, train, *_args, **_more):
            found.append(train.seed)
            raise InterruptedError

        bench.prepare = stop
        with pytest.raises(InterruptedError):
            run_stage("train", at, workbench=bench)
        return found[0]

    return seed_of


@pytest.mark.parametrize("data_seeds", [(0, 1), (1, 2), (0, 2**62)])
def test_runs_that_draw_other_images_start_from_other_weights(data_seeds, seed_of_run):
    seeds = [seed_of_run(data_seed) for data_seed in data_seeds]

    assert seeds[0] != seeds[1]
    assert seeds == [seed_of_run(data_seed) for data_seed in data_seeds]


def test_mixes_of_one_draw_start_from_the_same_weights(seed_of_run):
    seeds = {seed_of_run(3, mix=mix) for mix in ("light", "mixed", "dark")}

    assert len(seeds) == 1


def test_no_two_pairs_of_seeds_share_a_training():
    seeds = {stage.training_seed(train, data) for train in range(40) for data in range(40)}

    assert len(seeds) == 1_600
    assert all(0 <= seed < 2**32 for seed in seeds)
