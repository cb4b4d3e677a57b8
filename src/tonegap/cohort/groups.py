"""Put rows into groups: by skin type, by measured tone, or by any column of the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from tonegap.errors import DataError
from tonegap.groups import Groups
from tonegap.params import GroupsParams, Range, Values
from tonegap.skin_types import TYPES, all_within, bounds

SKIN_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "fst": ("fst",),
    "fst_second": ("fst_second",),
    "fst_both": ("fst", "fst_second"),
}
"""Columns of skin types that each choice of ``groups.column`` reads."""

MEASURED: Final = ("ita",)
"""Choices of ``groups.column`` that are measured from the picture."""

OWN: Final = "own"
"""Column that holds the user's own column of the annotation table."""

_WORDS: Final = {
    "fst": "FST",
    "fst_second": "FST of the second annotator",
    "fst_both": "FST of both annotators",
    "ita": "ITA in degrees",
}


def columns_of(definition: GroupsParams) -> tuple[str, ...]:
    """Return the names of the columns that decide the group."""
    if definition.column in MEASURED:
        return (definition.column,)
    return SKIN_TYPES.get(definition.column, (OWN,))


def groups_of(definition: GroupsParams) -> Groups:
    """Return the groups' names, each with its content in words, such as ``FST 1-2``."""
    prefix = _WORDS.get(definition.column, definition.column)
    words = {name: f"{prefix} {_words(held)}" for name, held in definition.define.items()}
    return Groups(*definition.compare, words)


def assign_groups(rows: pd.DataFrame, definition: GroupsParams) -> pd.Series:
    """Put every row into a group, or into none.

    Parameters
    ----------
    rows
        The columns of :func:`columns_of`; missing if a row has no value.
    definition
        The section ``groups``. Under ``fst_both`` a row is in a group if both skin types are. A
        span of skin types, such as ``1-2``, is in a group that holds all of them.

    Returns
    -------
    Series of str
        Name of the group, missing if the row is in none, with the index of ``rows``.

    Raises
    ------
    DataError
        If a value belongs to two groups.
    """
    found = _groups(rows, definition)
    group = found[0]
    for other in found[1:]:
        group = group.where((group == other).fillna(value=False))
    return group


def groups_disagree(rows: pd.DataFrame, definition: GroupsParams) -> pd.Series:
    """Return True for rows that two columns put into different groups (Series of bool)."""
    first, *others = _groups(rows, definition)
    differ = pd.Series(data=False, index=rows.index)
    for other in others:
        differ |= (first != other).fillna(value=False)
    return differ


def lacks_value(rows: pd.DataFrame, definition: GroupsParams) -> pd.Series:
    """Return True for rows that lack a value that the definition needs (Series of bool)."""
    return rows[list(columns_of(definition))].isna().any(axis=1)


def partly_in_group(rows: pd.DataFrame, definition: GroupsParams) -> pd.Series:
    """Return True for spans of skin types that lie partly in a group, and wholly in none."""
    partly = pd.Series(data=False, index=rows.index)
    if definition.column not in SKIN_TYPES:
        return partly
    types = {t for held in definition.define.values() for t in TYPES if _is_held(held, t)}
    for column in columns_of(definition):
        low, high = bounds(rows[column])
        touches = np.zeros(len(rows), dtype=bool)
        for t in types:
            touches |= (low <= t) & (t <= high)
        partly |= touches & (low < high) & _group(rows[column], definition).isna().to_numpy()
    return partly


def _groups(rows: pd.DataFrame, definition: GroupsParams) -> list[pd.Series]:
    """Return the group that each of the deciding columns gives."""
    return [_group(rows[column], definition) for column in columns_of(definition)]


def _group(cells: pd.Series, definition: GroupsParams) -> pd.Series:
    group = pd.Series(pd.NA, index=cells.index, dtype="string", name="group")
    for name, held in definition.define.items():
        members = _members(held, cells, definition)
        twice = members & group.notna()
        if twice.any():
            cell, first = cells[twice].iloc[0], group[twice].iloc[0]
            raise DataError(
                f"params.yaml: groups.define puts {definition.column} = {cell} into both "
                f"{first!r} and {name!r}; a row can be in one group only"
            )
        group[members] = name
    return group


def _members(held: Range | Values, cells: pd.Series, definition: GroupsParams) -> pd.Series:
    if definition.column not in SKIN_TYPES:
        return _holds(held, cells)
    types = [t for t in TYPES if _is_held(held, t)]
    return pd.Series(all_within(cells, types), index=cells.index)


def _is_held(held: Range | Values, number: int) -> bool:
    return bool(_holds(held, pd.Series([number])).iloc[0])


def _holds(held: Range | Values, cells: pd.Series) -> pd.Series:
    """Return True for cells in a group; compare numbers as numbers, and text without blanks."""
    numbers = pd.to_numeric(cells, errors="coerce").astype("float64")
    if isinstance(held, Range):
        low = -np.inf if held.min is None else held.min
        high = np.inf if held.max is None else held.max
        return numbers.ge(low) & numbers.lt(high)
    text = cells.astype("string").str.strip()
    wanted = [value for value in held if isinstance(value, str)]
    return numbers.isin([value for value in held if value not in wanted]) | text.isin(
        wanted
    ).fillna(value=False)


def _words(held: Range | Values) -> str:
    if isinstance(held, Range):
        if held.max is None:
            return f"of {held.min:g} or more"
        return f"below {held.max:g}" if held.min is None else f"{held.min:g} to {held.max:g}"
    whole = [value for value in held if isinstance(value, int)]
    if len(whole) == len(held) > 1 and whole == list(range(whole[0], whole[0] + len(whole))):
        return f"{whole[0]}-{whole[-1]}"
    return ", ".join(map(str, held))
