"""Read the table of docs/deviations.md, so that the report cannot contradict it."""

from __future__ import annotations

import re

from tonegap.errors import DataError
from tonegap.report.context import Deviation

_HEADER = ("topic", "paper", "tonegap", "parameter")
_CELL_EDGE = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"^:?-+:?$")


def parse_deviations(markdown: str) -> list[Deviation]:
    """Take the rows of the first table whose columns are topic, paper, tonegap, parameter.

    Raises
    ------
    DataError
        If there is no such table, or a row has the wrong number of cells.
    """
    rows = [_cells(line) for line in markdown.splitlines() if line.lstrip().startswith("|")]
    headers = [number for number, row in enumerate(rows) if tuple(row) == _HEADER]
    if not headers:
        raise DataError(
            "docs/deviations.md has no table with the columns topic, paper, tonegap, parameter, "
            "which the report quotes"
        )
    body = [row for row in rows[headers[0] + 1 :] if not all(map(_RULE.match, row))]
    for row in body:
        if len(row) != len(_HEADER):
            raise DataError(
                f"docs/deviations.md: the row {row[0]!r} has {len(row)} cells, expected "
                f"{len(_HEADER)}; write | inside a cell as \\|"
            )
    return [Deviation(*row) for row in body]


def _cells(line: str) -> list[str]:
    cells = _CELL_EDGE.split(line.strip())[1:-1]
    return [cell.strip().replace("\\|", "|").replace("`", "") for cell in cells]
