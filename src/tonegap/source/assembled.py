"""Put a preset's tables together: find them, join them, and see which layout they have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import pandas as pd

from tonegap.errors import DataError, IntegrityError
from tonegap.files.given_tables import GivenTable, find_table, is_url, read_given
from tonegap.files.store import md5_of
from tonegap.files.table_formats import read_table
from tonegap.foreign.table import lacking, with_plain_names
from tonegap.presets.schema import Form, Join, Preset
from tonegap.tables import inert, nearest_column, trimmed_cells


@dataclass(frozen=True)
class Assembled:
    """A data set's table as read.

    Attributes
    ----------
    title
        What it is called.
    frame
        Every cell text or missing, with the columns of all tables.
    form
        Its layout.
    origin
        The main table's name, for messages.
    content
        The main table's bytes.
    notes
        How the tables were read, in sentences.
    """

    title: str
    frame: pd.DataFrame
    form: Form
    origin: str
    content: bytes
    notes: tuple[str, ...] = ()


def read_whole(given: GivenTable, form: Form) -> Assembled:
    """Read one table of a known layout.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    frame, notes = read_table(given.content, given.name)
    plain = with_plain_names(frame, given.name)
    return Assembled(given.name, plain, form, given.name, given.content, notes)


def assembled(preset: Preset, tables: Sequence[Path | str], images: Sequence[Path]) -> Assembled:
    """Find and join the tables of a preset.

    Parameters
    ----------
    preset
        The data set.
    tables
        Its tables, the main one first; those not given are looked for beside it and among
        ``images``.
    images
        Folders and zips of its images.

    Raises
    ------
    DataError
        If a table is missing, or is of none of the preset's layouts; the message says where people
        get it.
    IntegrityError
        If the table is not the public one that the preset pins.
    """
    main = _main_table(preset, tables, images)
    whole = read_whole(main, preset.forms[0])
    absent: list[str] = []
    for form in preset.forms:
        joined = _joined(whole, form, tables, images)
        if isinstance(joined, str):
            absent.append(joined)
        elif not lacking(joined.frame, form):
            notes = (f"{name} was not found, so its columns are missing" for name in absent)
            found = replace(joined, title=preset.title, form=form, notes=(*joined.notes, *notes))
            _require_pinned(found, preset)
            return found
    raise DataError(_no_layout(whole, preset, absent))


def _main_table(preset: Preset, tables: Sequence[Path | str], images: Sequence[Path]) -> GivenTable:
    if tables:
        return read_given(tables[0])
    names = list(dict.fromkeys(form.file for form in preset.forms))
    for name in names:
        if (found := find_table(name, images, None)) is not None:
            return found
    pinned = next((form.pinned for form in preset.forms if form.pinned), None)
    if pinned is not None:
        return read_given(pinned.url)
    where = f"none of {', '.join(map(str, images))} holds it" if images else "none was given"
    raise DataError(
        f"{preset.title} needs its table {' or '.join(names)}, and {where}; give it with --table, "
        f"or get the data set: {preset.obtain.text}"
    )


def _joined(
    whole: Assembled, form: Form, tables: Sequence[Path | str], images: Sequence[Path]
) -> Assembled | str:
    """Add the columns of the form's further tables; return the name of one that is not there."""
    frame, notes = whole.frame, list(whole.notes)
    if not lacking(frame, form):
        return whole  # all in one table already
    main = tables[0] if tables else None
    for join in form.joins:
        given = next(_given(join, tables[1:]), None)
        found = read_given(given) if given else find_table(join.file, images, main)
        if found is None:
            return join.file
        other, read = read_table(found.content, found.name)
        notes += read
        frame = _with_columns(frame, other, join, (whole.origin, found.name), notes)
    return replace(whole, frame=frame, notes=tuple(notes))


def _given(join: Join, further: Sequence[Path | str]) -> Iterator[Path | str]:
    """Yield the given table of the join's name, or the only one that is given."""
    named = [table for table in further if _base(table).lower() == join.file.lower()]
    yield from named or (further if len(further) == 1 else ())


def _base(table: Path | str) -> str:
    return PurePosixPath(str(table).split("?")[0]).name if is_url(table) else Path(table).name


def _with_columns(
    frame: pd.DataFrame, other: pd.DataFrame, join: Join, names: tuple[str, str], notes: list[str]
) -> pd.DataFrame:
    """Add the columns of another table, row by row; ``names`` are those of the two files."""
    origin, name = names
    other = with_plain_names(other, name)
    for table, where in ((frame, origin), (other, name)):
        if join.on not in table.columns:
            raise DataError(
                f"{where} has no column {join.on!r}, by which {origin} and {name} are joined; "
                f"{nearest_column(join.on, table)}"
            )
    other = other[trimmed_cells(other[join.on]).notna()]
    keys = trimmed_cells(other[join.on])
    if keys.duplicated().any():
        twice = inert(keys[keys.duplicated()].iloc[0])
        raise DataError(f"{name} holds {join.on} {twice!r} twice, so rows cannot be joined by it")
    new = [column for column in other.columns if column not in frame.columns]
    further = other[new].set_index(keys)
    wanted = trimmed_cells(frame[join.on])
    alone = int((~wanted.isin(keys)).sum())
    if alone:
        notes.append(f"{alone} of {len(frame)} rows have no row in {name}")
    matched = further.reindex(wanted.fillna("")).set_axis(frame.index)
    return pd.concat([frame, matched], axis=1)


def _require_pinned(found: Assembled, preset: Preset) -> None:
    pinned, md5 = found.form.pinned, md5_of(found.content)
    if pinned is not None and md5 != pinned.md5:
        raise IntegrityError(
            f"{found.origin} is not the public table of {preset.title}: its md5 is {md5}, expected "
            f"{pinned.md5}; data.dvc is unchanged; take the table from {pinned.url}, or use "
            "`tonegap source table` for a changed one"
        )


def _no_layout(whole: Assembled, preset: Preset, absent: Sequence[str]) -> str:
    """Say what is missing from the layout that fits best."""
    form = min(preset.forms, key=lambda each: len(lacking(whole.frame, each)))
    column = lacking(whole.frame, form)[0]
    if absent and form.joins:
        return (
            f"{preset.title} also needs its table {absent[0]}, which has the column {column!r} and "
            f"is neither beside {whole.origin} nor among the images; give it with --table, after "
            f"{whole.origin}; or get the data set: {preset.obtain.text}"
        )
    public = next((form.pinned for form in preset.forms if form.pinned), None)
    itself = f"Without --table the public one is taken (md5 {public.md5}). " if public else ""
    return (
        f"{whole.origin} is no table of {preset.title} that tonegap knows: it has no column "
        f"{column!r}; {nearest_column(column, whole.frame)} The layout is known from "
        f"{preset.layout.source}. {itself}Name the columns of another edition: `tonegap source "
        "table FILE --identifier COLUMN ...` (docs/other-data.md)"
    )
