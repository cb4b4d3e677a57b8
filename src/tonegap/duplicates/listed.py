"""Published lists of duplicates and of clean images.

=================  =====================================================================
list               form
=================  =====================================================================
CleanPatrick       ``near_duplicates.csv``: ``md5hash_list`` (several, with commas between)
                   and ``label`` (1: duplicates); ``off_topic_samples.csv`` and
                   ``label_errors.csv``: ``md5hash`` and ``label`` (1: it is one)
Fitzpatrick17k-C   the annotation rows to keep, with ``md5hash``; pairs of files in
                   ``image1`` and ``image2``
SelfClean          file names to keep, one column ``file_name``; pairs of files in
                   ``path_indices_1`` and ``path_indices_2``, ranked, of which those with
                   ``auto_issues`` are duplicates
pairs of any kind  two columns of md5hashes or file names, such as ``a.jpg``
=================  =====================================================================

Images are identified by their names: the argument ``rows`` of these functions maps a name to
the rows (md5hashes) of the annotation table. An md5 is a name too: of the row whose key it is, or
of a row whose image was taken by that name and has another key. Lists cover whole data sets, so an
image that is not in the table is skipped; a list without a single one is refused.

The lists themselves are not part of tonegap: fetch them from their authors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd

from tonegap.duplicates.candidates import PAIR_COLUMNS
from tonegap.duplicates.clustering import clusters
from tonegap.errors import DataError

Rows = Callable[[str], Collection[str]]
"""Function from a file's name to the md5hashes of its rows in the annotation table."""

_MD5: Final = re.compile(r"(?:.*[/\\])?([0-9a-f]{32})(?:\.[A-Za-z]{3,4})?", re.DOTALL)
_PAIR: Final = 2
_PAIR_COLUMNS: Final = (("image1", "image2"), ("path_indices_1", "path_indices_2"))
SUITABILITY: Final = ("label", "auto_issues")
"""Columns that say whether a row is a positive of its list."""


def no_rows(_name: str) -> Collection[str]:
    """Know no names: for lists of md5hashes, whose images all count as present."""
    return ()


def listed_pairs(table: pd.DataFrame, rows: Rows = no_rows) -> pd.DataFrame:
    """Read a list of duplicates as a table of pairs of the kind ``listed``, distance 0.

    Join them to the pairs found with :func:`~tonegap.duplicates.pairs.merge_pairs`.

    Parameters
    ----------
    table
        The list: every cell text or missing, verdicts spelled 0 and 1.
    rows
        Function from a file's name to the md5hashes of its rows.

    Raises
    ------
    DataError
        If the table has neither ``md5hash_list`` nor two columns of images, if it ranks
        pairs without saying which are duplicates, or if its names match no row.
    """
    groups = _groups(table, rows)
    pairs = {pair for group in groups for pair in combinations(sorted(set(group)), _PAIR)}
    frame = pd.DataFrame(sorted(pairs), columns=list(PAIR_COLUMNS[:_PAIR]), dtype=str)
    return frame.assign(kind="listed", distance=np.int64(0))


def listed_among(md5hashes: pd.Series, pairs: pd.DataFrame) -> pd.DataFrame:
    """Restrict listed pairs to the present images: lists cover whole data sets.

    Copies that are connected only by an absent image stay connected: they are paired with the
    smallest md5hash among the present images of their cluster.

    Parameters
    ----------
    md5hashes
        The present images.
    pairs
        As :func:`listed_pairs` returns them.
    """
    present = pairs["md5hash_a"].isin(md5hashes) & pairs["md5hash_b"].isin(md5hashes)
    if present.all():
        return pairs
    joined = clusters(pd.concat([pairs["md5hash_a"], pairs["md5hash_b"]]), pairs)
    here = joined[joined.index.isin(md5hashes)].reset_index()
    first = here.groupby("cluster")["md5hash"].transform("min")
    near = clusters(here["md5hash"], pairs[present])
    apart = here["md5hash"].map(near) != first.map(near)
    bridges = pd.DataFrame({"md5hash_a": first[apart], "md5hash_b": here["md5hash"][apart]})
    bridges = bridges.assign(kind="listed", distance=np.int64(0))
    return pd.concat([pairs[present], bridges], ignore_index=True)


