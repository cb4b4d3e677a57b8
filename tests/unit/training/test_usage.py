"""What an epoch took is measured, or left out where nobody can say."""

from __future__ import annotations

import pytest
import torch

from tonegap.training.usage import EpochUsage, Meter, gpu_percent, peak_bytes, peak_reserved_bytes

CPU, CUDA = torch.device("cpu"), torch.device("cuda:1")


def _raise(error):
    def ask(device):
        raise error

    return ask


def test_images_per_second_are_of_the_epoch_alone():
    """Time between two epochs, say for a checkpoint, is not counted."""
    times = iter([0.0, 10.0, 12.0, 50.0, 54.0])
    meter = Meter(CPU, clock=lambda: next(times))
    found = []
    for epoch in (0, 1):
        meter.start()
        found.append(meter.stop(epoch, images=8))
    assert found == [EpochUsage(0, 4.0, 0, None), EpochUsage(1, 2.0, 0, None)]


def test_the_gpu_that_trains_is_asked(monkeypatch):
    """Use and memory are those of the run's device, not of the first GPU."""
    asked = []
    monkeypatch.setattr(torch.cuda, "utilization", lambda device: asked.append(device) or 97)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: device.index * 10**9)
    times = iter([0.0, 0.0, 2.0])
    meter = Meter(CUDA, clock=lambda: next(times))
    meter.start()
    assert meter.stop(3, images=5) == EpochUsage(3, 2.5, 10**9, 97.0)
    assert asked == [CUDA]


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError("nvidia-ml-py does not seem to be installed"),
        RuntimeError("cuda driver can't be loaded, is cuda enabled?"),
        type("NVMLError_NotSupported", (Exception,), {})("Not Supported"),
    ],
    ids=["no package", "no driver", "part of a GPU"],
)
def test_a_driver_that_does_not_tell_stops_nothing(monkeypatch, error):
    """A run trains on even if the GPU's utilisation is not available."""
    monkeypatch.setattr(torch.cuda, "utilization", _raise(error))
    assert gpu_percent(CUDA) is None


def test_without_a_gpu_no_driver_is_asked(monkeypatch):
    """Training on the CPU never touches a GPU that is there for others."""
    for name in ("utilization", "max_memory_allocated"):
        monkeypatch.setattr(torch.cuda, name, _raise(AssertionError(name)))
    assert (gpu_percent(CPU), peak_bytes(CPU)) == (None, 0)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (EpochUsage(0, 12.34, 0, None), "12.3 images/s"),
        (EpochUsage(0, 500.0, 4_210_000_000, None), "500.0 images/s, 4.2 GB of GPU memory"),
        (
            EpochUsage(0, 500.0, 4_210_000_000, 97.0),
            "500.0 images/s, 4.2 GB of GPU memory, GPU 97 % busy",
        ),
    ],
)
def test_only_what_is_known_is_said(usage, expected):
    """Nothing is invented for a machine without a GPU or its driver's package."""
    assert str(usage) == expected


def test_memory_taken_from_the_driver_is_that_of_the_runs_device(monkeypatch):
    """What other processes have to do without is more than what tensors hold."""
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda device: device.index + 41)
    assert (peak_reserved_bytes(CUDA), peak_reserved_bytes(CPU)) == (42, 0)
