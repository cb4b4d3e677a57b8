from __future__ import annotations

import pytest

from tonegap.study.records import (
    is_done,
    note_attempt,
    note_path,
    read_grounds,
    read_records,
    require_committed,
    study_lock,
    study_state,
)

NAME = "toy-light-s0"


def first(toy):
    return study_state(toy.root, toy.study())[0]


def experiment_of(toy, name):
    """Give where an experiment is kept, below refs/exps."""
    refs = toy.git("for-each-ref", "--format=%(refname)", "refs/exps").split()
    return next(ref for ref in refs if ref.endswith(f"/{name}")).removeprefix("refs/exps/")


def test_nothing_tried_is_missing(toy):
    """A fresh clone has no notes and no experiments."""
    assert {state.status for state in study_state(toy.root, toy.study())} == {"missing"}


def test_an_experiment_makes_a_cell_done(toy):
    """Its commit is what the state names."""
    cell = toy.study().cells[0]
    assert not is_done(toy.root, cell)
    commit = toy.save(cell)
    assert (first(toy).status, first(toy).commit) == ("done", commit)
    assert is_done(toy.root, cell)


@pytest.mark.parametrize(
    ("path", "changed", "named"),
    [
        ("data.dvc", "outs:\n- path: data/annotations.csv\n  md5: aa\n", "data.dvc"),
        ("src/tonegap/stages/train.py", "# changed\n", "src/tonegap/stages/train.py"),
        ("lists/clean.csv", "md5hash\n", "lists"),
    ],
)
def test_changed_inputs_make_it_outdated(toy, path, changed, named):
    """Code and data are compared by content, over all baselines."""
    toy.save(toy.study().cells[0])
    toy.write("README.md", "another commit")
    toy.commit()
    assert first(toy).status == "done"
    before = (toy.root / path).read_text()
    toy.write(path, changed)
    toy.commit()
    assert (first(toy).status, first(toy).reason) == ("outdated", f"{named} has changed since")
    toy.write(path, before)
    toy.commit()
    assert first(toy).status == "done"


def test_files_named_in_dvc_yaml_count_wherever_they_are(toy):
    """A model of one's own counts once dvc.yaml names it; what stages write does not."""
    text = (toy.root / "dvc.yaml").read_text()
    toy.write("dvc.yaml", text.replace("- lists\n", "- lists\n      - mine/vae.py\n"))
    paths = read_grounds(toy.root).files
    assert {"mine/vae.py", "lists", "data.dvc", "src/tonegap/stages/train.py"} <= set(paths)
    assert not [path for path in paths if path.startswith(("data/", "models/", "metrics/"))]


def test_a_live_attempt_is_running_while_the_study_is(toy):
    """A note says running; whether that is so, the lock of the study tells."""
    note_attempt(toy.root, NAME, alive=True)
    with study_lock(toy.root, "toy"):
        assert first(toy).status == "running"
    assert (first(toy).status, first(toy).reason) == ("failed", "it was interrupted")


def test_a_failed_attempt_keeps_its_reason(toy):
    """The reason outlives the process that met it, until the cell is done."""
    note_attempt(toy.root, NAME, alive=False, reason="disk full")
    assert (first(toy).status, first(toy).reason) == ("failed", "disk full")
    toy.save(toy.study().cells[0])
    assert first(toy).status == "done"


def test_an_experiment_that_ended_before_its_evaluation_is_not_done(toy, repository):
    """`dvc exp run -n NAME ... train` by hand leaves the evaluation of another model in place."""
    lock = (repository / "dvc.lock").read_text()
    toy.write("dvc.lock", lock)
    toy.commit()
    cell = toy.study().cells[0]
    toy.save(cell)
    assert first(toy).status == "done"
    head, tail = lock.split("path: models/vae.safetensors", maxsplit=1)
    toy.write("dvc.lock", f"{head}path: models/vae.safetensors{tail.replace('md5: ', 'md5: 0', 1)}")
    toy.commit()
    toy.git("update-ref", "-d", f"refs/exps/{experiment_of(toy, cell.name)}")
    toy.save(cell)
    assert (first(toy).status, first(toy).reason) == (
        "outdated",
        "it holds no evaluation of its model",
    )


@pytest.mark.parametrize("content", ["", "{", '{"alive": true}', "[]"])
def test_a_broken_note_is_no_note(toy, content):
    """A note cut short by a kill stops nobody."""
    note_attempt(toy.root, NAME, alive=True)
    note_path(toy.root, NAME).write_text(content)
    assert first(toy).status == "missing"


def test_parameters_that_are_refused_today_make_it_outdated(toy):
    """An experiment of an older version may hold keys that are gone."""
    cell = toy.study().cells[0]
    before = (toy.root / "params.yaml").read_text()
    for text in (before.replace("epochs:", "epoch_count:"), "{", None):
        if text is None:
            (toy.root / "params.yaml").unlink()
        else:
            toy.write("params.yaml", text)
        head = toy.git("rev-parse", "HEAD")
        toy.git("update-ref", f"refs/exps/{head[:2]}/{head[2:]}/{cell.name}", toy.commit())
        toy.git("reset", "--quiet", "--hard", head)
        (record,) = read_records(toy.root, [cell], [])
        assert record.params is None
        assert first(toy).status == "outdated"


def test_committed_inputs_are_enough(toy):
    """Notes, other studies and results of the workspace do not stop a study."""
    toy.write("studies/other.yaml", "{}")
    toy.write("metrics/new.json", "{}")
    require_committed(toy.root)
