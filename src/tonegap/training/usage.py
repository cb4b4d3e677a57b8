"""The resources that training uses: time per epoch, GPU memory, and GPU utilisation.

None of these are results: they differ from run to run, and no file that git tracks holds them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

_GIGA = 1e9


@dataclass(frozen=True)
class EpochUsage:
    """Resources used by one epoch.

    Attributes
    ----------
    epoch : int
        From 0.
    images_per_s : float
        Images of the epoch over its wall time, including any compilation.
    peak_device_bytes : int
        Largest GPU memory held by tensors in the run so far; 0 without a GPU.
    gpu_percent : float or None
        Share of the epoch's last second (on some GPUs sixth of a second) in which the GPU
        was computing, in [0, 100], including other processes. None if not available.
    """

    epoch: int
    images_per_s: float
    peak_device_bytes: int
    gpu_percent: float | None

    def __str__(self) -> str:
        """Describe the known values in a few words."""
        parts = [f"{self.images_per_s:.1f} images/s"]
        if self.peak_device_bytes:
            parts.append(f"{self.peak_device_bytes / _GIGA:.1f} GB of GPU memory")
        if self.gpu_percent is not None:
            parts.append(f"GPU {self.gpu_percent:.0f} % busy")
        return ", ".join(parts)


class Meter:
    """Measures one epoch after another.

    Parameters
    ----------
    device
        Where the model trains.
    clock
        Function that returns seconds.
    """

    def __init__(
        self, device: torch.device, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._device = device
        self._clock = clock
        self._started = clock()

    def start(self) -> None:
        """Begin an epoch; the time between two epochs is not counted."""
        self._started = self._clock()

    def stop(self, epoch: int, images: int) -> EpochUsage:
        """End the epoch, once its last step is known to be done."""
        seconds = self._clock() - self._started
        return EpochUsage(
            epoch, images / seconds, peak_bytes(self._device), gpu_percent(self._device)
        )


def gpu_percent(device: torch.device) -> float | None:
    """Ask the driver for the utilisation of a GPU, in [0, 100].

    Return None on other devices, without the package nvidia-ml-py, and if the driver does not
    report it, as on a part of a GPU (MIG).
    """
    if device.type != "cuda":
        return None
    try:
        return float(torch.cuda.utilization(device))
    except Exception:  # noqa: BLE001 - the errors' classes live in a package that may be absent
        return None


def reset_peak(device: torch.device) -> None:
    """Reset the record of the largest GPU memory."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_bytes(device: torch.device) -> int:
    """Return the largest GPU memory held by tensors since :func:`reset_peak`, bytes; else 0."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0


def peak_reserved_bytes(device: torch.device) -> int:
    """Return the largest GPU memory reserved since :func:`reset_peak`, bytes; else 0.

    Freed memory stays reserved for the next step, so other processes cannot use it.
    """
    return torch.cuda.max_memory_reserved(device) if device.type == "cuda" else 0


def peak_process_bytes() -> int:
    """Return the largest main memory that this process has held since its start, bytes.

    Return 0 if the system does not report it, as on Windows.
    """
    try:
        import resource  # noqa: PLC0415  Unix alone has it
    except ModuleNotFoundError:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
