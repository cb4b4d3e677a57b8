"""Engine ``inprocess`` around its cells; tests/pipeline/test_study_inprocess.py runs it whole."""

from __future__ import annotations

import contextlib

import pytest

from tonegap.study import inprocess
from tonegap.study.inprocess import InProcessEngine


@pytest.fixture
def engine(toy, monkeypatch) -> InProcessEngine:
    """Give an engine whose cells need no clone."""
    monkeypatch.setattr(inprocess, "_require_own_code", lambda root: None)
    monkeypatch.setattr(inprocess, "fetch_experiment", lambda clone, ref, root: None)
    monkeypatch.setattr(
        inprocess, "working_copy", lambda root, *_: contextlib.nullcontext(toy.root)
    )
    return InProcessEngine(toy.root, toy.study(), lambda cell: None)


@pytest.mark.parametrize("code", [0, 2, "no data"])
def test_a_model_that_ends_the_process_ends_its_cell_alone(engine, monkeypatch, code):
    """What is a failed run in a process of its own is one here; the cells after it are done."""
    first, *others = engine.study.cells

    def run_cell(cell, _at):
        if cell is first:
            raise SystemExit(code)

    monkeypatch.setattr(engine, "_run_cell", run_cell)
    failed, *done = engine.run(engine.study.cells)
    assert failed.reason.startswith(f"the model's code called sys.exit({code!r}) (log: ")
    assert [(outcome.cell, outcome.reason) for outcome in done] == [(cell, "") for cell in others]


def test_an_interrupt_ends_the_study(engine, monkeypatch):
    """Nobody who asks for an end gets the next cell."""

    def run_cell(cell, _at):
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "_run_cell", run_cell)
    with pytest.raises(KeyboardInterrupt):
        list(engine.run(engine.study.cells))
