from __future__ import annotations

import pytest

from tonegap.errors import DataError
from tonegap.interchange.lock import locked_files, other_files, other_params

LOCK = {
    "schema": "2.0",
    "stages": {
        "one": {
            "params": {"params.yaml": {"a.b": 1, "groups": {"x": [1, 2]}}},
            "outs": [{"path": "t.csv", "md5": "aa", "size": 3}, {"path": "f", "md5": "bb.dir"}],
        },
        "two": {"deps": [{"path": "t.csv", "md5": "aa"}], "cmd": "x"},
    },
}


def test_files_are_compared_in_every_stage():
    """A stale file is named with each stage that knows it; folders and other files are not."""
    assert [(f.stage, f.path, f.size, f.written) for f in locked_files(LOCK)] == [
        ("one", "t.csv", 3, True),
        ("two", "t.csv", None, False),
    ]
    assert other_files(LOCK, {"t.csv": "aa", "else": "cc", "f": "dd"}) == []
    first, second = other_files(LOCK, {"t.csv": "cc"})
    assert "t.csv has the md5 cc, but the stage one wrote aa" in first
    assert "the stage two read aa" in second


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"a": {"b": 2}, "groups": {"x": [1, 2]}}, "a.b: 2, but the stage one ran with 1"),
        ({"a": 3, "groups": {"x": [1, 2]}}, "a.b: None"),
        ({"a": {"b": 1}, "groups": {"x": [1, 3]}}, "groups: {'x': [1, 3]}"),
        ({"a": {"b": 1}, "groups": "y" * 500}, "yyy..., but"),
    ],
)
def test_parameters_are_compared_by_value(params, words):
    """A key that is absent, or of another kind, is another value; long values are cut."""
    (problem,) = other_params(LOCK, params)
    assert words in problem
    assert len(problem) < 200
    assert other_params(LOCK, {"a": {"b": 1}, "groups": {"x": [1, 2]}, "c": 1}) == []


@pytest.mark.parametrize(
    "lock",
    [
        {},
        {"stages": 3},
        {"stages": {"a": 3}},
        {"stages": {"a": {"outs": [3]}}},
        {"stages": {"a": {"outs": [{"path": "x"}]}}},
        {"stages": {"a": {"params": 3}}},
    ],
)
def test_what_is_no_lock_is_one_error(lock):
    """Bundles come from strangers: no layout may crash the check."""
    refusals = []
    for check in (other_files, other_params):
        try:
            assert check(lock, {}) == []
        except DataError as error:
            refusals.append(str(error))
    assert refusals
    assert all("no such layout" in text for text in refusals)
