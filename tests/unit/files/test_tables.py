from __future__ import annotations

import errno
import json

import numpy as np
import pandas as pd
import pytest

from tonegap.errors import DataError
from tonegap.files.tables import read_csv, read_json, write_csv, write_json


def test_floats_and_text_round_trip(tmp_path):
    """What is written reads back the same, the words NA and None included."""
    frame = pd.DataFrame({"label": ["NA", "None", "acne"], "mse": [0.1, 1 / 3, np.pi * 1e-9]})
    write_csv(frame, tmp_path / "t.csv")
    pd.testing.assert_frame_equal(
        read_csv(tmp_path / "t.csv", ["label", "mse"], "a table"), frame, check_dtype=False
    )
    assert b"\r" not in (tmp_path / "t.csv").read_bytes()


def test_hashes_of_digits_stay_text(tmp_path):
    """A hash or label that looks like a number keeps its zeros and its length."""
    path = tmp_path / "t.csv"
    path.write_text("md5hash,cluster,label,n\n0012,1e5,007,3\n")
    row = read_csv(path, ["md5hash"], "the cohort").iloc[0]
    assert row.to_list() == ["0012", "1e5", "007", 3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n", "lacks the column 'c'"),
        (b"", "cannot be read as a table"),
        (b"\xff\xfe\x00", "cannot be read as a table"),
        (b'a,b\n"1,2\n', "cannot be read as a table"),
    ],
)
def test_a_bad_table_is_one_line(tmp_path, content, message):
    """A table that is none, or lacks a column, is named with what it lacks."""
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        read_csv(path, ["c"], "the cohort")
    assert "\n" not in str(error.value)


def test_a_table_without_permission_is_one_line(tmp_path, monkeypatch):
    """What the system refuses is said with the table's name."""
    path = tmp_path / "t.csv"
    path.write_text("a\n1\n")

    def refuse(*_args, **_options):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(pd, "read_csv", refuse)
    with pytest.raises(DataError, match=r"t\.csv cannot be read \(Permission denied\)"):
        read_csv(path, ["a"], "the cohort")


def test_a_missing_table_says_what_to_run(tmp_path):
    """A file that is not there names the command that makes it."""
    with pytest.raises(DataError, match="dvc repro"):
        read_csv(tmp_path / "none.csv", ["a"], "the cohort")
    with pytest.raises(DataError, match="dvc repro"):
        read_json(tmp_path / "none.json", "the counts")


def test_json_refuses_what_json_cannot_say(tmp_path):
    """NaN never reaches a metrics file: other readers would stumble over it."""
    with pytest.raises(ValueError, match="Out of range"):
        write_json({"gap": float("nan")}, tmp_path / "m.json")
    assert not (tmp_path / "m.json").exists()
    write_json({"mse": {"gap": 0.25}}, tmp_path / "m.json")
    assert json.loads((tmp_path / "m.json").read_text()) == {"mse": {"gap": 0.25}}


@pytest.mark.parametrize("content", ["[1]", "{", ""])
def test_a_document_of_another_form_is_refused(tmp_path, content):
    """A metrics file holds one object."""
    (tmp_path / "m.json").write_text(content)
    with pytest.raises(DataError):
        read_json(tmp_path / "m.json", "the counts")
