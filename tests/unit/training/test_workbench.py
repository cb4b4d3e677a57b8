"""Models trained one after another equal models trained alone."""

from __future__ import annotations

import copy
import dataclasses
import json
import subprocess
import sys
import weakref

import pytest
import torch

from tonegap.errors import MachineError, TrainingError
from tonegap.training.precision import Arithmetic
from tonegap.training.workbench import Workbench

PROBLEM = "tonegap.training.workbench.compiler_problem"


def _train(bench, data, model_params, train, features):
    job = bench.prepare(data, model_params, train, features, data_key="images")
    for _ in job.loop.epochs(job.run, train.epochs):
        pass
    return {name: value.clone() for name, value in job.run.network.state_dict().items()}


@pytest.mark.parametrize("cache", ["on", "off"])
def test_the_second_model_of_a_process(data, model_params, train_params, features, cache):
    """Nothing of the first model leaks into the second: equal bit for bit to one trained alone."""
    float32 = Arithmetic(torch.device("cpu"), None)
    train = [train_params(seed=seed, epochs=1, cache_features=cache) for seed in (0, 1)]
    shared = Workbench(float32)
    placed = shared.features("key", lambda: features)
    _train(shared, data, model_params, train[0], placed)
    other = dataclasses.replace(data, rows=data.rows[::-1].copy(), ids=data.ids[::-1])
    second = _train(shared, other, model_params, train[1], placed)
    fresh = Workbench(float32)
    alone = _train(fresh, other, model_params, train[1], fresh.features("key", lambda: features))
    assert all(torch.equal(second[name], alone[name]) for name in alone)


@pytest.mark.parametrize(("norm", "same"), [("mean_square", True), ("none", False)])
def test_normalised_taps_train_alike_at_any_scale(
    data, model_params, train_params, features, float32, norm, same
):
    """Features four times as large give the same weights if taps are normalised, else others."""
    train = train_params(epochs=1, perceptual_norm=norm)
    larger = copy.deepcopy(features)  # without biases: all taps follow the first convolution
    larger.convolutions()[0].weight.mul_(4.0)
    one, other = (
        _train(Workbench(float32), data, model_params, train, network)
        for network in (features, larger)
    )
    assert all(torch.allclose(one[name], other[name]) for name in one) is same


def test_taps_without_signal_cannot_be_normalised(
    data, model_params, train_params, features, float32
):
    """The error names the tap and the parameter, before a loss that is not finite."""
    silent = copy.deepcopy(features)
    silent.convolutions()[1].weight.zero_()
    train = train_params(epochs=1, perceptual_norm="mean_square")
    with pytest.raises(
        TrainingError, match=r"perceptual_norm is mean_square, but tap 2 of"
    ) as caught:
        Workbench(float32).prepare(data, model_params, train, silent)
    assert "\n" not in str(caught.value)


def test_what_is_shared_is_made_once(float32, features):
    """Equal keys give the same object; another key replaces it."""
    bench, made = Workbench(float32), []

    def make():
        made.append(1)
        return features

    assert bench.features("a", make) is bench.features("a", make)
    bench.features("b", make)
    assert len(made) == 2


def test_what_is_replaced_is_freed_before_the_next_is_made(float32, features):
    """A GPU needs room for one set of images or features, not for two."""
    bench = Workbench(float32)
    first = weakref.ref(bench._keep("feed", "a", lambda: torch.zeros(1)))
    assert bench._keep("feed", "b", lambda: first() is None)


@pytest.fixture
def working_compiler(monkeypatch):
    """Spare the trial of torch.compile, which takes seconds."""
    monkeypatch.setattr(PROBLEM, lambda device: None)


# PyTorch 2.11 warns of itself while it loads its compiler.
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
@pytest.mark.usefixtures("working_compiler")
def test_compiling_is_left_off_on_cpus(data, model_params, train_params, float32):
    """Auto compiles on CUDA only, and a user's on is obeyed."""
    bench = Workbench(float32, expected_runs=10**6)
    changes = {"perceptual_scale": 0.0}
    assert not bench.prepare(data, model_params, train_params(**changes), None).compiled
    wanted = train_params(compile="on", **changes)
    assert bench.prepare(data, model_params, wanted, None).compiled


