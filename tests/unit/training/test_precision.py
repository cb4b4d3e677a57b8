"""Device and number format are chosen once, and global switches are put back."""

from __future__ import annotations

import contextlib
import copy

import pytest
import torch
from torch import nn

from tonegap.errors import MachineError
from tonegap.training.precision import (
    Arithmetic,
    choose_arithmetic,
    describe_device,
    numerics,
    room_bytes,
)

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("capabilities", "format_"),
    [
        ({"avx2": True, "amx_bf16": False, "avx512_bf16": False}, None),
        ({}, None),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": True}, torch.bfloat16),
    ],
)
def test_cpus_compute_in_bfloat16_only_where_it_is_native(monkeypatch, capabilities, format_):
    """Auto takes float32 on a CPU that would emulate bfloat16."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert choose_arithmetic("cpu", "auto") == Arithmetic(CPU, format_)


def test_bfloat16_is_had_on_a_cpu_when_asked_for():
    """The half-precision path can be tested without a GPU."""
    chosen = choose_arithmetic("cpu", "bfloat16")
    assert (chosen.autocast, chosen.name, chosen.scaled) == (torch.bfloat16, "bfloat16", False)


def test_float16_on_a_cpu_is_refused():
    """The message names the parameter and a value that works."""
    with pytest.raises(MachineError, match=r"train\.precision is float16.*auto"):
        choose_arithmetic("cpu", "float16")


def test_float16_is_scaled():
    """Only float16 needs loss scaling."""
    assert Arithmetic(torch.device("cuda"), torch.float16).scaled


def test_an_absent_device_is_named():
    """A GPU that is not there is an error, not a fall-back."""
    with pytest.raises(MachineError, match="cuda:63"):
        choose_arithmetic("cuda:63", "auto")


def test_placing_lays_maps_out_as_pytorch_does():
    """Four axes get the layout of `Module.to`, stride by stride; five axes stay as they are."""
    layers = [nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1), nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)]
    layers[0].register_buffer("mask", torch.ones(1, 4, 8, 8))
    expected = nn.Sequential(*copy.deepcopy(layers)).to(memory_format=torch.channels_last)
    placed = Arithmetic(CPU, None).place(nn.Sequential(*layers, nn.Conv3d(3, 4, 3)))
    found = placed.state_dict()
    for name, value in expected.state_dict().items():
        assert found[name].stride() == value.stride()
        assert torch.equal(found[name], value)
    assert found["4.weight"].is_contiguous()


@pytest.mark.parametrize("deterministic", [True, False])
def test_switches_are_set_and_put_back(deterministic):
    """A run leaves PyTorch's switches as they were, also when it fails."""
    before = (torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark)
    with contextlib.suppress(RuntimeError), numerics(deterministic=deterministic):
        assert torch.are_deterministic_algorithms_enabled() is deterministic
        assert torch.backends.cudnn.benchmark is not deterministic
        raise RuntimeError
    after = (torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark)
    assert after == before


def test_models_can_use_cudnn_flags_in_a_run():
    """PyTorch's older and newer switches of TF32 agree: off in a run, as they were after it."""

    def switches():
        cudnn = torch.backends.cudnn
        return cudnn.allow_tf32, cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision

    before = switches()
    with numerics(deterministic=True):
        assert switches() == (False, "ieee", "ieee")
        with torch.backends.cudnn.flags(enabled=False):
            pass
    assert switches() == before


def test_room_is_bounded():
    """What a run may take of the memory does not depend on what is free now."""
    assert room_bytes(CPU) == 2 * 2**30


def test_the_device_is_described_with_what_changes_last_bits():
    """Another number of threads is another machine."""
    threads = torch.get_num_threads()
    words = "1 thread" if threads == 1 else f"{threads} threads"
    assert describe_device(CPU).endswith(f", {words}")


def test_a_model_that_is_assessed_may_do_what_has_no_deterministic_form():
    """Training refuses such an operation, assessment warns of it: neither goes on in silence."""

    def write():
        return torch.zeros(3).put_(torch.tensor([0]), torch.tensor([1.0]))

    with numerics(deterministic=True), pytest.raises(RuntimeError, match="deterministic"):
        write()
    with (
        numerics(deterministic=True, strict=False),
        pytest.warns(UserWarning, match="does not have a deterministic"),
    ):
        write()


def test_compiled_kernels_are_not_chosen_by_timing_where_runs_must_be_equal():
    """torch.compile may else take other kernels, of another rounding, after a restart."""
    from torch._inductor import config  # noqa: PLC0415 - loads slowly

    with numerics(deterministic=True):
        assert config.deterministic
    assert not config.deterministic


def test_float64_computes_everything_in_float64():
    """Weights and the name say so; nothing is autocast or scaled."""
    chosen = choose_arithmetic("cpu", "float64")
    placed = chosen.place(nn.Conv2d(3, 4, 3))
    assert {value.dtype for value in placed.parameters()} == {torch.float64}
    assert (chosen.name, chosen.autocast, chosen.scaled) == ("float64", None, False)


def test_float64_on_an_apple_gpu_is_refused(monkeypatch):
    """The message names the parameter and two ways out."""
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    with pytest.raises(MachineError, match=r"train\.precision is float64.*cpu.*float32"):
        choose_arithmetic("mps", "float64")
