"""The log holds reproducible numbers only, with and without DVCLive."""

from __future__ import annotations

import json
import sys

import pytest

from tonegap.training.log import LiveLog, PlainLog, open_log
from tonegap.training.loop import EpochLosses

LOSSES = [EpochLosses(0, 0.25, 10.0, 1.5, 2.0), EpochLosses(1, 1e-7, 9.5, 0.1 + 0.2, 1.0)]
SETTINGS = {"features": "random", "effective_beta": 6.0}


def _write(log):
    for losses in LOSSES:
        log.add(losses)
    log.close(SETTINGS)


def _files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def live_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # outside any repository
    log = open_log(tmp_path / "live")
    assert isinstance(log, LiveLog)
    _write(log)
    return tmp_path / "live"


def test_the_log_holds_terms_per_epoch_and_nothing_else(live_folder):
    """No time stamp, no speed: the exact content is known beforehand."""
    files = _files(live_folder)
    terms = ("mse", "kl_nats", "perceptual", "total")
    assert set(files) == {"metrics.json", *(f"plots/metrics/{term}.tsv" for term in terms)}
    assert files["plots/metrics/kl_nats.tsv"] == b"step\tkl_nats\n0\t10.0\n1\t9.5\n"
    assert json.loads(files["metrics.json"]) == {
        "mse": 1e-7,
        "kl_nats": 9.5,
        "perceptual": 0.3,  # 0.1 + 0.2, rounded
        "total": 1.0,
        "step": 1,
        "features": "random",
        "effective_beta": 6.0,
    }


def test_without_dvclive_the_files_are_the_same(live_folder, tmp_path, monkeypatch):
    """A machine that only trains writes the same bytes."""
    monkeypatch.setitem(sys.modules, "dvclive", None)
    log = open_log(tmp_path / "plain")
    assert isinstance(log, PlainLog)
    _write(log)
    assert _files(tmp_path / "plain") == _files(live_folder)


def test_a_second_log_replaces_the_first(live_folder, tmp_path):
    """A resumed run writes its log anew, over half-written rows."""
    before = _files(live_folder)
    for folder, make in ((live_folder, open_log), (live_folder, PlainLog)):
        (folder / "plots" / "metrics" / "mse.tsv").write_text("step\tmse\n0\t0.2")
        _write(make(folder))
        assert _files(folder) == before
