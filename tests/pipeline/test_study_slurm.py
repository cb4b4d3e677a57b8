"""Engine ``slurm`` on a real Slurm cluster: one node, two processors, started here."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time

import pytest
from ruamel.yaml import YAML
from slurm_cluster import missing_programs, slurm_cluster
from tiny_study import CELLS, Clones

PATIENCE_S = 240

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Start the cluster; give the environment in which its commands reach it."""
    missing = missing_programs()
    if missing:
        pytest.skip(f"Slurm is not on this machine: no {', '.join(missing)} (Debian: slurm-wlm)")
    pytest.importorskip("submitit", reason="the slurm engine needs the extra tonegap[slurm]")
    with slurm_cluster(tmp_path_factory.mktemp("slurm") / "cluster") as environment:
        yield environment


@pytest.fixture
def clone(cluster, repository, tmp_path_factory, tmp_path):
    clone = Clones(repository, tmp_path_factory.getbasetemp()).make(tmp_path / "clone")
    clone.environment["SLURM_CONF"] = cluster["SLURM_CONF"]
    return clone


@pytest.fixture
def hub(clone, tmp_path):
    """Make a bare hub with a DVC remote, to which the clone has pushed code and data."""
    clone.run("dvc", "remote", "add", "--quiet", "--default", "store", str(tmp_path / "store"))
    clone.run("git", "commit", "--quiet", "--all", "--message", "remote")
    clone.run("dvc", "push", "--quiet")
    clone.run("git", "init", "--quiet", "--bare", str(tmp_path / "hub.git"))
    clone.run("git", "push", "--quiet", str(tmp_path / "hub.git"), "main")
    return tmp_path / "hub.git"


def _refs(clone, repository) -> dict[str, str]:
    lines = clone.run("git", "ls-remote", str(repository), "refs/exps/*").splitlines()
    pairs = (line.split() for line in lines)
    return {ref.split("/")[-1]: commit for commit, ref in pairs if "/exec/" not in ref}


def _hashes(clone, commit) -> set[str]:
    """Give the hashes of everything that an experiment keeps in DVC's cache."""
    stages = YAML(typ="safe").load(clone.at(commit, "dvc.lock"))["stages"]
    ignored = ("metrics/", "plots/", "report/")
    return {
        out["md5"]
        for stage in stages.values()
        for out in stage["outs"]
        if not out["path"].startswith(ignored)
    }


def _submitted(clone) -> set[str]:
    """Name the jobs that were submitted, one for each cell."""
    folder = clone.folder / ".dvc/tmp/tonegap/jobs/tiny"
    return {path.name for path in folder.glob("[0-9]*_submitted.pkl")}


def _kill_when_all_are_submitted(clone, command, output) -> None:
    process = clone.start(*command, output=output)
    deadline = time.monotonic() + PATIENCE_S
    while len(_submitted(clone)) < len(CELLS) and time.monotonic() < deadline:
        assert process.poll() is None, output.read_text()
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(60)


def test_four_cells_through_a_hub(clone, hub, tmp_path):
    """Jobs survive a kill -9 of the study; run again it finds them, and the hub has everything."""
    command = ("tonegap", "study", "run", "tiny", "--engine", "slurm", "-j", "2")
    command += ("--hub", str(hub), "--slurm", "cpus_per_task=1")
    _kill_when_all_are_submitted(clone, command, tmp_path / "output")
    submitted = _submitted(clone)
    said = clone.run(*command)
    assert "4 of 4 runs of tiny are done" in said
    assert _submitted(clone) == submitted
    here, there = _refs(clone, clone.folder), _refs(clone, hub)
    assert set(here) == set(CELLS)
    assert here == there
    store = tmp_path / "store" / "files" / "md5"
    for commit in here.values():
        hashes = _hashes(clone, commit)
        assert len(hashes) >= len(("split", "weights", "per image", "examples"))
        assert all((store / md5[:2] / md5[2:]).is_file() for md5 in hashes)


def test_a_shared_cache_and_a_failing_cell(clone):
    """Without a hub jobs use this clone and its cache; a failing cell has its reason."""
    clone.write_study("half", {"data.n_test": [6, 500]}, {"data.mix": "dark"})
    command = ("tonegap", "study", "run", "half", "--engine", "slurm", "-j", "2")
    said = clone.run(*command, code=1)
    assert "1 of 2 runs of half are done" in said
    good, bad, _ = clone.run("tonegap", "study", "status", "half").splitlines()
    assert good.split()[:2] == ["half-ntest6", "done"]
    assert bad.split()[1] == "failed"
    assert "500" in bad
    assert clone.run("dvc", "exp", "apply", "half-ntest6")
    assert "up to date" in clone.run("dvc", "status", "evaluate")


def test_a_hub_without_the_code_is_refused(clone, tmp_path):
    """A commit that was never pushed is named before any job is submitted."""
    subprocess.run(["git", "init", "--quiet", "--bare", str(tmp_path / "empty.git")], check=True)
    command = ("tonegap", "study", "run", "tiny", "--engine", "slurm")
    said = clone.run(*command, "--hub", str(tmp_path / "empty.git"), code=2)
    assert said.startswith("tonegap: error: no branch of the hub")
    assert "git push" in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--slurm", "partitoin=gpu"), "partitoin"),
        (("--slurm", "partition=no_such"), "Slurm refused the jobs: .*partition"),
        (("--slurm", "time=1:00:00"), "expected minutes"),
        (("--slurm", "partition"), "not of the form key=value"),
    ],
)
def test_wrong_options_are_one_line(clone, options, message):
    """What Slurm or submitit do not know is said on one line, and no job stays behind."""
    said = clone.run("tonegap", "study", "run", "tiny", "--engine", "slurm", *options, code=2)
    (line,) = [line for line in said.splitlines() if line.startswith("tonegap: error: ")]
    assert re.search(message, line)
    assert not _submitted(clone)
