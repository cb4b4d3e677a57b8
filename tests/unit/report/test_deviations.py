"""The report quotes docs/deviations.md."""

from __future__ import annotations

import pytest

from tonegap.errors import DataError
from tonegap.report.context import Deviation
from tonegap.report.deviations import parse_deviations

TABLE = """# Title

| other | table |
|---|---|
| a | b |

| topic | paper | tonegap | parameter |
|:---|---|---|---:|
| mix | 50/50 | `a` \\| b | `data.mix` |
"""


def test_the_projects_own_table_is_read(repository):
    """Every row of the committed table arrives, with four non-empty cells."""
    text = (repository / "docs" / "deviations.md").read_text(encoding="utf-8")
    rows = parse_deviations(text)
    assert len(rows) == sum(line.startswith("| ") for line in text.splitlines()) - 1
    assert all(row.topic and row.paper and row.tonegap and row.parameter for row in rows)


def test_cells_lose_their_markup_and_keep_their_bars():
    """An escaped bar is text, not the edge of a cell; code marks go."""
    assert parse_deviations(TABLE) == [Deviation("mix", "50/50", "a | b", "data.mix")]


@pytest.mark.parametrize(
    ("text", "message"),
    [("# nothing", "no table"), (TABLE + "| short | row |\n", "has 2 cells")],
)
def test_other_tables_are_refused(text, message):
    """A missing table and a short row are errors of one line."""
    with pytest.raises(DataError, match=message) as error:
        parse_deviations(text)
    assert "\n" not in str(error.value)
