"""Studies whose processes are killed, and some of whose cells fail."""

from __future__ import annotations

import os
import re
import signal
import time

import pytest
from tiny_study import CELLS, Clones

PATIENCE_S = 240


@pytest.fixture(scope="module")
def clones(repository, tmp_path_factory):
    return Clones(repository, tmp_path_factory.getbasetemp())


def _started(text: str) -> list[str]:
    return re.findall(r"^(\S+) started$", text, flags=re.MULTILINE)


def _done(clone) -> dict[str, str]:
    """Give the commits of the cells that the study's status calls done."""
    lines = clone.run("tonegap", "study", "status", "tiny").splitlines()[: len(CELLS)]
    return {name: rest[-1] for name, status, *rest in map(str.split, lines) if status == "done"}


def _killed_after_a_cell(clone, output) -> str:
    """Run the study until a cell is done and others run; kill -9 the group; give its output."""
    process = clone.start("tonegap", "study", "run", "tiny", "-j", "2", output=output)
    deadline = time.monotonic() + PATIENCE_S
    while not _is_midway(output.read_text()) and time.monotonic() < deadline:
        assert process.poll() is None, output.read_text()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(60)
    return output.read_text()


def _is_midway(text: str) -> bool:
    """Whether some cell is done and another, started later, is not."""
    ended = text.count(" done in ")
    return ended >= 1 and len(_started(text)) > ended


@pytest.mark.slow
def test_killed_twice_it_finishes_exactly_the_missing(clones, tmp_path):
    """Kill -9 of the whole group, twice: no cell is lost, repeated or different in the end."""
    clone, undisturbed = clones.make(tmp_path / "killed"), clones.make(tmp_path / "undisturbed")
    undisturbed.run("tonegap", "study", "run", "tiny", "--engine", "inprocess")
    (clone.folder / "README.md").write_text("my work, not committed\n")
    before = clone.run("git", "status", "--porcelain", "--branch")
    done: dict[str, str] = {}
    for attempt in range(2):
        said = _killed_after_a_cell(clone, tmp_path / f"output-{attempt}")
        assert not set(_started(said)) & set(done)
        now = _done(clone)
        assert len(done) < len(now) < len(CELLS)
        assert now.items() >= done.items()
        assert clone.run("git", "status", "--porcelain", "--branch") == before
        done = now
    status = clone.run("tonegap", "study", "status", "tiny")
    assert "it was interrupted" in status
    last = clone.run("tonegap", "study", "run", "tiny", "-j", "2")
    assert sorted(_started(last)) == sorted(set(CELLS) - set(done))
    assert _done(clone).items() >= done.items()
    assert set(clone.experiments()) == set(CELLS)
    assert not (clone.folder / ".dvc/tmp/tonegap/copies/tiny").exists()
    assert clone.run("git", "status", "--porcelain", "--branch") == before
    assert (clone.folder / "README.md").read_text() == "my work, not committed\n"
    for name in CELLS:
        assert clone.results(name) == undisturbed.results(name)
        _, mix, seed = name.split("-")
        chosen = clone.results(name)["params"]["data"]
        assert (chosen["mix"], f"s{chosen['seed']}") == (mix, seed)
    _check_a_failing_cell(clone)
    _check_clean(clone)


def _check_a_failing_cell(clone) -> None:
    """See that the exit code tells of a failed cell, the status why, and that the other is done."""
    clone.write_study("half", {"data.n_test": [6, 500]}, {"data.mix": "light"})
    said = clone.run("tonegap", "study", "run", "half", "-j", "2", code=1)
    assert "1 of 2 runs of half are done" in said
    good, bad, counts = clone.run("tonegap", "study", "status", "half").splitlines()
    assert good.split()[:2] == ["half-ntest6", "done"]
    assert bad.split()[1] == "failed"
    assert "500" in bad
    assert counts == "1 done, 1 failed"
    clone.run("tonegap", "study", "clean", "half", "--experiments")


def _check_clean(clone) -> None:
    """See that copies of killed runs, logs and notes go; results stay unless asked for."""
    done = _done(clone)
    clone.run("tonegap", "study", "clean", "tiny")
    assert not list((clone.folder / ".dvc/tmp/tonegap").glob("copies/*"))
    assert not list((clone.folder / ".dvc/tmp/tonegap").glob("tiny-*"))
    assert _done(clone) == done
    clone.run("tonegap", "study", "clean", "tiny", "--experiments")
    assert clone.experiments() == {}
