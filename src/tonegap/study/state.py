"""Which cells of a study are done: pure judgement over what the repository records.

A cell is done when an experiment of its name has its parameters, the same code and data
as the workspace, and an evaluation. Nothing else counts: no queue, no log, no lock file.
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
    """What one experiment's commit says.

    Attributes
    ----------
    name, commit : str
        The experiment.
    params : Params or None
        Its params.yaml; None where it is not valid today.
    inputs : mapping of path to git object
        Its code and data files, by content.
    evaluated : bool
        Whether it holds an evaluation of its own model.
    """

    name: str
    commit: str
    params: Params | None
    inputs: Mapping[str, str]
    evaluated: bool


@dataclass(frozen=True)
class Attempt:
    """The last attempt at a cell on this machine: alive, or ended with a reason.

    Attributes
    ----------
    name : str
        The cell.
    alive : bool
        Whether its process is there.
    reason : str
        Why it failed; empty while it runs.
    """

    name: str
    alive: bool
    reason: str


@dataclass(frozen=True)
class CellState:
    """Status of a cell, the commit that makes it done, and a reason where it is not."""

    cell: Cell
    status: Status
    commit: str | None
    reason: str


def judge(
    cells: Sequence[Cell],
    records: Sequence[Record],
    attempts: Mapping[str, Attempt],
    inputs: Mapping[str, str],
) -> list[CellState]:
    """Give the state of every cell, in the order of the cells.

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
    """
    return [_judge_one(cell, records, attempts.get(cell.name), inputs) for cell in cells]


def _judge_one(
    cell: Cell, records: Sequence[Record], attempt: Attempt | None, inputs: Mapping[str, str]
) -> CellState:
    mismatch = ""
    for record in records:
        if record.name != cell.name:
            continue
        problem = _mismatch(record, cell, inputs)
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


def _mismatch(record: Record, cell: Cell, inputs: Mapping[str, str]) -> str:
    """Say why an experiment is not the cell's; empty where it is."""
    if record.params != cell.params:
        return f"its parameters differ: {_first_difference(record.params, cell.params)}"
    changed = [path for path, content in inputs.items() if record.inputs.get(path) != content]
    if changed:
        return f"{changed[0]} has changed since"
    if not record.evaluated:
        return "it holds no evaluation of its model"
    return ""


def _first_difference(one: Params | None, other: Params) -> str:
    if one is None:
        return "they are not valid any more"
    mine, theirs = one.model_dump(), other.model_dump()
    for group, keys in theirs.items():
        for key, value in keys.items():
            if mine[group].get(key) != value:
                return f"{group}.{key} is {mine[group].get(key)!r} there, {value!r} here"
        for key in set(mine[group]) - set(keys):
            return f"{group}.{key} is {mine[group][key]!r} there"
    return "unknown"
