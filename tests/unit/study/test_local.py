"""The pool of experiment processes, with small programs in the place of DVC."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time

import psutil
import pytest

from tonegap.errors import MachineError
from tonegap.study import local
from tonegap.study.local import LocalEngine
from tonegap.study.records import log_path, note_path


@pytest.fixture
def engine(toy, monkeypatch):
    """Make an engine whose experiments are a Python script; it finds its cell in sys.argv."""
    # Experiments work in the toy repository itself, which DVC does not know.
    monkeypatch.setattr(local, "working_copy", lambda root, *_: contextlib.nullcontext(root))
    monkeypatch.setattr(local, "reset", lambda *_: None)
    monkeypatch.setattr(local, "fetch_experiment", lambda *_: None)

    def make(script, jobs=2, devices=()):
        command = [sys.executable, "-c", f"import os, sys, time, pathlib\n{script}"]
        monkeypatch.setattr(local, "dvc_command", lambda *arguments: [*command, *arguments])
        return LocalEngine(toy.root, "toy", jobs, base={}, devices=devices, started=lambda _: None)

    return make


def test_every_cell_ends_with_its_own_outcome(engine, toy):
    """One failure is reported with the line that says most; the others succeed."""
    script = """if 'toy-dark-s0' in sys.argv:
    print('tonegap: error: loss is not finite'); sys.exit('ERROR: failed to reproduce')"""
    outcomes = {o.cell.name: o.reason for o in engine(script).run(toy.study().cells)}
    assert len(outcomes) == 4
    failed = outcomes.pop("toy-dark-s0")
    assert failed == "loss is not finite (log: .dvc/tmp/tonegap/toy-dark-s0.log)"
    assert set(outcomes.values()) == {""}
    assert "failed to reproduce" in log_path(toy.root, "toy-dark-s0").read_text()


def test_a_killed_process_says_by_what(engine, toy):
    """The system's out-of-memory killer leaves no words of its own."""
    script = "print('epoch 3', flush=True); os.kill(os.getpid(), 9)"
    (outcome,) = engine(script).run(toy.study().cells[:1])
    assert outcome.reason.startswith("killed by signal 9: epoch 3")


def test_no_more_at_once_than_asked(engine, toy):
    """Each experiment counts the others that run beside it."""
    script = """open(f'{os.getpid()}.on', 'w').close(); time.sleep(0.3)
count = len(list(pathlib.Path().glob('*.on'))); os.unlink(f'{os.getpid()}.on')
open('counts', 'a').write(f'{count} ')"""
    assert [o.reason for o in engine(script, jobs=2).run(toy.study().cells)] == [""] * 4
    assert max(map(int, (toy.root / "counts").read_text().split())) <= 2


def test_devices_and_threads_are_shared_out(engine, toy, monkeypatch):
    """Two at once on two devices: each sees one; the cores are divided."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    script = """time.sleep(0.3)
print(os.environ['CUDA_VISIBLE_DEVICES'], os.environ['OMP_NUM_THREADS'])"""
    cells = toy.study().cells[:2]
    list(engine(script, jobs=2, devices=["5", "6"]).run(cells))
    said = [log_path(toy.root, cell.name).read_text().split() for cell in cells]
    assert {device for device, _ in said} == {"5", "6"}
    assert {threads for _, threads in said} == {str(max(1, (os.cpu_count() or 1) // 2))}


def test_an_exception_is_told_rather_than_dvcs_last_line(engine, toy):
    """A model that raises: DVC's own line says only which stage failed."""
    script = """print('Traceback (most recent call last):'); print('  File "x.py", line 1')
print("ValueError: no such layer"); sys.exit("ERROR: failed to reproduce 'train'")"""
    (outcome,) = engine(script).run(toy.study().cells[:1])
    assert outcome.reason.startswith("ValueError: no such layer (log: ")


def test_an_experiment_that_cannot_be_brought_home_has_failed(engine, toy, monkeypatch):
    """Its process said that all went well; git here does not have it."""
    made = engine("pass")
    monkeypatch.undo()
    with pytest.raises(MachineError, match="git fetch"):
        local.fetch_experiment(toy.root, "refs/exps/aa/bb/none", toy.root)
    monkeypatch.setattr(local, "working_copy", lambda root, *_: contextlib.nullcontext(root))
    monkeypatch.setattr(local, "dvc_command", lambda *_: ["true"])
    (outcome,) = made.run(toy.study().cells[:1])
    assert "git fetch" in outcome.reason


def test_a_second_interrupt_does_not_wait(engine, toy, monkeypatch):
    """An experiment that takes no notice of a request to end is killed, and no new one begins."""
    script = """import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('ready', flush=True); time.sleep(600)"""
    outcomes = engine(script, jobs=1).run(toy.study().cells)
    log = log_path(toy.root, "toy-light-s0")

    def interrupt_when_ready(*_, **__):
        while not log.is_file() or "ready" not in log.read_text():
            time.sleep(0.02)
        raise KeyboardInterrupt

    monkeypatch.setattr(local, "wait", interrupt_when_ready)
    monkeypatch.setattr(local.psutil, "wait_procs", interrupt_when_ready)
    with pytest.raises(KeyboardInterrupt):
        next(outcomes)
    note = json.loads(note_path(toy.root, "toy-light-s0").read_text())
    assert note == {"alive": False, "reason": "it was interrupted"}
    assert not note_path(toy.root, "toy-light-s1").exists()


def test_leaving_stops_all_that_runs(engine, toy):
    """Experiments end with everything that they started, and no new one begins."""
    script = """import subprocess
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
open(f'pid-{child.pid}', 'w').close()
if 'toy-light-s0' not in sys.argv: time.sleep(600)
while len(list(pathlib.Path().glob('pid-*'))) < 2: time.sleep(0.05)
child.kill()"""
    outcomes = engine(script).run(toy.study().cells)
    assert next(outcomes).cell.name == "toy-light-s0"
    outcomes.close()
    pids = [int(path.name.removeprefix("pid-")) for path in toy.root.glob("pid-*")]
    deadline = time.monotonic() + 10
    while any(map(psutil.pid_exists, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(psutil.pid_exists, pids))
    assert not note_path(toy.root, "toy-dark-s1").exists()
