"""Choose the runs of one model from a study whose grid holds several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tonegap.errors import StudyError
from tonegap.study.plan import Cell, Overrides
from tonegap.study.state import CellState

_TOLD_APART = ("data.mix", "data.seed", "data.distinct")


def runs_where(states: Sequence[CellState], where: Overrides) -> list[CellState]:
    """Choose runs of a study whose grid holds more than mixes and seeds.

    Parameters
    ----------
    states
        The state of each cell.
    where
        Dotted parameters of the grid and the values that the chosen runs have; empty takes
        all runs.

    Raises
    ------
    StudyError
        If no run has such a value, or the chosen runs differ in a parameter that the tables
        do not record: figures and claims would treat several models as one.
    """
    choices = _choices([state.cell for state in states])
    for dotted, value in where.items():
        if value not in choices.get(dotted, ()):
            known = _spelled(choices) or "no other parameter"
            raise StudyError(f"no run has {dotted}={value}; the runs differ in {known}")
    chosen = [
        state
        for state in states
        if all(state.cell.overrides[dotted] == value for dotted, value in where.items())
    ]
    if left := _choices([state.cell for state in chosen]):
        hint = " ".join(f"--where {dotted}={values[0]}" for dotted, values in left.items())
        raise StudyError(
            f"the runs differ in {_spelled(left)}, but figures and claims describe one model; "
            f"choose, for instance {hint} (`dvc exp show` compares them all)"
        )
    return chosen


def _choices(cells: Sequence[Cell]) -> dict[str, list[Any]]:
    """Return the values of each differing parameter that the tables do not record."""
    first = cells[0].overrides if cells else {}
    values = {
        dotted: [v for n, v in enumerate(found) if v not in found[:n]]
        for dotted in first
        if dotted not in _TOLD_APART
        for found in [[cell.overrides[dotted] for cell in cells]]
    }
    return {dotted: found for dotted, found in values.items() if len(found) > 1}


def _spelled(choices: Mapping[str, Sequence[Any]]) -> str:
    return ", ".join(
        f"{dotted} ({', '.join(map(str, values))})" for dotted, values in choices.items()
    )
