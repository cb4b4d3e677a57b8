"""What an annotation table must hold, and how foreign text enters our tables.

The columns are Fitzpatrick17k's own; :func:`canonical_table` brings the tables of other
data sets into them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Literal, NamedTuple

import pandas as pd
import pandera.pandas as pa

from tonegap.errors import DataError, nearest

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
LABEL_COLUMNS: Final = ("label", "nine_partition_label", "three_partition_label")
FETCH_COLUMNS: Final = ("md5hash", "status", "origin", "bytes", "detail")
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
"""What became of an annotated image; docs/design.md says what each means."""

TAKEN: Final[tuple[Status, ...]] = ("verified", "rendered", "unverified")
"""Statuses of the images that are in data/raw.zip."""

TYPICAL_BYTES: Final = 75_000
"""Mean size of Fitzpatrick17k's originals (94 MB for 1,268), to ask for disk space by."""


class Outcome(NamedTuple):
    """One row of data/fetch.csv: what became of one annotated image.

    Attributes
    ----------
    md5hash
        The row.
    status
        One of :data:`Status`.
    origin
        ``phantom`` (drawn), ``store`` (the image store, where downloads go first), the
        host that was asked, or empty. It does not depend on which run brought the image.
    bytes
        Size of the image, 0 where there is none.
    detail
        More about a failure, as inert text.
    """

    md5hash: str
    status: Status
    origin: str = ""
    bytes: int = 0
    detail: str = ""


_MD5: Final = r"^[0-9a-f]{32}\Z"
_FST: Final = r"^(-1|[1-6])\Z"
# Spreadsheet programs run a cell that begins so as a formula.
_FORMULA: Final = r"^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]"  # the last four: wide = + - @
# Line breaks of every kind, and signs that turn the direction of what is shown around them.
_CONTROL: Final = r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]"
_LONGEST_LABEL: Final = 200
_LONGEST_TEXT: Final = 300  # of foreign text in our own tables
_FIRST_LINE: Final = 2  # line 1 of the file holds the column names

LINES: Final = "line"
"""Name of an index that says on which line of its file each row begins."""

