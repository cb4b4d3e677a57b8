"""Lists of duplicates and of clean images that others have published.

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

Files are told by their names, which is what the argument ``rows`` of these functions is
for: it says to which rows (md5hashes) of the annotation table a name belongs. Lists are of
whole data sets: an image that is not in the table is passed over.

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
"""Md5hashes of the rows of the annotation table that a file of a name belongs to."""

_MD5: Final = re.compile(r"(?:.*[/\\])?([0-9a-f]{32})(?:\.[A-Za-z]{3,4})?", re.DOTALL)
_PAIR: Final = 2
_PAIR_COLUMNS: Final = (("image1", "image2"), ("path_indices_1", "path_indices_2"))
SUITABILITY: Final = ("label", "auto_issues")
"""Columns that say whether a row is what its list is about."""


def no_rows(_name: str) -> Collection[str]:
    """Know no names: for lists of md5hashes."""
    return ()


def listed_pairs(table: pd.DataFrame, rows: Rows = no_rows) -> pd.DataFrame:
    """Read a list of duplicates as a table of pairs of the kind ``listed``, distance 0.

    Join them to the pairs found with :func:`~tonegap.duplicates.pairs.merge_pairs`.

    Parameters
    ----------
    table
        The list: every cell text or missing, verdicts spelled 0 and 1.
    rows
        Md5hashes of the rows that a file of a name belongs to.

    Raises
    ------
    DataError
        If the table has neither ``md5hash_list`` nor two columns of images, if it ranks
        pairs without saying which are duplicates, or if its names are of no row.
    """
    groups = _groups(table, rows)
    pairs = {pair for group in groups for pair in combinations(sorted(set(group)), _PAIR)}
    frame = pd.DataFrame(sorted(pairs), columns=list(PAIR_COLUMNS[:_PAIR]), dtype=str)
    return frame.assign(kind="listed", distance=np.int64(0))


def listed_among(md5hashes: pd.Series, pairs: pd.DataFrame) -> pd.DataFrame:
    """Restrict listed pairs to the images that are here: lists are of whole data sets.

    Copies that an absent image joins stay joined: they are paired with the smallest
    md5hash among those of their cluster that are here.

    Parameters
    ----------
    md5hashes
        The images that are here.
    pairs
        As :func:`listed_pairs` gives them.
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
    """Read a list of images: those labelled 1 where there are labels, else every one.

    Whether they are to be kept (Fitzpatrick17k-C, SelfClean) or left out (CleanPatrick's
    off-topic images) is known to who names the file.

    Parameters
    ----------
    table, rows
        As in :func:`listed_pairs`.

    Raises
    ------
    DataError
        If the table has no column ``md5hash`` or ``file_name``, if a value of ``md5hash``
        is none, or if no name is of a row.
    """
    if "md5hash" in table.columns:
        return frozenset(_md5(value) for value in _positive(table)["md5hash"])
    if "file_name" in table.columns:
        _require_known(table["file_name"], rows)
        found = (_row(name, rows) for name in _positive(table)["file_name"])
        return frozenset(md5hash for md5hash in found if md5hash)
    raise DataError(
        "a list of images needs a column md5hash or file_name; this one has "
        f"{', '.join(map(ascii, table.columns))}"
    )


def _groups(table: pd.DataFrame, rows: Rows) -> list[list[str]]:
    """Images that are copies of each other, as md5hashes."""
    if "md5hash_list" in table.columns:
        texts = _positive(table)["md5hash_list"].astype(str)
        return [[_md5(part.strip()) for part in text.split(",")] for text in texts]
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
    """Keep the rows that are said to be what the list is about.

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
    """Whether a column holds names of images; numbers may be the names of other things."""
    texts = [value for value in values if isinstance(value, str)]
    numbers = pd.to_numeric(pd.Series(texts, dtype=str), errors="coerce")
    return bool(numbers.isna().any()) and any(_row(text, rows) for text in texts)


def _require_known(values: pd.Series, rows: Rows) -> None:
    """Refuse empty cells, and a list that would count for nothing."""
    if values.isna().any():
        place = int(values.isna().to_numpy().argmax())
        raise DataError(f"the list's row {place + 1} has nothing in the column {values.name!r}")
    if len(values) and not any(_row(value, rows) for value in values):
        raise DataError(
            f"none of the list's {len(values)} names, such as {ascii(values.iloc[0])[:80]}, is an "
            "md5hash or a name of the annotation table's images; is it of another data set?"
        )


def _row(name: object, rows: Rows) -> str | None:
    """Md5hash of the image of a name, None where it is not in the table."""
    if (md5hash := _md5_in(name)) is not None:
        return md5hash
    found = rows(str(name))
    if len(found) > 1:
        raise DataError(
            f"the list holds {ascii(name)[:80]}, a name that fits {len(found)} rows of the "
            "annotation table; give their md5hashes instead"
        )
    return next(iter(found), None)


def _md5_in(value: object) -> str | None:
    match = _MD5.fullmatch(value) if isinstance(value, str) else None
    return match[1] if match else None


def _md5(value: object) -> str:
    md5hash = _md5_in(value)
    if md5hash is None:
        raise DataError(
            f"the list holds {ascii(value)[:80]}, which names no image by its md5hash (32 "
            "hexadecimal digits, with or without a file's ending)"
        )
    return md5hash
