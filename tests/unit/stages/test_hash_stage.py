"""The stage ``hash``: a row per image, whatever the number of processes."""

from __future__ import annotations

from concurrent.futures.process import BrokenProcessPool

import pytest

from tonegap import parallel
from tonegap.errors import MachineError
from tonegap.files.archive import write_archive
from tonegap.files.tables import read_csv
from tonegap.fingerprint.measures import COLUMNS
from tonegap.stages import hash as stage


def write_raw(folder, encode, picture, count):
    entries = [(f"{n:032x}.jpg", encode(picture(n), "JPEG")) for n in range(count)]
    entries[3] = (entries[3][0], b"<html>no image</html>")
    write_archive(folder / "raw.zip", entries)
    return folder / "raw.zip"


def test_the_stage_writes_a_row_per_image(tmp_path, picture, encode):
    """Rows come in the archive's order; what is unreadable says so and stays."""
    raw = write_raw(tmp_path, encode, picture, 6)
    stage.run(raw=raw, index=tmp_path / "index.csv", processes=1)
    table = read_csv(tmp_path / "index.csv", COLUMNS, "the index")
    assert list(table.columns) == list(COLUMNS)
    assert list(table["readable"]) == [True, True, True, False, True, True]
    assert "no image in a known format" in table["problem"][3]


@pytest.mark.slow
def test_processes_do_not_change_the_table(tmp_path, picture, encode):
    """One process and three write the same bytes."""
    raw = write_raw(tmp_path, encode, picture, 100)
    stage.run(raw=raw, index=tmp_path / "one.csv", processes=1)
    stage.run(raw=raw, index=tmp_path / "three.csv", processes=3)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "three.csv").read_bytes()


def test_a_killed_worker_is_told_in_one_line(tmp_path, picture, encode, monkeypatch):
    """A broken pool becomes an error that says what to do."""

    class Broken:
        def __init__(self, *args, **kwargs):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *args):
            return False

        def submit(self, *args):
            raise BrokenProcessPool

    monkeypatch.setattr(parallel, "ProcessPoolExecutor", Broken)
    raw = write_raw(tmp_path, encode, picture, 5)
    with pytest.raises(MachineError, match="worker of the hash stage was killed"):
        stage.run(raw=raw, index=tmp_path / "index.csv", processes=2)
    assert not (tmp_path / "index.csv").exists()


def test_an_empty_archive_gives_an_empty_table(tmp_path):
    """No images, no rows, all columns."""
    write_archive(tmp_path / "raw.zip", [])
    stage.run(raw=tmp_path / "raw.zip", index=tmp_path / "index.csv")
    assert len(read_csv(tmp_path / "index.csv", COLUMNS, "the index")) == 0
