"""Skin tone of another table as Fitzpatrick types, or as groups that stand in their place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import pandas as pd

from tonegap.errors import DataError
from tonegap.foreign.account import Account
from tonegap.presets.schema import Tone
from tonegap.skin_types import TYPES, UNKNOWN, is_absent, skin_type
from tonegap.tables import few, inert, line_of

LIGHT, DARK = "1", "6"
"""Types that stand for the light and the dark group of another variable."""

_RANGE: Final = re.compile(r"\s*(-?\d+(?:\.\d+)?)?\s*\.\.\s*(-?\d+(?:\.\d+)?)?\s*")
_NUMBER: Final = re.compile(r"(?:[a-z]+\s*)?(-?\d+(?:[.,]\d+)?(?:e-?\d+)?)", re.IGNORECASE)
_CODINGS: Final = "1 to 6, I to VI, FST3, 12 or I-II; empty, -1, nan or NONE_SELECTED if unknown"

Coding = Callable[[pd.Series], pd.Series]


def skin_type_columns(
    frame: pd.DataFrame, tone: Tone | None, account: Account
) -> tuple[pd.Series, pd.Series]:
    """Read the skin types of the first and the second annotator.

    Returns
    -------
    tuple of Series
        As our own tables write them; ``-1`` in every row without ``tone``.

    Raises
    ------
    DataError
        If a cell cannot be read, or a value that makes a group does not occur.
    """
    unknown = pd.Series(UNKNOWN, index=frame.index, dtype="str")
    if tone is None:
        return unknown, unknown
    coding = _coding(frame[list(tone.columns)], tone, account)
    first = _most_frequent([coding(frame[name]) for name in tone.columns])
    if not tone.second:
        return first, unknown
    return first, _most_frequent([coding(frame[name]) for name in tone.second])


def _coding(cells: pd.DataFrame, tone: Tone, account: Account) -> Coding:
    if tone.fitzpatrick:
        return lambda column: _types(column, account.origin)
    if tone.darkest_first:
        return _turned(cells, tone.darkest_first, account)
    _require_groups(cells, tone, account.origin)
    return lambda column: _grouped(column, tone)


def _types(column: pd.Series, origin: str) -> pd.Series:
    """Read Fitzpatrick types; each distinct cell is read once."""
    read = {cell: skin_type(cell) for cell in column.dropna().unique()}
    types = column.map(lambda cell: read.get(cell, UNKNOWN) if isinstance(cell, str) else UNKNOWN)
    wrong = types.isna()
    if wrong.any():
        place = int(wrong.to_numpy().argmax())
        raise DataError(
            f"{origin}, line {line_of(column.index, place)}: {inert(column.name)} is "
            f"{inert(column.iloc[place])[:80]!r}, which is no Fitzpatrick type ({_CODINGS}); "
            "--light and --dark make groups of other values, or of ranges such as 28.. and ..10"
        )
    return types.astype("str")


def _most_frequent(columns: Sequence[pd.Series]) -> pd.Series:
    """Return the most frequent type of each row; a span of them where several are."""
    if len(columns) == 1:
        return columns[0]
    rows = zip(*columns, strict=True)
    return pd.Series([_vote(row) for row in rows], index=columns[0].index, dtype="str")


def _vote(types: Sequence[str]) -> str:
    votes = Counter(each for each in types if each != UNKNOWN)
    if not votes:
        return UNKNOWN
    most = max(votes.values())
    ends = [int(end) for each, n in votes.items() if n == most for end in each.split("-")]
    low, high = min(ends), max(ends)
    return str(low) if low == high else f"{low}-{high}"


def _turned(cells: pd.DataFrame, numberings: Sequence[Sequence[int]], account: Account) -> Coding:
    """Read a scale whose first class is the darkest, by the first numbering that fits."""
    found = {text for name in cells for text in map(_class, cells[name]) if text is not None}
    fits = [n for n in numberings if found <= {str(each) for each in n}]
    if not fits:
        shown = " or ".join(f"{n[0]} to {n[-1]}" for n in numberings)
        raise DataError(
            f"{account.origin}: {inert(cells.columns[0])} holds {few(sorted(found))}, expected "
            f"classes from {shown}, the darkest first; is it another edition of the table?"
        )
    numbering = fits[0]
    types = {str(each): str(TYPES[-1] - place) for place, each in enumerate(numbering)}
    account.notes.append(
        f"{inert(cells.columns[0])} counts from {numbering[0]} (darkest) to {numbering[-1]} "
        f"(lightest) and was turned round: {numbering[0]} is written as type {TYPES[-1]}, "
        f"{numbering[-1]} as type {TYPES[0]}"
    )
    return lambda column: column.map(lambda cell: types.get(_class(cell) or "", UNKNOWN))


def _class(cell: object) -> str | None:
    """Return the class of a cell as text, such as ``3`` for ``3.0``; None if it is missing."""
    if is_absent(cell) or str(cell).strip() == UNKNOWN:
        return None
    return re.sub(r"[.,]0+$", "", str(cell).strip())


def _require_groups(cells: pd.DataFrame, tone: Tone, origin: str) -> None:
    """Reject values that make both groups or none, and groups that no row is in."""
    light, dark = set(map(_plain, tone.light)), set(map(_plain, tone.dark))
    if both := light & dark:
        raise DataError(f"{min(both)!r} is named as light and as dark; a value makes one group")
    column = pd.concat([cells[name] for name in cells], ignore_index=True)
    absent = [text for text in sorted(light | dark) if not _holds([text], column).any()]
    if not light or not dark or absent:
        what = f"the value {absent[0]!r}" if absent else "a value for each group"
        present = sorted({str(cell).strip().lower() for cell in column.dropna()})
        raise DataError(
            f"{origin}: {what} is missing: light is {few(tone.light) or 'empty'}, dark is "
            f"{few(tone.dark) or 'empty'}, and the column {cells.columns[0]!r} holds {few(present)}"
        )
    overlap = _holds(tone.light, column) & _holds(tone.dark, column)
    if overlap.any():
        raise DataError(
            f"{origin}: {inert(column[overlap].iloc[0])!r} is light ({few(tone.light)}) and dark "
            f"({few(tone.dark)}); a value makes one group"
        )


def _grouped(column: pd.Series, tone: Tone) -> pd.Series:
    types = pd.Series(UNKNOWN, index=column.index, dtype="str")
    types[_holds(tone.light, column)] = LIGHT
    types[_holds(tone.dark, column)] = DARK
    return types


def _holds(values: Sequence[str], column: pd.Series) -> pd.Series:
    """Return True for cells that are one of the values, or in one of the ranges."""
    ranges = [match for match in map(_RANGE.fullmatch, values) if match and any(match.groups())]
    words = {_plain(text) for text in values}
    held = column.map(_plain, na_action="ignore").isin(words)
    numbers = column.map(_number)
    for match in ranges:
        low, high = (float(end) if end else None for end in match.groups())
        inside = numbers.notna()
        if low is not None:
            inside &= numbers >= low
        if high is not None:
            inside &= numbers < high
        held |= inside
    return held


def _plain(text: str) -> str:
    """Return text without case and blanks: ``MST 1`` is ``mst1``."""
    return "".join(text.lower().split())


def _number(cell: object) -> float:
    """Return the number of a cell such as ``12.5``, ``12,5`` or ``MST 3``; NaN if there is none."""
    match = _NUMBER.fullmatch(cell.strip()) if isinstance(cell, str) else None
    return float(match[1].replace(",", ".")) if match else float("nan")
