"""Subjects: patients, lesions, cases; what images share, so that they stand or fall together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tonegap.foreign.images import ALSO, IMAGE, ROW
from tonegap.skin_types import is_absent


def subjects(frame: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """Name the subject of each image.

    Images are of one subject if they share a cell of one of the columns, or a row of the table,
    directly or through others.

    Parameters
    ----------
    frame
        Rows by :func:`~tonegap.foreign.images.image_rows`.
    columns
        Columns that name subjects; an empty cell, or a word such as ``unknown``, names none.

    Returns
    -------
    Series of str
        The cell of the first of ``columns`` that names the subject, after the column's name if
        there are several; else the first image's name. Missing for an image that shares nothing.
    """
    shared = [*(_cells(frame, name) for name in columns), *_rows(frame)]
    component = _components(len(frame), shared)
    named = pd.Series(pd.NA, index=range(len(frame)), dtype="str")
    for column in columns:
        prefix = f"{column}=" if len(columns) > 1 else ""
        named = named.where(named.notna(), prefix + _text(frame[column].reset_index(drop=True)))
    sizes = np.bincount(component)
    images = "image=" + frame[IMAGE].reset_index(drop=True).astype("str")
    named = named.where(named.notna() | (sizes[component] == 1), images)
    # One name for all of a subject: the first that a row of it has by the earliest column.
    first = named.groupby(component).transform("first")
    return pd.Series(first.to_numpy(), index=frame.index, dtype="str", name="subject")


def _cells(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return pairs of an image's place and a code of its cell."""
    codes = pd.factorize(_text(frame[column]))[0]
    return pd.DataFrame({"place": range(len(frame)), "code": codes})[codes >= 0]


def _text(cells: pd.Series) -> pd.Series:
    """Return cells without blanks at their ends; missing where they name nothing."""
    text = [None if is_absent(cell) else cell.strip() for cell in cells]
    return pd.Series(text, index=cells.index, dtype="str")


def _rows(frame: pd.DataFrame) -> list[pd.DataFrame]:
    """Return pairs of an image's place and a row of the table that names it."""
    own = pd.DataFrame({"place": range(len(frame)), "code": frame[ROW].to_numpy()})
    also = frame[ALSO].reset_index(drop=True).str.split().explode().dropna()
    if also.empty:
        return [own]
    further = pd.DataFrame({"place": also.index, "code": also.astype("int64").to_numpy()})
    return [pd.concat([own, further], ignore_index=True)]


def _components(images: int, shared: Sequence[pd.DataFrame]) -> np.ndarray:
    """Join images that share a code of one of the tables of pairs."""
    places, codes, offset = [], [], images
    for pairs in shared:
        places.append(pairs["place"].to_numpy())
        codes.append(pairs["code"].to_numpy() + offset)
        offset += int(pairs["code"].max()) + 1 if len(pairs) else 0
    place, code = np.concatenate(places), np.concatenate(codes)
    graph = coo_array((np.ones(place.size), (place, code)), shape=(offset, offset))
    return np.asarray(connected_components(graph, directed=False)[1][:images])
