"""The noise of a metric is its scatter over training seeds, and a band for differences."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tonegap.errors import StudyError
from tonegap.files.parameters import read_params
from tonegap.study import noise
from tonegap.study.noise import measure_noise, scatter
from tonegap.study.plan import Cell, Study
from tonegap.study.state import CellState


@pytest.fixture
def states(repository):
    """Give a study of as many cells as asked for, and their states."""
    params = read_params(repository / "params.yaml")

    def make(
        count: int, status: str = "done", key: str = "train.seed"
    ) -> tuple[Study, list[CellState]]:
        cells = tuple(Cell(f"noise-{n}", {key: n}, params) for n in range(count))
        return Study("noise", cells), [CellState(c, status, c.name, "") for c in cells]

    return make


@pytest.fixture
def evaluations(monkeypatch):
    """Experiments whose evaluation holds given gaps."""

    def give(values: list[float]) -> None:
        def file_at(root, commit, path):
            gap = values[int(commit.rpartition("-")[2])]
            content = {"mse": {"gap": gap, "dark": None}, "settings": {"effective_beta": 6.0}}
            return json.dumps(content)

        monkeypatch.setattr(noise, "file_at", file_at)

    return give


def test_the_band_holds_95_percent_of_differences() -> None:
    """Of pairs of new trainings, about 95 % differ by less than the band of ten earlier ones."""
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(4000):
        band = scatter(rng.normal(2.0, 3.0, 10).tolist())["band"]
        inside.append(abs(rng.normal(0.0, 3.0) - rng.normal(0.0, 3.0)) < band)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.012)


def test_metrics_are_named_by_their_place(evaluations, states, tmp_path) -> None:
    """Missing values and settings are not metrics."""
    values = [0.1, 0.2, 0.4]
    evaluations(values)
    found = measure_noise(tmp_path, *states(len(values)))
    assert list(found["metrics"]) == ["mse.gap"]
    assert found["metrics"]["mse.gap"]["sd"] == pytest.approx(np.std(values, ddof=1))
    assert found["design"]["n"] == 3


def test_other_studies_are_refused(states, tmp_path) -> None:
    """Seeds that redraw the images are not noise of training."""
    with pytest.raises(StudyError, match=r"varies data\.seed.*train\.seed"):
        measure_noise(tmp_path, *states(3, key="data.seed"))


def test_unfinished_studies_are_refused(states, tmp_path) -> None:
    """The message says what to run."""
    with pytest.raises(StudyError, match=r"0 of 3 runs.*tonegap study run noise"):
        measure_noise(tmp_path, *states(3, "missing"))