def test_without_a_compiler_on_is_refused_before_training(
    data, model_params, train_params, float32, monkeypatch
):
    """The message names the parameter, the cause and what to do, on one line."""
    monkeypatch.setattr(PROBLEM, lambda device: "No working C++ compiler found")
    train = train_params(compile="on", perceptual_scale=0.0)
    with pytest.raises(MachineError, match=r"train\.compile is on.*No working.*off") as caught:
        Workbench(float32).prepare(data, model_params, train, None)
    assert "\n" not in str(caught.value)


def test_without_a_compiler_auto_goes_on_and_says_so(data, train_params, monkeypatch):
    """A long run on a GPU trains uncompiled, tries the compiler once, and warns each model."""
    tried = []
    monkeypatch.setattr(PROBLEM, lambda device: tried.append(device) or "no Triton here")
    bench = Workbench(Arithmetic(torch.device("cuda"), None), expected_runs=10**6)
    for _ in range(2):
        compiled, remark = bench._compiling(data, train_params())
        assert not compiled
        assert "no Triton here" in remark
    assert len(tried) == 1


COMPILE_MANY = """
import json
import torch
import numpy as np
from pathlib import Path
from tonegap.files.parameters import read_params
from tonegap.training import precision, workbench
from tonegap.training.loop import TrainingData
import sys
torch.set_num_threads(1)
CPU = torch.device("cpu")
problem = precision.compiler_problem(CPU)
real, variants = torch.compile, []
torch._dynamo.config.recompile_limit = 2  # eight is the default, and takes four times as long

def count(graph, _):
    variants.append(graph)
    return graph.forward

torch.compile = lambda function, **kwargs: real(function, backend=count, **kwargs)
workbench.compiler_problem = lambda device: None
params = read_params(Path(sys.argv[1]))
train = params.train.model_copy(
    update={"batch_size": 2, "compile": "on", "perceptual_scale": 0.0, "epochs": 1})
data = TrainingData(np.zeros((2, 8, 8, 3), np.uint8), np.arange(2), ["a", "b"])
bench = workbench.Workbench(precision.Arithmetic(CPU, None))
for width in (2, 4, 6, 8):
    sizes = {"factory": "tonegap.model.tiny:build", "base_width": width, "block_widths": (1,)}
    job = bench.prepare(data, params.model.model_copy(update=sizes), train, None)
    list(job.loop.epochs(job.run, 1))
print(json.dumps({"problem": problem, "variants": len(variants)}))
"""


@pytest.fixture(scope="module")
def compiled_without_a_compiler(repository, tmp_path_factory):
    """Compile in a process of its own: the run-time type checks of tests cannot be compiled."""
    environment = {
        "PATH": "",
        "CXX": "no-such-compiler",
        "HOME": str(tmp_path_factory.mktemp("home")),
        "TORCHINDUCTOR_CACHE_DIR": str(tmp_path_factory.mktemp("inductor")),
    }
    command = [sys.executable, "-c", COMPILE_MANY, str(repository / "params.yaml")]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, env=environment
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_a_missing_compiler_is_noticed(compiled_without_a_compiler):
    """Trying finds on one line what is missing, whatever PyTorch calls the error."""
    assert "no-such-compiler" in compiled_without_a_compiler["problem"]
    assert "\n" not in compiled_without_a_compiler["problem"]


@pytest.mark.slow
def test_every_model_of_a_process_is_compiled(compiled_without_a_compiler):
    """Four sizes of network are four variants; PyTorch alone would give up after two."""
    assert compiled_without_a_compiler["variants"] == 4


def test_features_are_kept_where_the_run_is_long_enough(
    data, model_params, train_params, features, float32
):
    """14 images to keep against 10 draws an epoch: not for one epoch, but for two."""
    bench = Workbench(float32)

    def choose(epochs):
        train = train_params(epochs=epochs)
        return bench.prepare(data, model_params, train, features).cached

    assert (choose(1), choose(2)) == (False, True)
