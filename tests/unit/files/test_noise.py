"""Noise bands: read whole or refused, unknown where there is no file."""

from __future__ import annotations

import json

import pytest

from tonegap.errors import DataError
from tonegap.files.noise import Noise, read_noise

GAP = {"sd": 0.003, "n": 10, "band": 0.0085}


def written(folder, **changes):
    document = {"schema": "tonegap-noise-1", "design": {}, "metrics": {"mse.gap": GAP}, **changes}
    path = folder / "noise.json"
    path.write_text(json.dumps(document))
    return path


def test_the_bands_are_read(tmp_path):
    """Each metric has its deviation, its number of runs and its band; more keys do not matter."""
    metrics = {"mse.gap": {**GAP, "mean": 0.1}}
    assert read_noise(written(tmp_path, metrics=metrics)) == {"mse.gap": Noise(**GAP)}


def test_nothing_is_known_without_a_file(tmp_path):
    """A project that has not measured its noise has none."""
    assert read_noise(tmp_path / "noise.json") == {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema": "tonegap-noise-2"}, r"schema: .*tonegap-noise-1"),
        ({"metrics": []}, "metrics: "),
        ({"metrics": {"mse.gap": {**GAP, "band": -1.0}}}, r"metrics\.mse\.gap\.band: .*greater"),
        ({"metrics": {"mse.gap": {**GAP, "band": "wide"}}}, r"metrics\.mse\.gap\.band"),
        ({"metrics": {"mse.gap": {**GAP, "n": 1}}}, r"metrics\.mse\.gap\.n"),
        ({"metrics": {"mse.gap": {"sd": 0.1, "n": 3}}}, r"metrics\.mse\.gap\.band: .*required"),
    ],
)
def test_another_document_is_refused(tmp_path, changes, words):
    """The message names the place and what is expected there."""
    with pytest.raises(DataError, match=words):
        read_noise(written(tmp_path, **changes))


def test_a_band_that_is_no_number_is_refused(tmp_path):
    """NaN, which JSON does not have, would let every change pass."""
    path = written(tmp_path)
    path.write_text(path.read_text().replace("0.0085", "NaN"))
    with pytest.raises(DataError, match=r"metrics\.mse\.gap\.band"):
        read_noise(path)
