"""Choose rows of a table: by their licence, and by the values of a preset's ``keep``."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from tonegap.errors import DataError
from tonegap.foreign.account import Account
from tonegap.nearest import nearest
from tonegap.presets.schema import Form
from tonegap.tables import few, inert, trimmed_cells


def chosen_rows(
    frame: pd.DataFrame, form: Form, licences: Sequence[str], account: Account
) -> pd.DataFrame:
    """Keep the rows under the licences, and those that ``form.keep`` names.

    Raises
    ------
    DataError
        If the table has no licences, one of ``licences`` does not occur, or no row is left.
    """
    names = frame[form.naming]
    if licences:
        frame = _licensed(frame, form.licence, licences, names, account)
    for column, values in form.keep.items():
        frame = _kept(frame, column, values, names, account)
    return frame


def _licensed(
    frame: pd.DataFrame,
    column: str | None,
    licences: Sequence[str],
    names: pd.Series,
    account: Account,
) -> pd.DataFrame:
    found = _spelled(frame[column]) if column else pd.Series(pd.NA, index=frame.index)
    if not found.notna().any():
        raise DataError(
            f"{account.origin} names no licence per image, so --licence cannot choose; leave it out"
        )
    present = sorted(set(found.dropna()))
    absent = [text for text in licences if text.strip().upper() not in present]
    if absent:
        raise DataError(
            f"{account.origin}: no image is under the licence {inert(absent[0])!r}; "
            f"{nearest(absent[0].strip().upper(), present)}"
        )
    wanted = {text.strip().upper() for text in licences}
    for licence in [name for name in present if name not in wanted]:
        reason = f"its licence is {inert(licence)}"
        account.leave_out(frame[found == licence], names[found == licence], reason)
    account.leave_out(frame[found.isna()], names[found.isna()], "it names no licence")
    return frame[found.isin(wanted)]


def _kept(
    frame: pd.DataFrame,
    column: str,
    values: Sequence[str],
    names: pd.Series,
    account: Account,
) -> pd.DataFrame:
    cells = trimmed_cells(frame[column])
    keeps = cells.isin(list(values))
    if not keeps.any():
        raise DataError(
            f"{account.origin}: no row has {few(values)} in the column {column!r}, where it holds "
            f"{few(sorted(set(cells.dropna())), 4) or 'nothing'}; is it another edition?"
        )
    account.leave_out(frame[~keeps], names[frame.index][~keeps], f"{column} is not {values[0]}")
    return frame[keeps]


def _spelled(cells: pd.Series) -> pd.Series:
    return trimmed_cells(cells).str.upper()
