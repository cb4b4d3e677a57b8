"""The device and number format of training, and their consequences.

TF32 is never used: ``float32`` means IEEE single precision on every device, so that it
can serve as the reference for the faster formats.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import torch
from torch import nn

from tonegap.errors import MachineError

Precision = Literal["auto", "float64", "float32", "bfloat16", "float16"]
Placed = TypeVar("Placed", bound=nn.Module)

_GIB = 2**30
_MAP_AXES = 4  # batch, channels, height, width
_HOST_ROOM_BYTES = 2 * _GIB
_DEVICE_SHARE = 0.2  # of a GPU's memory, for images and the same for cached features
_DEVICE_ROOM_BYTES = 4 * _GIB  # at most, so that experiments can share a GPU


@dataclass(frozen=True)
class Arithmetic:
    """Device and number format of a run.

    Attributes
    ----------
    device : torch.device
        Where tensors live.
    autocast : torch.dtype or None
        Format of convolutions and products; None computes in ``dtype`` throughout.
    dtype : torch.dtype
        Format of weights, images, noise and losses: float32 or float64.
    """

    device: torch.device
    autocast: torch.dtype | None
    dtype: torch.dtype = torch.float32

    @property
    def scaled(self) -> bool:
        """True if gradients need loss scaling, because of float16's range."""
        return self.autocast == torch.float16

    @property
    def name(self) -> str:
        """Name as in ``train.precision``."""
        return str(self.autocast or self.dtype).removeprefix("torch.")

    def place(self, module: Placed) -> Placed:
        """Move a module to the device and format, in the fastest layout for convolutions."""
        module.to(self.device, self.dtype)
        for value in (*module.parameters(), *module.buffers()):
            # Module.to would try tensors of five axes too, which have no channels-last layout.
            if value.dim() == _MAP_AXES:
                value.data = value.data.to(memory_format=self.memory_format)
        return module

    @property
    def memory_format(self) -> torch.memory_format:
        """Layout of images and weights; MPS has no fast channels-last kernels."""
        return torch.contiguous_format if self.device.type == "mps" else torch.channels_last

    def context(self) -> AbstractContextManager[object]:
        """Return the autocast context of forward passes."""
        if self.autocast is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.autocast)


def choose_arithmetic(device: str, precision: Precision) -> Arithmetic:
    """Resolve ``auto``.

    Parameters
    ----------
    device
        ``auto`` takes CUDA, else MPS, else the CPU; or ``cpu``, ``mps``, ``cuda``, ``cuda:1``.
    precision
        ``auto`` takes bfloat16 on CUDA GPUs and on CPUs that compute in it, float16 on older
        GPUs, and float32 elsewhere: other CPUs emulate bfloat16 convolutions, up to 20 times
        slower.

    Raises
    ------
    MachineError
        If the device is not available, or cannot compute in the format.
    """
    chosen = _device(device)
    if precision == "auto":
        return Arithmetic(chosen, _automatic(chosen))
    if precision == "float16" and chosen.type == "cpu":
        raise MachineError(
            "train.precision is float16, but CPUs cannot train in it; use auto or float32"
        )
    if precision == "float64" and chosen.type == "mps":
        raise MachineError(
            "train.precision is float64, which Apple's GPUs do not compute in; set train.device to "
            "cpu, or train.precision to float32"
        )
    if precision in ("float64", "float32"):
        return Arithmetic(chosen, None, getattr(torch, precision))
    return Arithmetic(chosen, getattr(torch, precision))


def describe_device(device: torch.device) -> str:
    """Describe the hardware, as far as it changes the last bits of results."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return "mps"
    capability = torch.backends.cpu.get_cpu_capability()
    threads = torch.get_num_threads()
    return f"cpu {capability}, {threads} thread{'s' if threads > 1 else ''}"


def room_bytes(device: torch.device) -> int:
    """Return the memory that a run may use for images, and again for cached features, in bytes.

    It is a share of the total memory, not of the free memory: a run's decisions must not
    depend on other processes, or a resumed run could differ.
    """
    if device.type != "cuda":
        return _HOST_ROOM_BYTES
    total = torch.cuda.get_device_properties(device).total_memory
    return min(int(total * _DEVICE_SHARE), _DEVICE_ROOM_BYTES)


def compiler_problem(device: torch.device) -> str | None:
    """Try torch.compile on one number; return why it fails here, on one line, or None.

    The trial takes seconds, but is more reliable than looking for a compiler: torch.compile
    also depends on the versions of Python, Triton and the GPU.
    """
    try:
        torch.compile(_increment, dynamic=False)(torch.zeros(1, device=device))
    except (RuntimeError, OSError, ImportError) as error:  # PyTorch's own are RuntimeErrors
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return lines[0] if lines else type(error).__name__
    return None


@contextmanager
def numerics(*, deterministic: bool, strict: bool = True) -> Iterator[None]:
    """Set PyTorch's global switches for a run, and restore them.

    Deterministic: cuDNN uses only deterministic algorithms and does not time candidates, and
    torch.compile does not choose kernels by timing. Otherwise both time candidates, which is
    faster but may choose differently each time. An operation without a deterministic form
    raises a RuntimeError or, if not ``strict``, is used with a warning.
    """
    cudnn: Any = torch.backends.cudnn  # its members are made at run time
    filling: Any = torch.utils.deterministic
    cublas = torch.backends.cuda.matmul
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        cudnn.benchmark,
        cudnn.conv.fp32_precision,
        cudnn.rnn.fp32_precision,
        cublas.fp32_precision,
        filling.fill_uninitialized_memory,
        _cudnn_allows_tf32(),
    )
    # cuBLAS reads it when its first handle is made; without it, products raise.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    try:
        torch.use_deterministic_algorithms(deterministic, warn_only=not strict)
        # No code here reads memory before writing it, and filling it costs a pass over it.
        filling.fill_uninitialized_memory = False
        cudnn.benchmark = not deterministic
        # The older switch as well, and first, as it sets the others: PyTorch refuses to read it
        # while they differ, and torch.backends.cudnn.flags, which a model may use, reads it.
        cudnn.allow_tf32 = False
        cudnn.conv.fp32_precision = cudnn.rnn.fp32_precision = "ieee"
        cublas.fp32_precision = "ieee"
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        cudnn.benchmark = before[2]
        cudnn.allow_tf32 = before[7]
        cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision = before[3], before[4]
        cublas.fp32_precision = before[5]
        filling.fill_uninitialized_memory = before[6]


def _increment(x: torch.Tensor) -> torch.Tensor:
    return x + 1.0


def _cudnn_allows_tf32() -> bool:
    try:
        return bool(torch.backends.cudnn.allow_tf32)
    except RuntimeError:  # the newer switches differ from it, or from each other
        return False


def _device(name: str) -> torch.device:
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    device = torch.device(name)
    available = {"cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if device.type != "cpu" and available[device.type] <= (device.index or 0):
        raise MachineError(
            f"train.device is {name}, but PyTorch {torch.__version__} sees "
            f"{available[device.type]} such device(s) here; use auto, or install a build of "
            "PyTorch for your GPU"
        )
    if name == "cuda":
        return torch.device("cuda", torch.cuda.current_device())
    return device


def _automatic(device: torch.device) -> torch.dtype | None:
    if device.type == "cpu":
        return torch.bfloat16 if _cpu_has_bfloat16() else None
    if device.type != "cuda":
        return None
    native = torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if native else torch.float16


def _cpu_has_bfloat16() -> bool:
    """Return True if the CPU has bfloat16 matrix products (Intel AMX, AVX-512 BF16)."""
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
