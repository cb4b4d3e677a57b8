"""Fitzpatrick skin types: the many ways to write one, and what a cell holds.

Our own tables write ``3`` for one type, ``1-2`` for types that the annotator did not tell apart,
and ``-1`` for unknown. :func:`skin_type` reads the codings of other tables:

==================================================  ========
cell                                                means
==================================================  ========
``3``, ``3.0``, ``III``, ``FST3``, ``FST 3``        ``3``
``type iii``, ``iii medium white``                  ``3``
``12``, ``12.0``, ``I-II``, ``1/2``, ``FST1-FST2``  ``1-2``
empty, ``-1``, ``nan``, ``NONE_SELECTED``           ``-1``
==================================================  ========
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

UNKNOWN: Final = "-1"
CODED: Final = r"^(-1|[1-6]|1-[2-6]|2-[3-6]|3-[4-6]|4-[56]|5-6)\Z"
"""What our own tables may hold, as a regular expression."""

TYPES: Final = range(1, 7)

_ABSENT: Final = frozenset(
    ("", "-", "?", "nan", "none", "null", "na", "n/a", "<na>", "unknown", "missing")
)
"""Cells without a value, in lower case."""

_NOT_TYPED: Final = frozenset(("-1", "none_selected", "none_identified"))
_ROMAN: Final = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6}
_NUMERAL: Final = r"vi|iv|v|iii|ii|i|[1-6]"
_NAMED: Final = re.compile(r"^(?:(?:fitzpatrick|fst|skin|photo|phototype|type)[\s_:.#-]*)+")
_WHOLE: Final = re.compile(r"(-?\d+)[.,]0+")
_ONE: Final = re.compile(_NUMERAL)
_SEVERAL: Final = re.compile(
    rf"({_NUMERAL})\s*(?:[-/&,\u2010-\u2015\u2212]|to|and|or)\s*(?:fst|type)?[\s_]*({_NUMERAL})"
)
# Words behind a numeral describe the type. A lone "i" may also be the pronoun.
_DESCRIBED: Final = re.compile(
    r"(?:(vi|iv|v|iii|ii|[1-6])[\s.:,;(-]+(?!(?:to|and|or|through)\b)[^\W\d]"
    r"|(i)[\s.:,;(-]+(?:always|burns|fair|ivory|light|pale|skin|very|white)\b).*"
)


class Bounds(NamedTuple):
    """The lightest and the darkest type that each cell may mean; NaN where it is unknown."""

    low: Float[np.ndarray, " rows"]
    high: Float[np.ndarray, " rows"]


def is_absent(cell: object) -> bool:
    """Return True if a cell holds no value, or a word for none, such as ``nan``."""
    return not isinstance(cell, str) or cell.strip().lower() in _ABSENT


def skin_type(cell: object) -> str | None:
    """Read a cell of another table as ``"3"``, ``"1-2"`` or ``"-1"``; None if it is no skin type.

    Parameters
    ----------
    cell
        Text, or anything else for a missing cell.
    """
    if not isinstance(cell, str) or is_absent(cell):
        return UNKNOWN
    text = _WHOLE.sub(r"\1", " ".join(cell.lower().split()))
    if text in _NOT_TYPED:
        return UNKNOWN
    named = _NAMED.sub("", text)
    if _ONE.fullmatch(named):
        return str(_number(named))
    if named.isdecimal() and named in "123456":
        return _span(int(named[0]), int(named[-1]))
    if several := _SEVERAL.fullmatch(named):
        return _span(_number(several[1]), _number(several[2]))
    described = _DESCRIBED.fullmatch(named)
    return str(_number(described[1] or described[2])) if described else None


def bounds(cells: pd.Series) -> Bounds:
    """Return the lightest and darkest type of each cell of our own tables (text or numbers)."""
    text = cells.astype("string").str.strip().str.replace(r"\.0+$", "", regex=True)
    parts = text.str.extract(r"^([1-6])(?:-([1-6]))?$")
    low = pd.to_numeric(parts[0]).to_numpy(dtype=float, na_value=np.nan)
    high = pd.to_numeric(parts[1]).to_numpy(dtype=float, na_value=np.nan)
    return Bounds(low, np.where(np.isnan(high), low, high))


def middle(cells: pd.Series) -> Float[np.ndarray, " rows"]:
    """Return each cell's type as a number: ``1-2`` is 1.5; NaN where it is unknown."""
    low, high = bounds(cells)
    return np.asarray((low + high) / 2.0)


def all_within(cells: pd.Series, types: Collection[int]) -> Bool[np.ndarray, " rows"]:
    """Return True for cells all of whose types are among ``types``; unknown ones are not."""
    low, high = bounds(cells)
    outside = [t for t in TYPES if t not in types]
    crossed = np.zeros(low.size, dtype=bool)
    for t in outside:
        crossed |= (low <= t) & (t <= high)
    return np.asarray(~crossed & ~np.isnan(low))


def _number(numeral: str) -> int:
    return _ROMAN.get(numeral) or int(numeral)


def _span(low: int, high: int) -> str | None:
    if low > high:
        return None
    return str(low) if low == high else f"{low}-{high}"
