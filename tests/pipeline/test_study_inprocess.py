"""Engine ``inprocess``: its experiments are those of ``dvc exp run``, file by file."""

from __future__ import annotations

import shutil

import pytest
from tiny_study import Clones

# Sizes alternate and some runs diverge: nothing that a run leaves may reach the next.
GRID = {"train.learning_rate": [0.001, 1e30, 0.002], "data.image_size": [40, 32]}
RATES = {"0.001": 0.001, "0.002": 0.002}
DONE = tuple(f"sizes-learningrate{rate}-imagesize{size}" for rate in RATES for size in (40, 32))
FAILED = tuple(f"sizes-learningrate1e_30-imagesize{size}" for size in (40, 32))
LAST = DONE[-1]
LAST_VALUES = ("-S", "train.learning_rate=0.002", "-S", "data.image_size=32")


@pytest.fixture(scope="module")
def clones(repository, tmp_path_factory):
    return Clones(repository, tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def studied(clones, tmp_path_factory):
    """Run a study of six cells in one process; keep what the workspace was like before."""
    clone = clones.make(tmp_path_factory.mktemp("inprocess") / "clone")
    clone.write_study("sizes", GRID)
    clone.before = clone.run("git", "status", "--porcelain", "--branch")
    clone.said = clone.run("tonegap", "study", "run", "sizes", "--engine", "inprocess", code=1)
    return clone


@pytest.mark.slow
def test_its_experiments_are_those_of_dvc(studied, clones, tmp_path):
    """A cell's commit holds, bit for bit, what `dvc exp run` commits where nothing is cached."""
    other = clones.make(tmp_path / "other")
    other.run("dvc", "exp", "run", "--temp", "-n", LAST, *LAST_VALUES, "evaluate")
    assert studied.results(LAST) == other.results(LAST)
    assert studied.tree(LAST) == other.tree(LAST)


@pytest.mark.slow
def test_every_cell_is_an_experiment(studied):
    """DVC lists the cells that ended well, each with its own parameters and numbers."""
    listed = studied.run("dvc", "exp", "list", "--name-only").split()
    assert set(DONE) == set(listed) & {*DONE, *FAILED}
    results = [studied.results(name) for name in DONE]
    chosen = [
        (r["params"]["train"]["learning_rate"], r["params"]["data"]["image_size"]) for r in results
    ]
    assert chosen == [(0.001, 40), (0.001, 32), (0.002, 40), (0.002, 32)]
    assert len({result["outputs"]["models/vae.safetensors"] for result in results}) == len(DONE)
    assert len({result["evaluation"]["mse"]["gap"] for result in results}) == len(DONE)


@pytest.mark.slow
def test_the_workspace_is_left_alone(studied):
    """No file, no branch and no copy is left behind."""
    assert studied.run("git", "status", "--porcelain", "--branch") == studied.before
    assert not (studied.folder / ".dvc/tmp/tonegap/copies/sizes").exists()


@pytest.mark.slow
def test_failing_cells_are_reported_and_the_others_are_done(studied):
    """A cell's reason is the stage's own error, and names the log."""
    assert "4 of 6 runs of sizes are done" in studied.said
    *cells, counts = studied.run("tonegap", "study", "status", "sizes").splitlines()
    status = {line.split()[0]: line.split(maxsplit=1)[1] for line in cells}
    assert {name for name in status if status[name].startswith("done")} == set(DONE)
    for name in FAILED:
        assert status[name].startswith("failed")
        assert "not finite" in status[name]
        assert f"{name}.log" in status[name]
    assert counts == "4 done, 2 failed"


@pytest.mark.slow
def test_dvc_takes_its_results_as_its_own(studied):
    """After `dvc exp apply` all stages are up to date; `dvc exp run` finds all in its run cache."""
    said = studied.run("dvc", "exp", "run", "--temp", "-n", "again", *LAST_VALUES, "evaluate")
    assert "Running stage" not in said
    assert studied.tree("again") == studied.tree(LAST)
    studied.run("dvc", "exp", "apply", LAST)
    assert "up to date" in studied.run("dvc", "status", "evaluate")


@pytest.mark.slow
def test_a_table_of_ones_own_is_found(clones, tmp_path):
    """It is in the clone's cache and in no commit."""
    clone = clones.make(tmp_path / "own")
    shutil.copy(clone.folder / "data/annotations.csv", tmp_path / "own.csv")
    clone.run("tonegap", "source", "table", str(tmp_path / "own.csv"))
    clone.run("git", "commit", "--quiet", "--all", "--message", "my table")
    clone.write_study("one", {"data.seed": [0]})
    assert "1 of 1 runs of one are done" in clone.run(
        "tonegap", "study", "run", "one", "--engine", "inprocess"
    )
