"""Lists of duplicates and of clean images that others have published.

=================  =====================================================================
list               form
=================  =====================================================================
CleanPatrick       ``near_duplicates.csv``: ``md5hash_list`` (several, with commas between)
                   and ``label`` (1: duplicates); ``off_topic_samples.csv`` and
                   ``label_errors.csv``: ``md5hash`` and ``label`` (1: it is one)
Fitzpatrick17k-C   the annotation rows to keep, with ``md5hash``
SelfClean          file names to keep, one column ``file_name``
pairs of any kind  two columns of md5hashes or file names, such as ``a.jpg``
=================  =====================================================================

The lists themselves are not part of tonegap: fetch them from their authors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd

from tonegap.duplicates.candidates import PAIR_COLUMNS
from tonegap.errors import DataError

_MD5: Final = re.compile(r"(?:.*[/\\])?([0-9a-f]{32})(?:\.[A-Za-z]{3,4})?", re.DOTALL)
_NAME_COLUMNS: Final = ("md5hash", "file_name")
_PAIR: Final = 2


def listed_pairs(table: pd.DataFrame) -> pd.DataFrame:
    """Read a list of duplicates as a table of pairs of the kind ``listed``, distance 0.

    Join them to the pairs found with :func:`~tonegap.duplicates.pairs.merge_pairs`.

    Raises
    ------
    DataError
        If the table has neither ``md5hash_list`` nor two columns of md5hashes, or a value
        in them is none.
    """
    groups = _groups(table)
    pairs = {pair for group in groups for pair in combinations(sorted(set(group)), _PAIR)}
    frame = pd.DataFrame(sorted(pairs), columns=list(PAIR_COLUMNS[:_PAIR]), dtype=str)
    return frame.assign(kind="listed", distance=np.int64(0))


def listed_images(table: pd.DataFrame) -> frozenset[str]:
    """Read a list of images: those labelled 1 where there are labels, else every one.

    Whether they are to be kept (Fitzpatrick17k-C, SelfClean) or left out (CleanPatrick's
    off-topic images) is known to who names the file.

    Raises
    ------
    DataError
        If the table has no column ``md5hash`` or ``file_name``, or a value there is none.
    """
    column = next((name for name in _NAME_COLUMNS if name in table.columns), None)
    if column is None:
        raise DataError(
            f"a list of images needs a column {' or '.join(_NAME_COLUMNS)}; this one has "
            f"{', '.join(map(ascii, table.columns))}"
        )
    return frozenset(_md5(value) for value in _positive(table)[column])


def _groups(table: pd.DataFrame) -> list[list[str]]:
    if "md5hash_list" in table.columns:
        texts = _positive(table)["md5hash_list"].astype(str)
        return [[_md5(part.strip()) for part in text.split(",")] for text in texts]
    columns = [name for name in table.columns if _all_md5(table[name])]
    if len(columns) != _PAIR:
        raise DataError(
            "a list of duplicates needs a column md5hash_list or exactly two columns of md5hashes; "
            f"this one has {len(columns)} of them among {', '.join(map(ascii, table.columns))}"
        )
    return [[_md5(one), _md5(other)] for one, other in _positive(table)[columns].to_numpy()]


def _positive(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows that are said to be what the list is about.

    Labels other than 0 and 1 are the conditions of an annotation table.
    """
    if "label" not in table.columns:
        return table
    labels = table["label"].astype(str).str.removesuffix(".0")  # text or numbers
    return table[labels == "1"] if labels.isin(["0", "1"]).all() else table


def _all_md5(values: Iterable[object]) -> bool:
    checked = [isinstance(value, str) and _MD5.fullmatch(value) is not None for value in values]
    return bool(checked) and all(checked)


def _md5(value: object) -> str:
    match = _MD5.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise DataError(
            f"the list holds {ascii(value)[:80]}, which names no image by its md5hash (32 "
            "hexadecimal digits, with or without a file's ending)"
        )
    return match[1]
