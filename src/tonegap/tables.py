"""The rules of an annotation table, and how foreign text enters our tables.

The columns are Fitzpatrick17k's own; :mod:`tonegap.foreign` converts the tables of
other data sets to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final, Literal, NamedTuple

import pandas as pd
import pandera.pandas as pa

from tonegap.errors import DataError
from tonegap.labels import ANNOTATION_LABELS, LABEL_COLUMNS
from tonegap.nearest import nearest
from tonegap.skin_types import CODED

ANNOTATION_COLUMNS: Final = (
    "md5hash",
    "fitzpatrick_scale",
    "fitzpatrick_centaur",
    "label",
    "nine_partition_label",
    "three_partition_label",
    "qc",
    "url",
    "url_alphanum",
)
SUBJECT: Final = "subject"
"""Column of an annotation table that names what is above the image, such as a patient; optional."""

GROUP_WORDS: Final = ("fst", "fst_second", "fst_both", "ita")
"""Words of ``groups.column`` that mean no column of the annotation table."""

FETCH_COLUMNS: Final = ("md5hash", "status", "origin", "bytes", "detail")
ROW_COLUMNS: Final = (
    *("md5hash", "group", "fst", "fst_second"),
    *LABEL_COLUMNS.values(),
    "source",
)
"""Columns of data/groups.csv, the table of all annotated rows."""

UNIT_COLUMNS: Final = ("cluster", "copies", SUBJECT)
"""What images share, each called after its smallest md5hash: near duplicates (``copies``), a
patient or case (``subject``), and either, directly or through others (``cluster``)."""

COHORT_COLUMNS: Final = (*ROW_COLUMNS, *UNIT_COLUMNS, "qc", "ita", "side", "bytes_per_pixel")
"""Columns of data/cohort.csv: what later stages know about an image."""

PHANTOM_SCHEME: Final = "phantom:"

Status = Literal[
    "verified",
    "rendered",
    "unverified",
    "md5_mismatch",
    "missing_url",
    "refused_url",
    "not_downloaded",
    "not_found",
    "http_error",
    "too_many_redirects",
    "unreachable",
    "timeout",
    "truncated",
    "too_large",
    "not_an_image",
]
"""Outcome for an annotated image; docs/design.md explains each."""

TAKEN: Final[tuple[Status, ...]] = ("verified", "rendered", "unverified")
"""Statuses of the images that are in data/raw.zip."""

TYPICAL_BYTES: Final = 75_000
"""Mean size of Fitzpatrick17k's originals (94 MB for 1,268), to estimate disk space."""


class FetchOutcome(NamedTuple):
    """One row of data/fetch.csv: the outcome for one annotated image.

    Attributes
    ----------
    md5hash
        The row.
    status
        One of :data:`Status`.
    origin
        ``phantom`` (rendered), ``store`` (the image store, where downloads go first), the
        host of a failed download, or empty. It does not depend on which run stored the image.
    bytes
        Size of the image, 0 if there is none.
    detail
        More about a failure, as inert text.
    """

    md5hash: str
    status: Status
    origin: str = ""
    bytes: int = 0
    detail: str = ""


_MD5: Final = r"^[0-9a-f]{32}\Z"
# Spreadsheets execute cells that start with these characters as formulas; the last four are wide
# = + - @. A plain negative number, also as the name of a file, is none.
_FORMULA: Final = (
    r"^\s*[=+\t\r@\uff1d\uff0b\uff0d\uff20]|^\s*-(?!\d+(?:\.\d+)?(?:\.[a-zA-Z]{1,5})?\s*\Z)"
)
# Line breaks of every kind, and characters that change the direction of text around them.
_CONTROL: Final = r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]"
_LONGEST_LABEL: Final = 200
_LONGEST_TEXT: Final = 300  # of foreign text in our own tables
_FIRST_LINE: Final = 2  # line 1 of the file holds the column names

LINES: Final = "line"
"""Name of an index that says on which line of its file each row begins."""

_MEANING: Final = {
    "md5": "must be 32 lower-case hexadecimal digits: the md5 of the original image",
    "fst": "must be a skin type, 1 to 6, a span such as 1-2, or -1 for unknown",
    "present": "must not be empty",
    "plain": (
        "must be one line of plain text that no spreadsheet program would run as a formula "
        "(it must not begin with = + - @)"
    ),
    "short": f"must have at most {_LONGEST_LABEL} characters",
    "unique": "must occur once: rows are told apart by it",
}


def _check(name: str, pattern: str, *, absent: bool = False) -> pa.Check:
    expression = re.compile(pattern)
    return pa.Check(
        lambda cell: (expression.search(str(cell)) is None) == absent,
        element_wise=True,
        name=name,
    )


def _short() -> pa.Check:
    return pa.Check(lambda cell: len(str(cell)) <= _LONGEST_LABEL, element_wise=True, name="short")


def _label() -> pa.Column:
    plain = _check("plain", f"{_FORMULA}|{_CONTROL}", absent=True)
    checks = [plain, _check("present", r"\S"), _short()]
    return pa.Column(None, checks=checks, nullable=False)


