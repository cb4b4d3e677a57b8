from __future__ import annotations

import threading
import time

import pytest
from typer.testing import CliRunner

from tonegap.cli import study as command
from tonegap.errors import MachineError, ParameterError
from tonegap.study.files import read_study
from tonegap.study.outcome import Outcome
from tonegap.study.records import note_attempt, study_lock

NAMES = ["toy-light-s0", "toy-light-s1", "toy-dark-s0", "toy-dark-s1"]


def call(*arguments, code=0):
    result = CliRunner().invoke(command.app, arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code
    return result.output.splitlines()


@pytest.fixture(autouse=True)
def _at_the_root(toy, monkeypatch):
    """Commands work on the repository that is the current folder."""
    monkeypatch.chdir(toy.root)


@pytest.fixture
def tried(toy):
    """Give a study with a run that is done, one that failed and two that are missing."""
    commit = toy.save(toy.study().cells[0])
    note_attempt(toy.root, NAMES[1], alive=False, reason="disk full")
    return commit


@pytest.mark.parametrize("options", [(), ("--watch",)])
def test_status_is_a_table(tried, options):
    """A line per run with its commit or its reason, and the counts; watching ends by itself."""
    assert call("status", "toy", *options) == [
        f"toy-light-s0  done      {tried[:10]}",
        "toy-light-s1  failed    disk full",
        "toy-dark-s0   missing",
        "toy-dark-s1   missing",
        "1 done, 1 failed, 2 missing",
    ]


def test_watching_goes_on_while_the_study_runs(tried, toy, monkeypatch):
    """The last picture is of the study at its end, not of when the watching began."""
    monkeypatch.setattr(command, "_REFRESH_S", 0.05)
    held = threading.Event()

    def run_the_study():
        with study_lock(toy.root, "toy"):
            note_attempt(toy.root, NAMES[2], alive=True)
            held.set()
            time.sleep(0.5)
            note_attempt(toy.root, NAMES[2], alive=False, reason="loss is not finite")

    study = threading.Thread(target=run_the_study)
    study.start()
    held.wait(10)
    lines = call("status", "toy", "--watch")
    study.join()
    assert lines[-3] == "toy-dark-s0   failed    loss is not finite"


def test_run_says_what_failed_and_ends_with_one(tried, toy, monkeypatch):
    """Each outcome is a line; open runs are listed; the exit code says that some are open."""

    class Engine:
        def run(self, cells):
            for cell in cells:
                reason = "" if "dark" in cell.name else "it broke"
                if not reason:
                    toy.save(cell)
                note_attempt(toy.root, cell.name, alive=False, reason=reason)
                yield Outcome(cell, reason, 1.0)

    monkeypatch.setattr(command, "_engine", lambda *_: Engine())
    lines = call("run", "toy", code=1)
    assert lines == [
        "toy-light-s1 failed: it broke",
        "toy-dark-s0 done in 1 s",
        "toy-dark-s1 done in 1 s",
        "toy-light-s1  failed    it broke",
        "3 of 4 runs of toy are done",
    ]


def test_an_interrupted_run_says_how_to_go_on(tried, toy, monkeypatch):
    """Ctrl-C is no failure of a run: 130, as shells know it, and what to do."""

    class Engine:
        def run(self, cells):
            yield Outcome(cells[0], "", 1.0)
            raise KeyboardInterrupt

    monkeypatch.setattr(command, "_engine", lambda *_: Engine())
    lines = call("run", "toy", code=130)
    assert lines[-1] == "interrupted; `tonegap study run toy` runs the missing ones"


@pytest.mark.parametrize("engine", ["local", "inprocess"])
@pytest.mark.parametrize(
    "option", [("--hub", "x"), ("--scratch", "x"), ("--slurm", "time=1"), ("--cluster", "slurm")]
)
def test_options_of_slurm_belong_to_slurm(toy, engine, option):
    """An option that an engine would ignore is refused, with the engine that has it."""
    with pytest.raises(ParameterError, match="did you mean --engine slurm"):
        call("run", "toy", "--engine", engine, *option)


@pytest.mark.parametrize("option", [("--slurm", "partition"), ("--set", "data.seed")])
def test_an_option_without_a_value_is_refused(toy, option):
    """Both kinds of pairs have one form."""
    with pytest.raises(ParameterError, match="is not of the form key=value"):
        call("run", "toy", "--engine", "slurm", *option)


def finish_with_twin(toy, kind, done):
    """Finish all runs of the study, and the first ``done`` of a twin with the same cells."""
    study = (toy.root / "studies/toy.yaml").read_text(encoding="utf-8")
    toy.write(f"studies/toy_{kind}.yaml", study)
    toy.commit()
    for cell in (*toy.study().cells, *read_study(toy.root, f"toy_{kind}").cells[:done]):
        toy.save(cell)


@pytest.mark.parametrize(
    ("done", "partial", "joined"), [(4, False, 8), (2, False, 4), (2, True, 6)]
)
def test_collect_takes_the_twin_along(toy, monkeypatch, done, partial, joined):
    """Runs at equal distinct images join their study's where all, or on request some, are done."""
    finish_with_twin(toy, "equal", done)
    collected = []

    def collect_study(_root, _study, states, _retrained, *, partial):
        collected.extend(states)
        return [f"partial {partial}"]

    monkeypatch.setattr("tonegap.study.collect.collect_study", collect_study)
    first, *_ = call("collect", "toy", *(["--partial"] if partial else []))
    assert len(collected) == joined
    assert first.startswith(f"toy_equal: {done} of 4 runs are done")
    assert first.endswith("joined" if joined > 4 else "results that need them wait")


@pytest.mark.parametrize("done", [4, 2])
def test_collect_takes_second_trainings_along(toy, monkeypatch, done):
    """They are no runs of the study: their errors stand beside those of the first."""
    finish_with_twin(toy, "retrained", done)
    collected = []

    def collect_study(_root, _study, states, retrained, *, partial):
        collected.extend([states, retrained])
        return [f"partial {partial}"]

    monkeypatch.setattr("tonegap.study.collect.collect_study", collect_study)
    first, *_ = call("collect", "toy")
    assert [len(part) for part in collected] == [4, 4 if done == 4 else 0]
    assert first.startswith(f"toy_retrained: {done} of 4 runs are done")
    assert first.endswith("taken along" if done == 4 else "results that need them wait")


def test_a_study_within_a_larger_repository_gives_the_reason(toy, monkeypatch):
    """Git would find no run there, whatever has been done."""
    inner = toy.root / "inner"
    (inner / "studies").mkdir(parents=True)
    for name in ("studies/toy.yaml", "params.yaml"):
        (inner / name).write_bytes((toy.root / name).read_bytes())
    (inner / "dvc.yaml").touch()
    monkeypatch.chdir(inner)
    for words in (("status", "toy"), ("run", "toy")):
        with pytest.raises(MachineError, match="inside the git repository"):
            call(*words)
