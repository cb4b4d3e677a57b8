"""Labels of another table: plain, weighted, marked or coded; and rows without any."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import pandas as pd

from tonegap.errors import DataError
from tonegap.foreign.account import Account
from tonegap.presets.schema import Labels, LabelSource, LargestOf, MarkedAmong, Reworded
from tonegap.skin_types import is_absent
from tonegap.tables import few, inert, line_of

DROP = "drop"
_FINE, _MIDDLE, _COARSE = "label", "nine_partition_label", "three_partition_label"


def label_table(frame: pd.DataFrame, labels: Labels, account: Account) -> pd.DataFrame:
    """Read the labels at three levels.

    An empty label takes the next coarser one; where there is none, the next finer one.

    Returns
    -------
    DataFrame
        label, nine_partition_label, three_partition_label: text, missing in rows without any.

    Raises
    ------
    DataError
        If weights or marks cannot be read; the message names the line.
    """
    fine = _read(frame, labels.fine, account.origin)
    empty = pd.Series(pd.NA, index=frame.index, dtype="str")
    middle = empty if labels.middle is None else _read(frame, labels.middle, account.origin)
    coarse = empty if labels.coarse is None else _read(frame, labels.coarse, account.origin)
    filled = fine.where(fine.notna(), middle.where(middle.notna(), coarse))
    lent = int((fine.isna() & filled.notna()).sum())
    if lent:
        account.notes.append(f"{lent} rows have no fine label and take the next coarser one")
    middle = middle.where(middle.notna(), filled)
    return pd.DataFrame(
        {_FINE: filled, _MIDDLE: middle, _COARSE: coarse.where(coarse.notna(), middle)}
    )


def without_unlabelled(
    frame: pd.DataFrame,
    labels: pd.DataFrame,
    choice: str | None,
    names: pd.Series,
    account: Account,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Leave rows without a label out, or name them.

    Parameters
    ----------
    frame, labels
        The rows, and their labels by :func:`label_table`.
    choice
        ``drop``, or the word that becomes their label; None if nobody has chosen.
    names
        What each row is called.

    Raises
    ------
    DataError
        If there are such rows and no choice, or no row is left.
    """
    lacking = labels[_FINE].isna()
    if not lacking.any():
        return frame, labels
    if choice is None or not choice.strip():
        place = int(lacking.to_numpy().argmax())
        raise DataError(
            f"{account.origin}: {int(lacking.sum())} of {len(frame)} rows have no label, the first "
            f"on line {line_of(frame.index, place)}; choose: `--unlabelled drop` leaves them out, "
            "`--unlabelled WORD` makes WORD their label"
        )
    if choice == DROP:
        if lacking.all():
            raise DataError(
                f"{account.origin}: no row has a label, so none would be left; give "
                "`--unlabelled WORD`"
            )
        account.leave_out(frame[lacking], names[lacking], "it has no label")
        return frame[~lacking], labels[~lacking]
    account.notes.append(f"{int(lacking.sum())} rows without a label are labelled {choice!r}")
    return frame, labels.fillna(choice)


def _read(frame: pd.DataFrame, source: LabelSource, origin: str) -> pd.Series:
    if isinstance(source, LargestOf):
        cells = frame[source.largest_of]
        read = [_largest(cell, cells, place, origin) for place, cell in enumerate(cells)]
    elif isinstance(source, MarkedAmong):
        read = _marked(frame[list(source.marked_among)], origin)
    elif isinstance(source, Reworded):
        words = {code.lower(): word for code, word in source.words.items()}
        read = [
            words.get(str(cell).strip().lower().removesuffix(".0"), cell)
            for cell in frame[source.column]
        ]
    else:
        read = list(frame[source])
    text = [None if is_absent(cell) else str(cell).strip() for cell in read]
    return pd.Series(text, index=frame.index, dtype="str")


def _largest(cell: object, cells: pd.Series, place: int, origin: str) -> str | None:
    """Return the heaviest name of a mapping written as text; by name where weights tie."""
    if is_absent(cell):
        return None
    try:
        weights = ast.literal_eval(str(cell))
        heaviest = min(
            weights.items(), key=lambda pair: (-float(pair[1]), str(pair[0])), default=None
        )
    except (ValueError, SyntaxError, TypeError, AttributeError, MemoryError, RecursionError):
        raise DataError(
            f"{origin}, line {line_of(cells.index, place)}: {cells.name} is {inert(cell)[:80]!r}, "
            "expected weights such as {'Eczema': 0.6, 'Acne': 0.4}"
        ) from None
    return str(heaviest[0]) if heaviest else None


def _marked(marks: pd.DataFrame, origin: str) -> list[str | None]:
    """Return the name of the one column that is marked in each row; None where none is."""
    numbers = marks.apply(pd.to_numeric, errors="coerce").fillna(0.0) > 0
    several = numbers.sum(axis=1) > 1
    if several.any():
        place = int(several.to_numpy().argmax())
        row: Mapping[str, bool] = numbers.iloc[place].to_dict()
        raise DataError(
            f"{origin}, line {line_of(marks.index, place)}: "
            f"{few(name for name, marked in row.items() if marked)} are all marked, expected one"
        )
    return [
        str(name) if any_ else None
        for name, any_ in zip(numbers.idxmax(axis=1), numbers.any(axis=1), strict=True)
    ]
