from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tonegap.errors import MachineError, StudyError
from tonegap.study import submitit_queue
from tonegap.study.cluster import ClusterCell, run_cluster_cell
from tonegap.study.submitit_queue import SubmititQueue

pytest.importorskip("submitit", reason="the slurm engine needs the extra tonegap[slurm]")


@pytest.fixture
def slurm(monkeypatch, tmp_path):
    """Give a stand-in for Slurm's commands: ``squeue`` prints a file, or fails without it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    scripts = {"srun": "exit 0", "squeue": f"exec cat {tmp_path}/queue", "scancel": "exit 0"}
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    (tmp_path / "queue").write_text("7_0\n7_1\n")
    return tmp_path


@pytest.fixture
def queue(slurm):
    return SubmititQueue(slurm / "jobs", "slurm", 2, {})


def job(slurm, job_id):
    paths = SimpleNamespace(result_pickle=slurm / f"{job_id}.pkl", stderr=slurm / f"{job_id}.err")
    return SimpleNamespace(job_id=job_id, paths=paths)


def test_a_result_ends_a_job(queue, slurm):
    """A job in the queue without a result runs; its result ends it, whatever the queue says."""
    one, two = job(slurm, "7_0"), job(slurm, "7_1")
    assert queue.ended([one, two]) == []
    one.paths.result_pickle.touch()
    assert queue.ended([one, two]) == [one]


def test_a_job_that_left_without_a_result_is_lost(queue, slurm, monkeypatch):
    """Slow file systems have some time to show the result; then the job's log is named."""
    gone = job(slurm, "7_9")
    assert queue.ended([gone]) == []
    monkeypatch.setattr(submitit_queue, "_GRACE_S", 0.0)
    time.sleep(0.01)
    assert queue.ended([gone]) == [gone]
    assert "ended without a result" in queue.reason(gone)
    assert "7_9.err" in queue.reason(gone)


def test_a_silent_controller_loses_no_job(queue, slurm, monkeypatch):
    """While squeue fails every job may be alive; after long silence the run says so."""
    monkeypatch.setattr(submitit_queue, "_GRACE_S", 0.0)
    (slurm / "queue").unlink()
    assert queue.ended([job(slurm, "7_9")]) == []
    monkeypatch.setattr(submitit_queue, "_SILENCE_S", 0.0)
    time.sleep(0.01)
    with pytest.raises(MachineError, match="squeue has failed"):
        queue.ended([job(slurm, "7_9")])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"partitoin": "gpu"}, "partitoin"),
        ({"time": "1:00:00"}, "expected minutes"),
    ],
)
def test_unknown_options_are_refused(slurm, options, message):
    """Before anything is submitted, and on one line."""
    with pytest.raises(StudyError, match=message) as error:
        SubmititQueue(slurm / "jobs", "slurm", 2, options)
    assert "\n" not in str(error.value)


def test_a_machine_without_slurm_says_so(slurm, monkeypatch):
    """The message names what is missing."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MachineError, match="sbatch and srun"):
        SubmititQueue(slurm / "jobs", "slurm", 2, {})


def test_processes_here_keep_to_the_number_at_once(tmp_path):
    """Slurm limits its arrays itself; processes of this machine are counted here."""
    queue = SubmititQueue(tmp_path, "local", 3, {})
    assert queue.room(2) == 1
    assert queue.room(3) == 0


@pytest.mark.slow
def test_a_job_gives_its_reason(tmp_path):
    """A failing cell's reason travels from the job's process to this one."""
    queue = SubmititQueue(tmp_path / "jobs", "local", 1, {})
    cell = ClusterCell("toy", (), str(tmp_path / "nowhere"), "0" * 40, None, None)
    (started,) = queue.start([cell])
    while not queue.ended([started]):
        time.sleep(0.05)
    assert queue.reason(started).startswith("`git clone --quiet` failed")


def _leave_submission(folder, job_id, cell):
    """Leave what submitit does when Slurm has taken a job."""
    from submitit.core.utils import DelayedSubmission  # noqa: PLC0415  an extra

    folder.mkdir(exist_ok=True)
    DelayedSubmission(run_cluster_cell, cell).dump(folder / f"{job_id}_submitted.pkl")


def test_live_jobs_are_found_again(queue, slurm):
    """A killed study's job is taken up; one of another cell of that name is cancelled."""
    cells = [ClusterCell(name, (), "hub", "0" * 40, None, None) for name in ("one", "two", "three")]
    one, two, three = cells
    (slurm / "queue").write_text("7_0\n7_1\n7_2\n99\n")
    (slurm / "bin" / "scancel").write_text(f'#!/bin/sh\necho "$@" >> {slurm}/cancelled\n')
    _leave_submission(slurm / "jobs", "7_0", one)
    _leave_submission(slurm / "jobs", "7_1", replace(two, baseline="1" * 40))
    (slurm / "jobs" / "7_2_submitted.pkl").write_bytes(b"no pickle")
    _leave_submission(slurm / "jobs", "6_0", three)  # ended long ago
    found = queue._found_again(cells)
    assert {name: job.job_id for name, job in found.items()} == {"one": "7_0"}
    assert (slurm / "cancelled").read_text().split() == ["7_1", "7_2"]
