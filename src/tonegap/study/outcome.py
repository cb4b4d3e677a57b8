"""How an attempt at a cell ended."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tonegap.study.plan import Cell

INTERRUPTED = "it was interrupted"

_OURS = "tonegap: error:"
_DVC = "ERROR:"
_RAISED = re.compile(r"^(\w+\.)*\w*(Error|Exception|Exit|Interrupt|Timeout|Expired)\b")


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


def telling_line(output: str) -> str:
    """Pick the line of a program's output that says most about why it failed.

    tonegap's own message, else the last exception that Python named, else DVC's last error,
    which says only which stage failed but may have an offer of help below it, else the last line.
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    ours = [line.removeprefix(_OURS).strip() for line in lines if line.startswith(_OURS)]
    raised = [line for line in lines if _RAISED.match(line)]
    theirs = [line for line in lines if line.startswith(_DVC)]
    return (ours or raised or theirs or lines or ["no output"])[-1]
