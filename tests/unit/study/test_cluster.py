from __future__ import annotations

import sys

import pytest

from tonegap.files import repository
from tonegap.study import cluster
from tonegap.study.cluster import ClusterCell, run_cluster_cell


@pytest.fixture
def cell(toy):
    baseline = toy.git("rev-parse", "HEAD")
    return ClusterCell("toy-light-s0", (), str(toy.root), baseline, "shared", None)


def dvc(monkeypatch, script):
    """Let a script stand for DVC; it finds DVC's arguments in sys.argv[1:]."""
    command = [sys.executable, "-c", f"import sys\n{script}"]
    monkeypatch.setattr(repository, "dvc_command", lambda *arguments: [*command, *arguments])
    monkeypatch.setattr(cluster, "share_cache", lambda *_: None)


def _failed(clone, cell, why):
    return f"`dvc exp run -n {cell.name}` failed in {clone}: {why}"


def test_an_unreachable_hub_is_the_reason(cell, tmp_path):
    """No exception leaves the job: what went wrong is its result."""
    lost = ClusterCell(cell.name, (), str(tmp_path / "no"), cell.baseline, None, None)
    reason = run_cluster_cell(lost)
    assert reason.startswith("`git clone --quiet` failed")
    assert "\n" not in reason


def test_what_a_killed_job_left_is_removed_by_the_next(cell, monkeypatch, tmp_path):
    """A job that Slurm ends has no time to tidy up; scratch folders must not fill for ever."""
    dvc(monkeypatch, "sys.exit('no')")
    here = ClusterCell(cell.name, (), cell.hub, cell.baseline, "shared", str(tmp_path / "scratch"))
    other = ClusterCell("toy-dark-s1", (), cell.hub, cell.baseline, "shared", here.scratch)
    left = cluster._workplace(here)
    (left / "clone/half").mkdir(parents=True)
    assert cluster._workplace(other) != left
    assert run_cluster_cell(here) == _failed(left / "clone", here, "no")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_scratch_folder_that_cannot_be_is_the_reason(cell, tmp_path):
    """A wrong --scratch ends the job with one line."""
    (tmp_path / "file").touch()
    wrong = ClusterCell(cell.name, (), cell.hub, cell.baseline, "shared", str(tmp_path / "file"))
    assert "Not a directory" in run_cluster_cell(wrong)


def test_the_stage_says_why_it_failed(cell, monkeypatch, capfd):
    """Our own error is the reason; everything that was said is in the job's log."""
    script = """if 'run' in sys.argv:
    print('first'); print('tonegap: error: loss is not finite'); sys.exit('ERROR: failed')"""
    dvc(monkeypatch, script)
    clone = cluster._workplace(cell) / "clone"
    assert run_cluster_cell(cell) == _failed(clone, cell, "loss is not finite")
    assert "first" in capfd.readouterr().out


def test_a_push_that_brought_nothing_is_a_failure(cell, monkeypatch, toy):
    """DVC reports success for some pushes that failed: the hub itself is asked."""
    script = """import subprocess
if 'run' in sys.argv:
    ref = 'refs/exps/%s/%s/toy-light-s0' % (BASE[:2], BASE[2:])
    subprocess.run(['git', 'update-ref', ref, 'HEAD'], check=True)"""
    dvc(monkeypatch, script.replace("BASE", repr(cell.baseline)))
    assert "which has no such experiment instead of" in run_cluster_cell(cell)
    toy.git("update-ref", f"refs/exps/{cell.baseline[:2]}/{cell.baseline[2:]}/toy-light-s0", "HEAD")
    assert run_cluster_cell(cell) == ""


@pytest.mark.parametrize("missing", [[], ["data/raw.zip", "models/vae.safetensors"]])
def test_data_that_were_not_pushed_are_a_failure(cell, monkeypatch, toy, missing):
    """Without a shared cache the remotes must hold everything, whatever the push said."""
    script = """import json, subprocess
if 'run' in sys.argv:
    ref = 'refs/exps/%s/%s/toy-light-s0' % (BASE[:2], BASE[2:])
    subprocess.run(['git', 'update-ref', ref, 'HEAD'], check=True)
    subprocess.run(['git', 'push', '--quiet', 'origin', ref + ':' + ref], check=True)
if sys.argv[1:4] == ['data', 'status', '--not-in-remote']:
    print(json.dumps({'not_in_remote': MISSING} if MISSING else {}))"""
    script = script.replace("MISSING", repr(missing))
    dvc(monkeypatch, script.replace("BASE", repr(cell.baseline)))
    away = ClusterCell(cell.name, (), cell.hub, cell.baseline, None, None)
    reason = run_cluster_cell(away)
    assert ("2 files of toy-light-s0 are not in the hub's DVC remotes" in reason) == bool(missing)
    assert ("data/raw.zip" in reason) == bool(missing)