def listed_images(table: pd.DataFrame, rows: Rows = no_rows) -> frozenset[str]:
    """Read a list of images: those labelled 1 if there are labels, else all.

    The caller knows whether to keep them (Fitzpatrick17k-C, SelfClean) or to leave them out
    (CleanPatrick's off-topic images).

    Parameters
    ----------
    table, rows
        As in :func:`listed_pairs`.

    Raises
    ------
    DataError
        If the table has no column ``md5hash`` or ``file_name``, if a value of ``md5hash``
        is not an md5hash, or if no name or md5 matches a row.
    """
    for column in ("md5hash", "file_name"):
        if column in table.columns:
            if column == "md5hash":
                _require_md5s(table[column])
            _require_known(table[column], rows)
            found = (_row(name, rows) for name in _positive(table)[column])
            return frozenset(md5hash for md5hash in found if md5hash)
    raise DataError(
        "a list of images needs a column md5hash or file_name; this one has "
        f"{', '.join(map(ascii, table.columns))}"
    )


def _groups(table: pd.DataFrame, rows: Rows) -> list[list[str]]:
    """Images that are copies of each other, as md5hashes."""
    if "md5hash_list" in table.columns:
        parts = table["md5hash_list"].astype(str).str.split(",")
        names = parts.map(lambda group: [part.strip() for part in group])
        every = pd.Series([name for group in names for name in group], name="md5hash_list")
        _require_md5s(every)
        _require_known(every, rows)
        wanted = names[_positive(table).index]
        return [[row for name in group if (row := _row(name, rows))] for group in wanted]
    columns = _columns_of_pairs(table, rows)
    if "scores" in table.columns and not set(SUITABILITY) & set(table.columns):
        raise DataError(
            "a list that ranks pairs by scores names all pairs, so it must say which are "
            "duplicates, in a column auto_issues or label of 0 and 1"
        )
    for column in columns:
        _require_known(table[column], rows)
    pairs = _positive(table)[columns].to_numpy()
    found = [(_row(one, rows), _row(other, rows)) for one, other in pairs]
    return [[one, other] for one, other in found if one and other]


def _columns_of_pairs(table: pd.DataFrame, rows: Rows) -> list[str]:
    for names in _PAIR_COLUMNS:
        if set(names) <= set(table.columns):
            return list(names)
    columns = [name for name in table.columns if _all_md5(table[name])]
    columns = columns or [name for name in table.columns if _some_known(table[name], rows)]
    if len(columns) != _PAIR:
        raise DataError(
            "a list of duplicates needs a column md5hash_list or exactly two columns of md5hashes "
            f"or of file names; this one has {len(columns)} of them among "
            f"{', '.join(map(ascii, table.columns))}"
        )
    return columns


def _positive(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows labelled as positives of the list.

    Labels other than 0 and 1 are the conditions of an annotation table.
    """
    for column in SUITABILITY:
        if column in table.columns:
            verdicts = table[column].astype(str).str.removesuffix(".0")  # text or numbers
            if verdicts.isin(["0", "1"]).all():
                return table[verdicts == "1"]
    return table


def _all_md5(values: Iterable[object]) -> bool:
    checked = [_md5_in(value) is not None for value in values]
    return bool(checked) and all(checked)


def _some_known(values: pd.Series, rows: Rows) -> bool:
    """Return True if a column holds names of images; numbers may be the names of other things."""
    texts = [value for value in values if isinstance(value, str)]
    numbers = pd.to_numeric(pd.Series(texts, dtype=str), errors="coerce")
    return bool(numbers.isna().any()) and any(_row(text, rows) for text in texts)


def _require_known(values: pd.Series, rows: Rows) -> None:
    """Reject empty cells, and a list that would have no effect."""
    if values.isna().any():
        place = int(values.isna().to_numpy().argmax())
        raise DataError(f"the list's row {place + 1} has nothing in the column {values.name!r}")
    if len(values) and rows is not no_rows and not any(rows(str(value)) for value in values):
        raise DataError(
            f"none of the list's {len(values)} names, such as {ascii(values.iloc[0])[:80]}, is an "
            "md5hash or a name of the annotation table's images; is it of another data set?"
        )


def _row(name: object, rows: Rows) -> str | None:
    """Return the md5hash of the image with a name, or None if it is not in the table.

    An md5 that is of no row stays: an absent image may connect two that are present.
    """
    found = rows(str(name))
    if len(found) > 1:
        raise DataError(
            f"the list holds {ascii(name)[:80]}, a name that fits {len(found)} rows of the "
            "annotation table; give their md5hashes instead"
        )
    return next(iter(found), _md5_in(name))


def _md5_in(value: object) -> str | None:
    match = _MD5.fullmatch(value) if isinstance(value, str) else None
    return match[1] if match else None


def _require_md5s(values: Iterable[object]) -> None:
    for value in values:
        if _md5_in(value) is None:
            raise DataError(
                f"the list holds {ascii(value)[:80]}, which names no image by its md5hash (32 "
                "hexadecimal digits, with or without a file's ending)"
            )
