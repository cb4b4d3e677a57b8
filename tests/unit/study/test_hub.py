from __future__ import annotations

import pytest

from tonegap.errors import MachineError, StudyError
from tonegap.study.hub import bring_home, done_at_hub, hub_address, require_baseline
from tonegap.study.records import experiment_ref


@pytest.fixture
def hub(toy, tmp_path):
    """Give a bare hub that holds the toy's branch."""
    toy.git("init", "--quiet", "--bare", "--initial-branch", "main", str(tmp_path / "hub.git"))
    toy.git("push", "--quiet", str(tmp_path / "hub.git"), "main")
    return str(tmp_path / "hub.git")


def head(toy):
    return toy.git("rev-parse", "HEAD")


def push_experiment(toy, hub, cell, **params):
    """Put an experiment on the hub only."""
    commit, ref = toy.save(cell, **params), experiment_ref(head(toy), cell.name)
    toy.git("push", "--quiet", hub, f"{ref}:{ref}")
    toy.git("update-ref", "-d", ref)
    return commit


def listed(toy, hub):
    return {line.split("/")[-1] for line in toy.git("ls-remote", hub, "refs/exps/*").splitlines()}


def test_a_hub_with_the_commit_will_do(toy, hub, tmp_path):
    """Also where its branch has gone on, by commits that this clone has never seen."""
    baseline = head(toy)
    require_baseline(toy.root, hub, baseline)
    toy.git("clone", "--quiet", hub, str(tmp_path / "other"))
    there = ("-C", str(tmp_path / "other"))
    toy.git(*there, "commit", "--quiet", "--allow-empty", "-m", "more")
    toy.git(*there, "push", "--quiet", "origin", "main")
    require_baseline(toy.root, hub, baseline)


def test_a_hub_without_the_commit_is_refused(toy, hub):
    """The message says what to push."""
    toy.write("README.md", "new")
    toy.commit()
    with pytest.raises(StudyError, match=f"contains commit {head(toy)[:10]}.*git push"):
        require_baseline(toy.root, hub, head(toy))


def test_a_hub_that_is_not_there(toy, tmp_path):
    """Git's own words, on one line."""
    with pytest.raises(MachineError, match="git ls-remote"):
        require_baseline(toy.root, str(tmp_path / "nowhere"), head(toy))


def test_results_are_brought_home(toy, hub):
    """The experiment comes under its own ref; where the hub has none, nothing changes."""
    cell = toy.study().cells[0]
    assert bring_home(toy.root, hub, head(toy), cell.name) == ""
    assert toy.experiments() == set()
    commit = push_experiment(toy, hub, cell)
    assert bring_home(toy.root, hub, head(toy), cell.name) == commit
    assert toy.git("rev-parse", experiment_ref(head(toy), cell.name)) == commit


def test_what_the_hub_has_is_done(toy, hub):
    """A cell that was pushed before a kill is not run again."""
    cell = toy.study().cells[0]
    assert not done_at_hub(toy.root, hub, head(toy), cell)
    push_experiment(toy, hub, cell)
    assert done_at_hub(toy.root, hub, head(toy), cell)
    assert toy.experiments() == {cell.name}


def test_other_results_of_the_name_are_renamed_there(toy, hub):
    """DVC refuses to push a second experiment of a name; the first is kept under another."""
    cell = toy.study().cells[0]
    old = push_experiment(toy, hub, cell, train__epochs=99)
    assert not done_at_hub(toy.root, hub, head(toy), cell)
    assert toy.experiments() == set()
    assert listed(toy, hub) == {f"{cell.name}-replaced-{old[:7]}"}


def test_paths_become_absolute(toy, monkeypatch):
    """Jobs start in other folders; urls are left alone."""
    monkeypatch.chdir(toy.root.parent)
    assert hub_address("toy") == str(toy.root)
    assert hub_address("ssh://host/hub.git") == "ssh://host/hub.git"