def _free_text(*, required: bool = True) -> pa.Column:
    plain = _check("plain", f"{_FORMULA}|{_CONTROL}", absent=True)
    return pa.Column(None, checks=plain, nullable=True, required=required)


ANNOTATIONS: Final = pa.DataFrameSchema(
    {
        "md5hash": pa.Column(None, checks=_check("md5", _MD5), nullable=False, unique=True),
        "fitzpatrick_scale": pa.Column(None, checks=_check("fst", CODED), nullable=False),
        "fitzpatrick_centaur": pa.Column(None, checks=_check("fst", CODED), nullable=False),
        "label": _label(),
        "nine_partition_label": _label(),
        "three_partition_label": _label(),
        "qc": _free_text(),
        "url": _free_text(),
        "url_alphanum": _free_text(),
        SUBJECT: _free_text(required=False),
    },
    strict=False,  # further columns are the user's own
)


def validate_annotations(
    frame: pd.DataFrame, origin: str, shown: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Check an annotation table whose cells are all text or missing.

    Parameters
    ----------
    frame
        The table as read, in the order of the file. If its index is called :data:`LINES`,
        messages name lines of the file; otherwise they count rows.
    origin
        The file's name, for messages.
    shown
        Names of columns in that file, if they differ.

    Returns
    -------
    DataFrame
        The same rows.

    Raises
    ------
    DataError
        If a value breaks a rule; the message names the first column, line and value.
    """
    missing = [name for name in ANNOTATION_COLUMNS if name not in frame.columns]
    if missing:
        raise DataError(
            f"{origin} lacks the column {missing[0]!r}, which every annotation table needs; it has "
            f"{few(frame.columns)}; name the columns of another data set's table: `tonegap source "
            "table FILE --identifier COLUMN --fst COLUMN --label COLUMN` (docs/other-data.md)"
        )
    if frame.empty:
        raise DataError(f"{origin} has no rows; there is nothing to fetch")
    try:
        return ANNOTATIONS.validate(frame.reset_index(drop=True), lazy=True)
    except pa.errors.SchemaErrors as problems:
        words = _first_problem(problems.failure_cases, frame.index, origin, shown or {})
        raise DataError(words) from None


def trimmed(frame: pd.DataFrame) -> pd.DataFrame:
    """Strip blanks from the ends of labels, urls and names of files, where they are invisible."""
    texts = (*ANNOTATION_LABELS.values(), "url", "url_alphanum")
    seen = [name for name in texts if name in frame.columns]
    return frame.assign(**{name: trimmed_cells(frame[name]) for name in seen})


def trimmed_cells(cells: pd.Series) -> pd.Series:
    """Strip blanks from the ends of cells; blank cells become missing."""
    text = cells.str.strip()
    return text.mask(text == "")


def inert(text: object) -> str:
    """Return foreign text made safe for a table: one line, and not a formula.

    Replace control characters by spaces, escape invalid Unicode (file names may contain it),
    and truncate very long text. Text that a spreadsheet would execute gets a leading
    apostrophe, by which spreadsheets mark text.
    """
    encodable = str(text)[: 2 * _LONGEST_TEXT].encode("utf-8", "backslashreplace").decode("utf-8")
    line = " ".join(re.sub(_CONTROL, " ", encodable).split())
    if len(line) > _LONGEST_TEXT:
        line = f"{line[:_LONGEST_TEXT]}..."
    return f"'{line}" if re.search(_FORMULA, line) else line


def few(names: Iterable[object], most: int = 12) -> str:
    """List names for a message: foreign tables may have thousands of columns."""
    shown = [repr(str(name)[:80]) for name in islice(names, most + 1)]
    return ", ".join(shown[:most]) + (" and more" if len(shown) > most else "")


def nearest_column(name: str, frame: pd.DataFrame) -> str:
    """Suggest the column that a name may mean, for a message."""
    return nearest(name, [inert(column) for column in islice(frame.columns, 200)])


def _first_problem(
    failures: pd.DataFrame, index: pd.Index, origin: str, shown: Mapping[str, str]
) -> str:
    first = failures.sort_values(["index", "column"], kind="stable", na_position="last").iloc[0]
    kind = _kind(first["check"])
    place = "" if pd.isna(first["index"]) else f", line {line_of(index, int(first['index']))}"
    cell = "empty" if pd.isna(first["failure_case"]) else repr(first["failure_case"])[:120]
    column = inert(shown.get(first["column"], first["column"]))
    hint = "; --light and --dark make groups of other values" if shown and kind == "fst" else ""
    return f"{origin}{place}: {column} is {cell} but {_MEANING.get(kind, kind)}{hint}"


def line_of(index: pd.Index, place: int) -> int:
    """Return the line of the row at a position (from 0) of a table."""
    return int(index[place]) if index.name == LINES else place + _FIRST_LINE


def _kind(check: Any) -> str:
    name = str(check)
    if name.startswith("not_nullable"):
        return "present"
    return "unique" if "unique" in name else name
