"""The engine for clusters, with a stub in the place of a scheduler."""

from __future__ import annotations

from contextlib import closing

import pytest

from tonegap.files.parameters import read_yaml
from tonegap.study import cluster_engine
from tonegap.study.cluster_engine import ClusterEngine
from tonegap.study.records import experiment_ref, study_state


class StubQueue:
    """Two jobs at once, named by their cells; each ends when it is asked about a second time."""

    def __init__(self, **reasons: str) -> None:
        self.reasons = reasons
        self.asked: list[str] = []
        self.cells = []
        self.cancelled: list[str] = []

    def start(self, cells):
        self.cells += cells
        return [cell.name for cell in cells]

    def room(self, running):
        return 2 - running

    def ended(self, jobs):
        assert len(jobs) <= 2
        ended = [job for job in jobs if job in self.asked]
        self.asked += jobs
        return ended

    def reason(self, job):
        return self.reasons.get(job.replace("-", "_"), "")

    def cancel(self, jobs):
        self.cancelled += jobs


@pytest.fixture
def engine(toy, monkeypatch):
    """Give a function that makes an engine on a queue."""
    monkeypatch.setattr(cluster_engine, "_POLL_S", 0.0)
    monkeypatch.setattr(cluster_engine, "cache_folder", lambda root: root / "cache")

    def make(queue, **options):
        base = read_yaml(toy.root / "params.yaml")
        return ClusterEngine(toy.root, queue, base, lambda _: None, **options)

    return make


def test_every_cell_is_a_job(toy, engine):
    """No more at once than the queue has room for; a job's reason is the cell's."""
    queue = StubQueue(toy_dark_s0="disk full")
    outcomes = list(engine(queue).run(toy.study().cells))
    assert {o.cell.name: o.reason for o in outcomes} == {
        "toy-light-s0": "",
        "toy-light-s1": "",
        "toy-dark-s0": "disk full",
        "toy-dark-s1": "",
    }
    assert queue.cancelled == []
    assert {cell.hub for cell in queue.cells} == {str(toy.root)}
    assert {cell.cache for cell in queue.cells} == {str(toy.root / "cache")}
    states = {state.cell.name: state.reason for state in study_state(toy.root, toy.study())}
    assert states["toy-dark-s0"] == "disk full"


def test_jobs_are_cancelled_when_the_study_is_left(toy, engine):
    """What was submitted and has not ended; what waits was never submitted."""
    queue = StubQueue()
    with closing(engine(queue).run(toy.study().cells)) as outcomes:
        first = next(outcomes)
    assert first.cell.name == "toy-light-s0"
    assert queue.cancelled == ["toy-light-s1"]
    assert len(queue.cells) == 2


def test_what_the_hub_has_is_no_job(toy, engine, tmp_path):
    """Results come home; a job without a shared cache uses the hub's remote."""
    hub = str(tmp_path / "hub.git")
    toy.git("init", "--quiet", "--bare", "--initial-branch", "main", hub)
    toy.git("push", "--quiet", hub, "main")
    done, other = toy.study().cells[:2]
    toy.save(done)
    ref = experiment_ref(toy.git("rev-parse", "HEAD"), done.name)
    toy.git("push", "--quiet", hub, f"{ref}:{ref}")
    toy.git("update-ref", "-d", ref)
    queue = StubQueue()
    outcomes = list(engine(queue, hub=hub).run([done, other]))
    assert [cell.name for cell in queue.cells] == [other.name]
    assert queue.cells[0].cache is None
    assert {o.cell.name: o.reason for o in outcomes} == {
        done.name: "",
        other.name: f"the hub {hub} has lost the experiment that the job pushed",
    }
    assert toy.experiments() == {done.name}
