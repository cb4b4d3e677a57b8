"""The machine in words."""

from __future__ import annotations

import numpy as np
import torch

from tonegap.pull_request import machine
from tonegap.pull_request.machine import describe_machine


def test_what_changes_the_last_digits_is_named(tmp_path, monkeypatch):
    """Processor, instruction sets, versions and threads stand in the sentence."""
    path = tmp_path / "cpuinfo"
    path.write_text(
        "processor\t: 0\nmodel name\t: Brand 3000 @ 2.00GHz\nflags\t\t: fpu avx fma avx2 avxx\n\n"
        "processor\t: 1\nmodel name\t: Other\nflags\t\t: avx512f\n"
    )
    monkeypatch.setattr(machine, "_CPUINFO", path)
    monkeypatch.setattr(machine.platform, "system", lambda: "Linux")
    words = describe_machine()
    assert words.startswith("Brand 3000 @ 2.00GHz; ")
    assert "of avx avx2 fma;" in words
    assert f"torch {torch.__version__}, numpy {np.__version__}; " in words
    assert f"{torch.get_num_threads()} thread" in words


def test_a_system_that_says_nothing_is_no_error(tmp_path, monkeypatch):
    """Without /proc/cpuinfo the kind of processor is named."""
    monkeypatch.setattr(machine, "_CPUINFO", tmp_path / "absent")
    monkeypatch.setattr(machine.platform, "system", lambda: "Plan 9")
    monkeypatch.setattr(machine.platform, "processor", lambda: "")
    monkeypatch.setattr(machine.platform, "machine", lambda: "mips")
    assert describe_machine().startswith("mips; PyTorch uses ")
