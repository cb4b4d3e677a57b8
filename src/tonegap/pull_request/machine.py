"""The machine that computed the numbers: what changes their last digits, in words."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

_CPUINFO = Path("/proc/cpuinfo")
_MODEL = ("model name", "Hardware", "cpu model")
_FLAGS = ("flags", "Features")
_SETS = (
    *("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16"),
    *("amx_bf16", "asimd", "bf16", "sve", "sve2"),
)


def describe_machine() -> str:
    """Describe processor, instruction sets, libraries and threads, in one sentence.

    The threads are those of this process; the stages are started with the same settings.
    """
    used = torch.backends.cpu.get_cpu_capability()
    offered = " ".join(_instruction_sets())
    threads = torch.get_num_threads()
    return (
        f"{_processor()}; PyTorch uses {used}{f' of {offered}' if offered else ''}; "
        f"torch {torch.__version__}, numpy {np.__version__}; "
        f"{threads} thread{'s' if threads > 1 else ''}{''.join(_accelerators())}"
    )


def _processor() -> str:
    """Return the processor's name; its kind, such as ``arm64``, where the system gives no name."""
    if platform.system() == "Darwin":
        asked = subprocess.run(
            ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"],
            capture_output=True,
            text=True,
            check=False,
        )
        return asked.stdout.strip() or platform.machine()
    return _of_the_first_core(_MODEL) or platform.processor() or platform.machine()


def _instruction_sets() -> list[str]:
    """Return the instruction sets that change how sums are rounded, if the system lists them."""
    offered = _of_the_first_core(_FLAGS).split()
    return [name for name in _SETS if name in offered]


def _of_the_first_core(keys: tuple[str, ...]) -> str:
    """Return the first of several entries of Linux's /proc/cpuinfo; empty if there is none."""
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    entries = (line.partition(":") for line in lines)
    return next((value.strip() for key, _, value in entries if key.strip() in keys), "")


def _accelerators() -> Iterator[str]:
    if torch.cuda.is_available():
        yield f"; {torch.cuda.get_device_name()}"
    if torch.backends.mps.is_available():
        yield "; Apple GPU (mps)"
