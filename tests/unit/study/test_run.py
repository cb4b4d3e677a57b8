from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tonegap.errors import StudyError
from tonegap.study.outcome import Outcome
from tonegap.study.records import copies_folder, study_lock
from tonegap.study.run import leftovers, run_study, visible_gpus


class FakeEngine:
    """Saves what it is told to, and keeps the names of each batch."""

    def __init__(self, toy, failing=(), before=lambda: None) -> None:
        self.toy, self.failing, self.before = toy, failing, before
        self.batches: list[list[str]] = []

    def run(self, cells):
        self.batches.append([cell.name for cell in cells])
        for cell in cells:
            self.before()
            if cell.name in self.failing:
                yield Outcome(cell, "it broke", 0.0)
            else:
                self.toy.save(cell)
                yield Outcome(cell, "", 0.0)


class Liar:
    """Says that everything went well, and does nothing."""

    def run(self, cells):
        for cell in cells:
            yield Outcome(cell, "", 0.0)


def ignore(_outcome):
    """Take an outcome and do nothing."""


def test_the_first_cell_goes_alone(toy):
    """It makes the images that all share; the others follow together."""
    engine = FakeEngine(toy)
    states = run_study(toy.root, toy.study(), engine, ignore)
    assert engine.batches == [["toy-light-s0"], ["toy-light-s1", "toy-dark-s0", "toy-dark-s1"]]
    assert [state.status for state in states] == ["done"] * 4


def test_only_the_missing_run(toy):
    """Whatever made a cell done, it is not run again; with one done nothing goes alone."""
    cells = toy.study().cells
    toy.save(cells[1])
    engine = FakeEngine(toy)
    run_study(toy.root, toy.study(), engine, ignore)
    assert engine.batches == [[cells[0].name, cells[2].name, cells[3].name]]
    run_study(toy.root, toy.study(), engine, ignore)
    assert len(engine.batches) == 1


def test_copies_of_a_killed_run_go_even_if_this_one_needs_fewer(toy):
    """The killed run had two at once, and one cell is missing."""
    copies = copies_folder(toy.root, toy.study().name)
    (copies / "1").mkdir(parents=True)
    run_study(toy.root, toy.study(), FakeEngine(toy), ignore)
    assert not copies.exists()


def test_a_failing_cell_stops_no_other(toy):
    """Outcomes come one by one, the failed with its reason."""
    seen = []
    states = run_study(
        toy.root, toy.study(), FakeEngine(toy, failing=["toy-light-s0"]), seen.append
    )
    assert [outcome.reason for outcome in seen] == ["it broke", "", "", ""]
    assert [state.status for state in states] == ["missing", "done", "done", "done"]


def test_an_engine_is_not_believed(toy):
    """The state afterwards is git's: a success without an experiment is none."""
    states = run_study(toy.root, toy.study(), Liar(), ignore)
    assert {state.status for state in states} == {"missing"}


def test_an_outdated_experiment_is_set_aside(toy):
    """DVC would refuse a second of the name; the first stays under another."""
    cell = toy.study().cells[0]
    old = toy.save(cell, train__epochs=99)
    states = run_study(toy.root, toy.study(), FakeEngine(toy), ignore)
    assert states[0].status == "done"
    assert f"{cell.name}-replaced-{old[:7]}" in toy.experiments()


@pytest.mark.parametrize(
    "path", ["src/tonegap/stages/train.py", "dvc.yaml", "data.dvc", "params.yaml"]
)
def test_uncommitted_inputs_are_refused(toy, path):
    """Results name a commit: what no commit holds must not make them."""
    toy.write(path, (toy.root / path).read_text() + "# edited\n")
    with pytest.raises(StudyError, match=f"{path} is not committed"):
        run_study(toy.root, toy.study(), FakeEngine(toy), ignore)


def test_a_study_runs_once_at_a_time(toy):
    """Two processes on one study would do the same cells."""
    with study_lock(toy.root, "toy"), pytest.raises(StudyError, match="another process runs"):
        run_study(toy.root, toy.study(), FakeEngine(toy), ignore)


def test_a_commit_in_the_meantime_changes_no_verdict(toy):
    """Cells are judged by the code that they ran, not by what is checked out afterwards."""

    def edit():
        toy.write("src/tonegap/stages/train.py", "two = 2\n")
        toy.commit()

    cell = toy.study().cells[0]
    engine = FakeEngine(toy)

    def run(cells):
        for _ in engine.__class__.run(engine, cells):
            pass
        edit()
        yield Outcome(cells[-1], "", 0.0)

    toy.write("studies/toy.yaml", '{"grid": {"data.mix": ["light"], "data.seed": [0]}}')
    states = run_study(toy.root, toy.study(), SimpleNamespace(run=run), ignore)
    assert [(state.cell.name, state.status) for state in states] == [(cell.name, "done")]


def test_an_engine_is_stopped_when_nobody_listens(toy):
    """As under `tonegap study run NAME | head -1`: it must not go on behind a dead command."""
    stopped = []

    def run(cells):
        try:
            for cell in cells:
                yield Outcome(cell, "", 0.0)
        finally:
            stopped.append(True)

    def broken(_outcome):
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError) as kept:
        run_study(toy.root, toy.study(), SimpleNamespace(run=run), broken)
    assert kept.value.__traceback__  # which would keep the engine's generator alive
    assert stopped == [True]


def test_a_request_to_terminate_interrupts(toy):
    """SIGTERM ends the run as Ctrl-C does; afterwards it means what it meant before."""
    before = signal.getsignal(signal.SIGTERM)
    engine = FakeEngine(toy, before=lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(KeyboardInterrupt):
        run_study(toy.root, toy.study(), engine, ignore)
    assert signal.getsignal(signal.SIGTERM) is before
    with study_lock(toy.root, "toy"):
        pass


def test_copies_in_use_are_no_leftovers(toy):
    """A copy in which a process works stays; the one of a killed process goes."""
    folder = toy.root / ".dvc/tmp/exps/standalone"
    for name in ("busy", "left"):
        (folder / name / "inner").mkdir(parents=True)
    command = [sys.executable, "-c", "print('here', flush=True); import time; time.sleep(60)"]
    process = subprocess.Popen(command, cwd=folder / "busy/inner", stdout=subprocess.PIPE)
    with process:
        process.stdout.readline()
        assert leftovers(toy.root) == [folder / "left"]
        process.kill()
    assert leftovers(toy.root) == [folder / "busy", folder / "left"]


def test_no_copies_no_leftovers(tmp_path):
    """A repository in which no experiment ran has none."""
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("value", "devices"), [("", []), ("3", ["3"]), ("0,GPU-a", ["0", "GPU-a"])]
)
def test_the_environment_says_which_gpus_to_share(monkeypatch, value, devices):
    """Devices that the user chose are the only ones."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert visible_gpus() == devices


@pytest.mark.parametrize(("script", "devices"), [("echo 0; echo 1", ["0", "1"]), ("exit 9", [])])
def test_the_driver_lists_gpus(monkeypatch, tmp_path, script, devices):
    """Without a choice all devices count; a driver that fails has none."""
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_gpus() == devices
    tool.unlink()
    assert visible_gpus() == []