_MEANING: Final = {
    "md5": "must be 32 lower-case hexadecimal digits: the md5 of the original image",
    "fst": "must be 1 to 6, or -1 for unknown",
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


def _free_text() -> pa.Column:
    return pa.Column(
        None, checks=_check("plain", f"{_FORMULA}|{_CONTROL}", absent=True), nullable=True
    )


ANNOTATIONS: Final = pa.DataFrameSchema(
    {
        "md5hash": pa.Column(None, checks=_check("md5", _MD5), nullable=False, unique=True),
        "fitzpatrick_scale": pa.Column(None, checks=_check("fst", _FST), nullable=False),
        "fitzpatrick_centaur": pa.Column(None, checks=_check("fst", _FST), nullable=False),
        "label": _label(),
        "nine_partition_label": _label(),
        "three_partition_label": _label(),
        "qc": _free_text(),
        "url": _free_text(),
        "url_alphanum": _free_text(),
    },
    strict=False,  # further columns are the user's own
)


def validate_annotations(
    frame: pd.DataFrame, origin: str, shown: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Check an annotation table, all cells of which are text or missing.

    Parameters
    ----------
    frame
        The table as read, in the order of the file. Messages name lines of the file by an
        index called :data:`LINES`; with another they count the rows.
    origin
        The file's name, for messages.
    shown
        Names of columns in that file, where they have others.

    Returns
    -------
    DataFrame
        The same rows.

    Raises
    ------
    DataError
        Naming the first column, line and value that break a rule.
    """
    missing = [name for name in ANNOTATION_COLUMNS if name not in frame.columns]
    if missing:
        raise DataError(
            f"{origin} lacks the column {missing[0]!r}, which every annotation table needs; it has "
            f"{_few(frame.columns)}; name the columns of another data set's table: `tonegap source "
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
    """Take blanks from the ends of labels, urls and names of files, where nobody sees them."""
    seen = [name for name in (*LABEL_COLUMNS, "url", "url_alphanum") if name in frame.columns]
    return frame.assign(**{name: _trimmed(frame[name]) for name in seen})


def _trimmed(cells: pd.Series) -> pd.Series:
    text = cells.str.strip()
    return text.mask(text == "")


def inert(text: object) -> str:
    """Foreign text made safe for a table: one line, and no formula.

    Control characters become spaces, what is no Unicode (names of files may hold such) its
    escape, and very long text loses its end. Text that a spreadsheet program would run gets
    an apostrophe in front, the sign by which such programs mark text.
    """
    encodable = str(text)[: 2 * _LONGEST_TEXT].encode("utf-8", "backslashreplace").decode("utf-8")
    line = " ".join(re.sub(_CONTROL, " ", encodable).split())
    if len(line) > _LONGEST_TEXT:
        line = f"{line[:_LONGEST_TEXT]}..."
    return f"'{line}" if re.search(_FORMULA, line) else line


def _few(names: Iterable[object], most: int = 12) -> str:
    """List names for a message: foreign tables may have thousands of columns."""
    shown = [repr(str(name)[:80]) for name in islice(names, most + 1)]
    return ", ".join(shown[:most]) + (" and more" if len(shown) > most else "")


def _nearest_column(name: str, frame: pd.DataFrame) -> str:
    return nearest(name, [inert(column) for column in islice(frame.columns, 200)])


def _first_problem(
    failures: pd.DataFrame, index: pd.Index, origin: str, shown: Mapping[str, str]
) -> str:
    first = failures.sort_values(["index", "column"], kind="stable", na_position="last").iloc[0]
    kind = _kind(first["check"])
    place = "" if pd.isna(first["index"]) else f", line {_line(index, int(first['index']))}"
    cell = "empty" if pd.isna(first["failure_case"]) else repr(first["failure_case"])[:120]
    column = inert(shown.get(first["column"], first["column"]))
    hint = "; --light and --dark make groups of other values" if shown and kind == "fst" else ""
    return f"{origin}{place}: {column} is {cell} but {_MEANING.get(kind, kind)}{hint}"


def _line(index: pd.Index, place: int) -> int:
    """Line of the row at a place, from 0, of a table."""
    return int(index[place]) if index.name == LINES else place + _FIRST_LINE


def _kind(check: Any) -> str:
    name = str(check)
    if name.startswith("not_nullable"):
        return "present"
    return "unique" if "unique" in name else name


@dataclass(frozen=True)
class ColumnNames:
    """Where another data set's table keeps what the study needs.

    Attributes
    ----------
    identifier
        Unique name of an image; where images are given, their file's name, with or
        without its suffix.
    fst
        Fitzpatrick skin type: 1 to 6 (also 1.0, or I to VI), empty or -1 for unknown. With
        ``light`` and ``dark`` any other variable that makes two groups.
    label
        The finest label.
    fst_second
        A second annotator's skin type; unknown where there is none.
    label_middle, label_coarse
        Coarser labels; each is the next finer one where there is none.
    url
        Where the image is; empty where there is none.
    light, dark
        Values of ``fst``, and of ``fst_second``, that make the two groups, where these hold no
        skin types: tones of another scale, say, or words. They become skin types 1 and 6, all
        other values unknown. Both empty: the columns hold skin types.
    """

    identifier: str
    fst: str
    label: str
    fst_second: str | None = None
    label_middle: str | None = None
    label_coarse: str | None = None
    url: str | None = None
    light: tuple[str, ...] = ()
    dark: tuple[str, ...] = ()

    def identifiers(self, frame: pd.DataFrame) -> pd.Series:
        """Names of the images of a table, without blanks at their ends."""
        return _trimmed(frame[self.identifier])

    def columns(self) -> list[str]:
        """Columns that are named."""
        return [self.identifier, *self.shown().values()]

    def shown(self) -> dict[str, str]:
        """Name, in the file, of each column of the study that comes from one."""
        columns = {
            "fitzpatrick_scale": self.fst,
            "fitzpatrick_centaur": self.fst_second,
            "label": self.label,
            "nine_partition_label": self.label_middle,
            "three_partition_label": self.label_coarse,
            "url": self.url,
            "url_alphanum": self.identifier,
        }
        return {column: name for column, name in columns.items() if name}


def canonical_table(
    frame: pd.DataFrame, names: ColumnNames, md5_by_identifier: Mapping[str, str], origin: str
) -> pd.DataFrame:
    """Bring another data set's table into the columns of this study.

    Parameters
    ----------
    frame
        The table as read: every cell text or missing; see :func:`validate_annotations`.
    names
        Its columns.
    md5_by_identifier
        md5 of each image that is at hand. A row without one gets the md5 of its
        identifier, which no image has: its image can only be had unverified.
    origin
        The file's name, for messages.

    Returns
    -------
    DataFrame
        :data:`ANNOTATION_COLUMNS`, validated, in the order of ``frame``; ``url_alphanum``
        holds the identifier.

    Raises
    ------
    DataError
        If a column is not there, or a value breaks a rule.
    """
    for name in names.columns():
        if name not in frame.columns:
            raise DataError(
                f"{origin} has no column {inert(name)!r}; {_nearest_column(name, frame)}"
            )
    identifiers = names.identifiers(frame)
    _require_identifiers(identifiers, origin)
    label = frame[names.label]
    middle = frame[names.label_middle] if names.label_middle else label
    table = pd.DataFrame(
        {
            "md5hash": [
                md5_by_identifier.get(name) or identifier_md5(name) for name in identifiers
            ],
            "fitzpatrick_scale": _first_type(frame[names.fst], names, origin),
            "fitzpatrick_centaur": _second_type(frame, names),
            "label": label,
            "nine_partition_label": middle,
            "three_partition_label": frame[names.label_coarse] if names.label_coarse else middle,
            "qc": None,
            "url": frame[names.url] if names.url else None,
            "url_alphanum": identifiers,
        },
        index=frame.index,
        columns=list(ANNOTATION_COLUMNS),
        dtype="str",
    )
    return validate_annotations(trimmed(table), origin, names.shown())


def identifier_md5(identifier: str) -> str:
    """Key of a row whose image is not at hand."""
    text = f"tonegap identifier {identifier}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def skin_type_text(cell: object) -> str:
    """Skin type as Fitzpatrick17k writes it: ``"1"`` to ``"6"``, ``"-1"`` for unknown.

    Text that is neither is returned as it is, for the validation to refuse.
    """
    text = cell.strip() if isinstance(cell, str) else ""
    if not text:
        return "-1"
    roman = {"I": "1", "II": "2", "III": "3", "IV": "4", "V": "5", "VI": "6"}
    return roman.get(text.upper(), re.sub(r"\.0+$", "", text))


def _first_type(values: pd.Series, names: ColumnNames, origin: str) -> pd.Series:
    if not names.light and not names.dark:
        return values.map(skin_type_text)
    light, dark = _spelled(names.light), _spelled(names.dark)
    if both := light & dark:
        raise DataError(f"{min(both)!r} is named as light and as dark; a value makes one group")
    present = {str(value).strip().lower() for value in values.dropna()}
    absent = sorted((light | dark) - present)
    if not light or not dark or absent:
        what = f"the value {absent[0]!r}" if absent else "a value for each group"
        raise DataError(
            f"{origin}: {what} is missing: light is {_few(names.light) or 'empty'}, dark is "
            f"{_few(names.dark) or 'empty'}, and the column {names.fst!r} holds "
            f"{_few(sorted(present))}"
        )
    return _grouped(values, names)


def _second_type(frame: pd.DataFrame, names: ColumnNames) -> pd.Series | str:
    if names.fst_second is None:
        return "-1"
    values = frame[names.fst_second]
    return _grouped(values, names) if names.light else values.map(skin_type_text)


def _grouped(values: pd.Series, names: ColumnNames) -> pd.Series:
    """Skin types that stand for the groups of another variable."""
    groups = dict.fromkeys(_spelled(names.light), "1") | dict.fromkeys(_spelled(names.dark), "6")
    return values.map(lambda value: groups.get(str(value).strip().lower(), "-1"))


def _spelled(values: Iterable[str]) -> set[str]:
    return {value.strip().lower() for value in values}


def _require_identifiers(identifiers: pd.Series, origin: str) -> None:
    wrong = identifiers.isna() | identifiers.duplicated()
    if wrong.any():
        place = int(wrong.to_numpy().argmax())
        found = identifiers.iloc[place]
        cell = repr(inert(found)) if isinstance(found, str) else "empty"
        raise DataError(
            f"{origin}, line {_line(identifiers.index, place)}: {identifiers.name} is {cell}, but "
            "identifiers must be there and occur once"
        )
