"""Tables of other data sets: from the columns that they have to those of the study."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from tonegap.errors import DataError
from tonegap.tables import (
    ANNOTATION_COLUMNS,
    few,
    inert,
    line_of,
    nearest_column,
    trimmed,
    trimmed_cells,
    validate_annotations,
)


@dataclass(frozen=True)
class ColumnNames:
    """Where another data set's table keeps what the study needs.

    Attributes
    ----------
    identifier
        Unique name of an image; where images are given, their file's name, with or
        without its suffix.
    fst
        Fitzpatrick skin type: 1 to 6 (also 1.0, or I to VI), empty or -1 for unknown. With
        ``light`` and ``dark`` any other variable that makes two groups.
    label
        The finest label.
    fst_second
        A second annotator's skin type; unknown where there is none.
    label_middle, label_coarse
        Coarser labels; each is the next finer one where there is none.
    url
        Where the image is; empty where there is none.
    light, dark
        Values of ``fst``, and of ``fst_second``, that make the two groups, where these hold no
        skin types: tones of another scale, say, or words. They become skin types 1 and 6, all
        other values unknown. Both empty: the columns hold skin types.
    """

    identifier: str
    fst: str
    label: str
    fst_second: str | None = None
    label_middle: str | None = None
    label_coarse: str | None = None
    url: str | None = None
    light: tuple[str, ...] = ()
    dark: tuple[str, ...] = ()

    def identifiers(self, frame: pd.DataFrame) -> pd.Series:
        """Names of the images of a table, without blanks at their ends."""
        return trimmed_cells(frame[self.identifier])

    def columns(self) -> list[str]:
        """Columns that are named."""
        return [self.identifier, *self.shown().values()]

    def shown(self) -> dict[str, str]:
        """Name, in the file, of each column of the study that comes from one."""
        columns = {
            "fitzpatrick_scale": self.fst,
            "fitzpatrick_centaur": self.fst_second,
            "label": self.label,
            "nine_partition_label": self.label_middle,
            "three_partition_label": self.label_coarse,
            "url": self.url,
            "url_alphanum": self.identifier,
        }
        return {column: name for column, name in columns.items() if name}


def canonical_table(
    frame: pd.DataFrame, names: ColumnNames, md5_by_identifier: Mapping[str, str], origin: str
) -> pd.DataFrame:
    """Bring another data set's table into the columns of this study.

    Parameters
    ----------
    frame
        The table as read: every cell text or missing; see
        :func:`~tonegap.tables.validate_annotations`.
    names
        Its columns.
    md5_by_identifier
        md5 of each image that is at hand. A row without one gets the md5 of its
        identifier, which no image has: its image can only be had unverified.
    origin
        The file's name, for messages.

    Returns
    -------
    DataFrame
        :data:`ANNOTATION_COLUMNS`, validated, in the order of ``frame``; ``url_alphanum``
        holds the identifier. Then the columns of ``frame`` that ``names`` leaves, as they are,
        for ``groups.column``.

    Raises
    ------
    DataError
        If a column is not there, or a value breaks a rule.
    """
    for name in names.columns():
        if name not in frame.columns:
            raise DataError(
                f"{origin} has no column {inert(name)!r}; {nearest_column(name, frame)}"
            )
    identifiers = names.identifiers(frame)
    _require_identifiers(identifiers, origin)
    label = frame[names.label]
    middle = frame[names.label_middle] if names.label_middle else label
    table = pd.DataFrame(
        {
            "md5hash": [
                md5_by_identifier.get(name) or identifier_md5(name) for name in identifiers
            ],
            "fitzpatrick_scale": _first_type(frame[names.fst], names, origin),
            "fitzpatrick_centaur": _second_type(frame, names),
            "label": label,
            "nine_partition_label": middle,
            "three_partition_label": frame[names.label_coarse] if names.label_coarse else middle,
            "qc": None,
            "url": frame[names.url] if names.url else None,
            "url_alphanum": identifiers,
        },
        index=frame.index,
        columns=list(ANNOTATION_COLUMNS),
        dtype="str",
    )
    checked = validate_annotations(trimmed(table), origin, names.shown())
    used = {*ANNOTATION_COLUMNS, *names.columns()}
    further = [name for name in frame.columns if name not in used]
    others = frame[further].reset_index(drop=True)
    return pd.concat([checked.reset_index(drop=True), others], axis=1)


def identifier_md5(identifier: str) -> str:
    """Key of a row whose image is not at hand."""
    text = f"tonegap identifier {identifier}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def skin_type_text(cell: object) -> str:
    """Skin type as Fitzpatrick17k writes it: ``"1"`` to ``"6"``, ``"-1"`` for unknown.

    Text that is neither is returned as it is, for the validation to refuse.
    """
    text = cell.strip() if isinstance(cell, str) else ""
    if not text:
        return "-1"
    roman = {"I": "1", "II": "2", "III": "3", "IV": "4", "V": "5", "VI": "6"}
    return roman.get(text.upper(), re.sub(r"\.0+$", "", text))


def _first_type(values: pd.Series, names: ColumnNames, origin: str) -> pd.Series:
    if not names.light and not names.dark:
        return values.map(skin_type_text)
    light, dark = _spelled(names.light), _spelled(names.dark)
    if both := light & dark:
        raise DataError(f"{min(both)!r} is named as light and as dark; a value makes one group")
    present = {str(value).strip().lower() for value in values.dropna()}
    absent = sorted((light | dark) - present)
    if not light or not dark or absent:
        what = f"the value {absent[0]!r}" if absent else "a value for each group"
        raise DataError(
            f"{origin}: {what} is missing: light is {few(names.light) or 'empty'}, dark is "
            f"{few(names.dark) or 'empty'}, and the column {names.fst!r} holds "
            f"{few(sorted(present))}"
        )
    return _grouped(values, names)


def _second_type(frame: pd.DataFrame, names: ColumnNames) -> pd.Series | str:
    if names.fst_second is None:
        return "-1"
    values = frame[names.fst_second]
    return _grouped(values, names) if names.light else values.map(skin_type_text)


def _grouped(values: pd.Series, names: ColumnNames) -> pd.Series:
    """Skin types that stand for the groups of another variable."""
    groups = dict.fromkeys(_spelled(names.light), "1") | dict.fromkeys(_spelled(names.dark), "6")
    return values.map(lambda value: groups.get(str(value).strip().lower(), "-1"))


def _spelled(values: Iterable[str]) -> set[str]:
    return {value.strip().lower() for value in values}


def _require_identifiers(identifiers: pd.Series, origin: str) -> None:
    wrong = identifiers.isna() | identifiers.duplicated()
    if wrong.any():
        place = int(wrong.to_numpy().argmax())
        found = identifiers.iloc[place]
        cell = repr(inert(found)) if isinstance(found, str) else "empty"
        raise DataError(
            f"{origin}, line {line_of(identifiers.index, place)}: {identifiers.name} is {cell}, "
            "but identifiers must be there and occur once"
        )
