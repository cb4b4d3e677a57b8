from __future__ import annotations

import numpy as np

from tonegap.examples import Examples, StudyExamples
from tonegap.files.examples import read_examples, read_study_examples, write_examples
from tonegap.groups import LIGHT_AND_DARK


def _pixels(value):
    return {group: np.full((2, 4, 4, 3), value, np.uint8) for group in ("light", "dark")}


def _same(first, second):
    assert first.keys() == second.keys()
    for group, pixels in first.items():
        np.testing.assert_array_equal(pixels, second[group])


def test_examples_of_a_run_come_back(tmp_path):
    """Originals, reconstructions and whether anybody is shown."""
    write_examples(Examples(_pixels(1), _pixels(2), rendered=True), tmp_path / "x.npz")
    found = read_examples((tmp_path / "x.npz").read_bytes())
    _same(found.originals, _pixels(1))
    _same(found.reconstructions, _pixels(2))
    assert found.rendered is True
    assert found.shows_same_as(Examples(_pixels(1), _pixels(3), rendered=True))
    assert not found.shows_same_as(Examples(_pixels(4), _pixels(2), rendered=True))


def test_examples_of_a_study_come_back(tmp_path):
    """Of every mix, whatever its name; where there is no file there are none."""
    runs = {
        mix: Examples(_pixels(1), _pixels(n), rendered=True)
        for n, mix in enumerate(("light", "dark_25"))
    }
    write_examples(StudyExamples.of_runs(runs), tmp_path / "x.npz")
    found = read_study_examples(tmp_path / "x.npz", LIGHT_AND_DARK)
    assert list(found.reconstructions) == list(runs)
    _same(found.originals, _pixels(1))
    for mix, run in runs.items():
        _same(found.reconstructions[mix], run.reconstructions)
    assert read_study_examples(tmp_path / "none.npz", LIGHT_AND_DARK) is None
