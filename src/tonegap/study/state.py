"""Decide which cells of a study are done, from the repository's records alone.

A cell is done when an experiment of its name has the same values of the parameters that its
stages read, the same code and data as the workspace, and an evaluation. Nothing else counts: no
queue, no log, no lock file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tonegap.params import Params
from tonegap.study.plan import Cell

Status = Literal["done", "running", "failed", "outdated", "missing"]


@dataclass(frozen=True)
class Record:
    """The facts of one experiment's commit.

    Attributes
    ----------
    name, commit : str
        The experiment.
    params : Params or None
        Its params.yaml; None if it is not valid today.
    inputs : mapping of path to git object
        Its code and data files, by content.
    evaluated : bool
        True if it holds an evaluation of its own model.
    """

    name: str
    commit: str
    params: Params | None
    inputs: Mapping[str, str]
    evaluated: bool


@dataclass(frozen=True)
class Attempt:
    """The last attempt at a cell on this machine: running, or ended with a reason.

    Attributes
    ----------
    name : str
        The cell.
    alive : bool
        True if its process is running.
    reason : str
        Why it failed; empty while it runs.
    """

    name: str
    alive: bool
    reason: str


@dataclass(frozen=True)
class CellState:
    """Status of a cell, the commit that makes it done, or the reason why it is not."""

    cell: Cell
    status: Status
    commit: str | None
    reason: str


def cell_states(
    cells: Sequence[Cell],
    records: Sequence[Record],
    attempts: Mapping[str, Attempt],
    inputs: Mapping[str, str],
    parameters: Sequence[str],
) -> list[CellState]:
    """Return the state of every cell, in the order of the cells.

    Parameters
    ----------
    cells
        The study.
    records
        Experiments with the cells' names, newest first; several may share a name.
    attempts
        Last attempts by cell name.
    inputs
        The workspace's code and data files, by content.
    parameters
        The parameters that the stages read, as dvc.yaml names them: ``train``, ``data.seed``,
        ``mixes.${data.mix}``.
    """
    return [
        _judge_one(cell, records, attempts.get(cell.name), inputs, parameters) for cell in cells
    ]


def _judge_one(
    cell: Cell,
    records: Sequence[Record],
    attempt: Attempt | None,
    inputs: Mapping[str, str],
    parameters: Sequence[str],
) -> CellState:
    mismatch = ""
    for record in records:
        if record.name != cell.name:
            continue
        problem = _mismatch(record, cell, inputs, parameters)
        if not problem:
            return CellState(cell, "done", record.commit, "")
        mismatch = mismatch or problem
    if attempt and attempt.alive:
        return CellState(cell, "running", None, "")
    if attempt and attempt.reason:
        return CellState(cell, "failed", None, attempt.reason)
    if mismatch:
        return CellState(cell, "outdated", None, mismatch)
    return CellState(cell, "missing", None, "")


def _mismatch(
    record: Record, cell: Cell, inputs: Mapping[str, str], parameters: Sequence[str]
) -> str:
    """Return why an experiment does not belong to the cell, or an empty string."""
    if record.params is None:
        return "its parameters are no longer valid"
    there, here = (_values(params, parameters) for params in (record.params, cell.params))
    for name, value in here.items():
        if there.get(name) != value:
            return f"its parameters differ: {name} is {there.get(name)!r} there, {value!r} here"
    changed = [path for path, content in inputs.items() if record.inputs.get(path) != content]
    if changed:
        return f"{changed[0]} has changed since"
    if not record.evaluated:
        return "it holds no evaluation of its model"
    return ""


def _values(params: Params, parameters: Sequence[str]) -> dict[str, object]:
    """Return the values of the named parameters, a group's one by one, by dotted name."""
    content = params.model_dump()
    found: dict[str, object] = {}
    for declared in parameters:
        group, _, key = declared.replace("${data.mix}", params.data.mix).partition(".")
        values = content[group]
        found |= {f"{group}.{name}": values[name] for name in ([key] if key else values)}
    return found
