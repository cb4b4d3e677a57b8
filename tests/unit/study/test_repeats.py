"""Finished runs that repeat few images are warned of in the study's status."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tonegap.study import repeats
from tonegap.study.repeats import repetitive_runs
from tonegap.study.state import CellState


@pytest.fixture
def runs(toy, monkeypatch):
    """Give finished runs of a study with the training sizes that each evaluation notes."""
    cells = toy.study().cells
    documents: dict[str, str] = {}
    monkeypatch.setattr(repeats, "file_at", lambda _root, commit, _path: documents.get(commit))

    def finished(*sizes: str) -> list[CellState]:
        states = []
        for number, (cell, text) in enumerate(zip(cells, sizes, strict=False)):
            documents[f"c{number}"] = text
            states.append(CellState(cell, "done", f"c{number}", ""))
        return states

    return SimpleNamespace(finished=finished, root=toy.root, cells=cells)


def test_the_fewest_distinct_images_of_a_mix_are_told(runs):
    """332 draws of 26 images, which passed without a word, are named with their mix."""
    states = runs.finished(
        '{"settings": {"training": {"dark": {"draws": 332, "distinct": 40}}}}',
        '{"settings": {"training": {"dark": {"draws": 332, "distinct": 26}}}}',
        '{"settings": {"training": {"light": {"draws": 332, "distinct": 300}}}}',
    )
    (warning,) = repetitive_runs(runs.root, states)
    assert warning.startswith("mix light: 332 training draws of the group dark hold 26 distinct")


def test_runs_that_are_not_done_or_older_say_nothing(runs):
    """A missing run has no draws; neither has an evaluation from before they were noted."""
    states = runs.finished('{"settings": {}}')
    missing = CellState(runs.cells[1], "missing", None, "")
    assert repetitive_runs(runs.root, [*states, missing]) == []
