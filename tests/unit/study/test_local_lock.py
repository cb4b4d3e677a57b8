"""The local engine, when another process holds DVC's lock."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest

from tonegap.files.parameters import read_params
from tonegap.study import local
from tonegap.study.local import LocalEngine
from tonegap.study.plan import Cell

LOCKED = "ERROR: Unable to acquire lock. Most likely another DVC process is running"
CELL = Cell("tiny-mixed-s0", {}, read_params(Path(__file__).parents[3] / "params.yaml"))
SCRIPT = """
import pathlib, sys
with open("attempts", "a") as file:
    file.write("x")
if len(pathlib.Path("attempts").read_text()) <= {failures}:
    sys.exit("{message}")
"""


@pytest.fixture
def outcome(monkeypatch, tmp_path):
    """Run one cell whose command fails so many times with a message."""
    monkeypatch.setattr(local, "_LOCK_PAUSE_S", 0.0)
    monkeypatch.setattr(local, "working_copy", lambda root, *_: contextlib.nullcontext(root))
    monkeypatch.setattr(local, "reset", lambda *_: None)
    monkeypatch.setattr(local, "fetch_experiment", lambda *_: None)
    monkeypatch.setattr(local, "head", lambda _: "0" * 40)

    def run(failures, message=LOCKED):
        script = SCRIPT.format(failures=failures, message=message)
        monkeypatch.setattr(local, "dvc_command", lambda *_: [sys.executable, "-c", script])
        engine = LocalEngine(tmp_path, "tiny", 1, base={}, devices=[], started=lambda _: None)
        (only,) = engine.run([CELL])
        return only.reason, len((tmp_path / "attempts").read_text(encoding="utf-8"))

    return run


def test_a_cell_that_met_the_lock_is_run_again(outcome):
    """Another experiment's start-up must not cost a cell."""
    assert outcome(failures=2) == ("", 3)


def test_a_lock_that_stays_is_a_reason(outcome, monkeypatch):
    """A lock nobody gives back ends the attempts, with DVC's own words."""
    monkeypatch.setattr(local, "_LOCK_ATTEMPTS", 3)
    reason, attempts = outcome(failures=9)
    assert "Unable to acquire lock" in reason
    assert attempts == 3


def test_another_failure_is_not_repeated(outcome):
    """What fails by itself would fail again, after as long a training."""
    reason, attempts = outcome(failures=9, message="tonegap: error: loss is not finite")
    assert reason.startswith("loss is not finite")
    assert attempts == 1
