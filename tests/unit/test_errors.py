from __future__ import annotations

import pytest

from tonegap.errors import DataError, first_line, named_line, one_line


@pytest.mark.parametrize(
    ("text", "one", "first", "named"),
    [
        ("a\n  b\tc ", "a b c", "a", "DataError: a b c"),
        ("plain", "plain", "plain", "DataError: plain"),
        (" \n", "DataError", "DataError", "DataError"),
        ("", "DataError", "DataError", "DataError"),
    ],
)
def test_an_error_becomes_one_line(text, one, first, named):
    """Breaks and runs of blanks become one blank; without text the type's name stands in."""
    error = DataError(text)
    assert (one_line(error), first_line(error), named_line(error)) == (one, first, named)
