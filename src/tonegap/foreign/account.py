"""An account of a table's rows: what was done to them, and which were left out, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import pandas as pd

from tonegap.tables import inert, line_of


class LeftOut(NamedTuple):
    """A row that was left out.

    Attributes
    ----------
    line
        Its line in the table's file.
    name
        The row's image.
    reason
        Why; completes "it was left out because ...".
    """

    line: int
    name: str
    reason: str


@dataclass
class Account:
    """What became of the rows of a table, in the order in which it happened.

    Attributes
    ----------
    origin
        The table's name, for messages.
    notes
        Sentences with counts.
    left_out
        Every row that was left out.
    """

    origin: str
    notes: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def leave_out(self, rows: pd.DataFrame, names: pd.Series, reason: str) -> None:
        """Record rows that leave, and how many they are.

        Parameters
        ----------
        rows
            The rows; their index holds lines.
        names
            What each is called.
        reason
            Why they leave.
        """
        if rows.empty:
            return
        lines = [line_of(rows.index, place) for place in range(len(rows))]
        self.left_out += [
            LeftOut(line, inert(name) if isinstance(name, str) else "", reason)
            for line, name in zip(lines, names, strict=True)
        ]
        self.notes.append(f"{len(rows)} rows left out: {reason}")
