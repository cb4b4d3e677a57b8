from __future__ import annotations

import json

import pytest
from dvc.utils.hydra import apply_overrides

from tonegap.files.parameters import read_yaml
from tonegap.study.overrides import dvc_arguments
from tonegap.study.plan import overridden

BASE = {
    "data": {"mix": "light", "seed": 0, "replacement": True},
    "mixes": {"light": 0.0},
    "model": {"block_widths": [1, 2]},
    "train": {"perceptual_weights": "random", "learning_rate": 0.001},
    "filter": {"exclude_qc": []},
    "groups": {"define": {"light": [1, 2], "dark": [5, 6]}},
}


def test_what_params_yaml_says_already_is_left_out():
    """An override that changes nothing does not lengthen the command."""
    assert dvc_arguments({"data.seed": 0, "filter.exclude_qc": []}, BASE) == []


@pytest.mark.parametrize(
    "overrides",
    [
        {"data.mix": "dark", "data.seed": 3},
        {"data.replacement": False},
        {"mixes.dark_25": 0.25},
        {"model.block_widths": [1, 2, 4, 8]},
        {"train.perceptual_weights": "/some where/it's, \\odd=[x].safetensors"},
        {"train.perceptual_weights": "C:\\dir\\"},
        {"train.perceptual_weights": "\\'"},
        {"train.learning_rate": 1e-4},
        {"filter.exclude_qc": ["3", "4"]},
        {"groups.define": {"light": [1, 2], "medium": [3, 4]}},
        {"groups.define": {"light": {"min": 28}, "dark": {"max": 10.5}}},
        {"groups.define": {"female": ["female", "f. (it's)"], "male": ["male"]}},
    ],
)
def test_dvc_reads_what_was_meant(tmp_path, overrides):
    """DVC's own reader makes of the arguments what the study said, types included."""
    path = tmp_path / "params.yaml"
    path.write_text(json.dumps(BASE))
    spelled = dvc_arguments(overrides, BASE)
    assert set(spelled[::2]) == {"-S"}
    apply_overrides(path, spelled[1::2])
    assert read_yaml(path) == overridden(BASE, overrides, "test")
