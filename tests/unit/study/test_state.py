from __future__ import annotations

import pytest

from tonegap.files.parameters import read_yaml
from tonegap.study.plan import overridden, plan_study
from tonegap.study.state import Attempt, Record, cell_states

INPUTS = {"data.dvc": "aaa", "src/tonegap/model": "bbb"}
PARAMETERS = ("data.mix", "data.seed", "mixes.${data.mix}", "model", "train")


@pytest.fixture
def base(repository):
    return read_yaml(repository / "params.yaml")


@pytest.fixture
def cell(base):
    return plan_study("toy", {"grid": {"data.mix": ["dark"]}}, base).cells[0]


def record(cell, **changes) -> Record:
    facts = {
        "name": cell.name,
        "commit": "c0ffee",
        "params": cell.params,
        "inputs": INPUTS,
        "evaluated": True,
    }
    return Record(**{**facts, **changes})


def one(cell, records=(), attempts=None):
    return cell_states([cell], list(records), attempts or {}, INPUTS, PARAMETERS)[0]


def test_a_matching_experiment_makes_a_cell_done(cell):
    """Name, parameters, code, data and an evaluation: then, and only then, it is done."""
    state = one(cell, [record(cell)])
    assert (state.status, state.commit) == ("done", "c0ffee")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"inputs": {**INPUTS, "src/tonegap/model": "ccc"}}, "src/tonegap/model has changed"),
        ({"inputs": {"data.dvc": "aaa"}}, "src/tonegap/model has changed"),
        ({"evaluated": False}, "no evaluation"),
        ({"params": None}, "no longer valid"),
    ],
)
def test_an_experiment_of_other_inputs_is_outdated(cell, changes, reason):
    """Results of other code, other data or an unfinished run never count."""
    state = one(cell, [record(cell, **changes)])
    assert (state.status, state.commit) == ("outdated", None)
    assert reason in state.reason


def test_other_parameters_are_named(cell, base):
    """A reader learns which parameter made the experiment outdated."""
    other = plan_study(
        "toy", {"grid": {"data.mix": ["dark"]}, "set": {"train.epochs": 99}}, base
    ).cells[0]
    state = one(cell, [record(cell, params=other.params)])
    assert "train.epochs is 99 there" in state.reason


def test_an_older_matching_experiment_counts(cell):
    """A newer, outdated experiment of the same name does not hide a good one."""
    records = [record(cell, evaluated=False, commit="new"), record(cell, commit="old")]
    assert one(cell, records).commit == "old"


def test_an_experiment_of_another_name_does_not_count(cell):
    """The same parameters under another name are another run."""
    assert one(cell, [record(cell, name="toy-light")]).status == "missing"


def test_attempts_say_running_and_failed(cell):
    """What is not done is running, failed with its reason, or missing."""
    assert (
        one(cell, attempts={cell.name: Attempt(cell.name, alive=True, reason="")}).status
        == "running"
    )
    failed = one(cell, attempts={cell.name: Attempt(cell.name, alive=False, reason="disk full")})
    assert (failed.status, failed.reason) == ("failed", "disk full")
    assert one(cell).status == "missing"


def test_done_wins_over_an_old_failure(cell):
    """A cell that failed and was then finished is done."""
    attempts = {cell.name: Attempt(cell.name, alive=False, reason="disk full")}
    assert one(cell, [record(cell)], attempts).status == "done"


def test_overridden_leaves_the_base_alone(base):
    """Planning a study does not change the parameters it starts from."""
    before = base["data"]["seed"]
    assert overridden(base, {"data.seed": 5}, "x")["data"]["seed"] == 5
    assert base["data"]["seed"] == before
