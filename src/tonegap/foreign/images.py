"""One row per image: tables whose rows name several images, or none but by a pattern."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd

from tonegap.errors import DataError
from tonegap.foreign.account import Account
from tonegap.presets.schema import Form
from tonegap.skin_types import is_absent
from tonegap.tables import few, inert, line_of

IMAGE: Final = "tonegap image"
"""Column that is added: the name of the row's image; missing where a row keyed by md5 has none."""

ROW: Final = "tonegap row"
"""Column that is added: the number of the row in the table, which its images share."""

ALSO: Final = "tonegap also"
"""Column that is added: numbers of further rows that name the same image, with blanks between."""


def image_rows(
    frame: pd.DataFrame,
    form: Form,
    files: Mapping[str, Sequence[str]] | None,
    account: Account,
) -> pd.DataFrame:
    """Give every image a row of its own.

    Parameters
    ----------
    frame
        The table.
    form
        Where it names images.
    files
        With ``form.files``: the names of the files of each row, by the row's name. None if no
        images are given.

    Returns
    -------
    DataFrame
        The rows in their order, with the columns :data:`IMAGE`, :data:`ROW` and :data:`ALSO`.

    Raises
    ------
    DataError
        If a row's name is missing or repeats, so that rows cannot be told apart; or no row of
        several columns names an image.
    """
    numbered = frame.copy()
    numbered[ROW], numbered[ALSO] = range(len(frame)), ""
    if form.md5 is not None:
        numbered[IMAGE] = _names(frame[form.images[0]]) if form.images else None
        return numbered
    if len(form.images) > 1:
        return _several(numbered, form.images, account)
    named = numbered.assign(**{IMAGE: _names(frame[form.images[0]])})
    _require_names(named[IMAGE], form.images[0], account.origin)
    return named if files is None else _with_files(named, files, account)


def _names(cells: pd.Series) -> pd.Series:
    """Return names without blanks at their ends; undo the ``.0`` of numbers that became floats."""
    text = pd.Series(
        [None if is_absent(cell) else cell.strip() for cell in cells],
        index=cells.index,
        dtype="str",
        name=cells.name,
    )
    whole = text.str.fullmatch(r"-?\d+\.0").fillna(value=False)
    return text.str.removesuffix(".0") if (whole | text.isna()).all() else text


def _require_names(names: pd.Series, column: str, origin: str) -> None:
    wrong = names.isna() | names.duplicated()
    if not wrong.any():
        return
    place = int(wrong.to_numpy().argmax())
    found = names.iloc[place]
    cell, also = "empty", ""
    if isinstance(found, str):
        cell = repr(inert(found))
        first = int((names == found).to_numpy().argmax())
        also = f" as on line {line_of(names.index, first)}"
    raise DataError(
        f"{origin}, line {line_of(names.index, place)}: {inert(column)} is {cell}{also}, but "
        "identifiers must be there and occur once"
    )


def _several(frame: pd.DataFrame, columns: Sequence[str], account: Account) -> pd.DataFrame:
    """Repeat rows for each image that they name; an image of several rows stays in the first."""
    parts = [frame.assign(**{IMAGE: _names(frame[column])}) for column in columns]
    every = pd.concat(parts).sort_values(ROW, kind="stable")
    images = every[every[IMAGE].notna()]
    nameless = frame[~frame[ROW].isin(images[ROW])]
    if images.empty:
        raise DataError(f"{account.origin}: no row names an image in {few(columns)}")
    account.leave_out(nameless, frame[columns[0]][nameless.index], "it names no image")
    images = images[~images.duplicated([ROW, IMAGE])]
    shared = images.groupby(IMAGE, sort=False)[ROW].transform(lambda rows: " ".join(map(str, rows)))
    repeated = images.duplicated(IMAGE)
    account.leave_out(images[repeated], images[IMAGE][repeated], "an earlier row names its image")
    return images.assign(**{ALSO: shared})[~repeated]


def _with_files(
    frame: pd.DataFrame, files: Mapping[str, Sequence[str]], account: Account
) -> pd.DataFrame:
    """Repeat rows for each of their files; a row without a file keeps its own name."""
    found = frame[IMAGE].map(lambda name: list(files.get(name, ())) or [name])
    lacking = sum(not files.get(name) for name in frame[IMAGE])
    if lacking:
        account.notes.append(f"{lacking} of {len(frame)} rows have no file")
    return frame.assign(**{IMAGE: found}).explode(IMAGE)
