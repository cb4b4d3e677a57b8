"""How an attempt at a cell ended."""

from __future__ import annotations

from dataclasses import dataclass

from tonegap.study.plan import Cell

INTERRUPTED = "it was interrupted"


@dataclass(frozen=True)
class Outcome:
    """How an attempt at a cell ended.

    Attributes
    ----------
    cell : Cell
        Which cell.
    reason : str
        Why it failed, one line; empty where it succeeded.
    seconds : float
        Wall time of the attempt.
    """

    cell: Cell
    reason: str
    seconds: float
