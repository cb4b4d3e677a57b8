"""Choose the data set that a branch assesses, store its images and list them in images.txt.

Nothing is changed before the new table is read, checked and validated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from tonegap.errors import DataError
from tonegap.files.annotations import parse_text_table, read_annotations
from tonegap.files.at_hand import images_at_hand, unplaced_spans
from tonegap.files.cache import user_cache
from tonegap.files.data_pin import pin_phantom, pin_table
from tonegap.files.given_tables import read_given
from tonegap.files.image_intake import Intake, identify_images, image_names, take_images
from tonegap.files.manifest import (
    file_urls,
    newly_listed,
    read_manifest,
    with_images_at_hand,
)
from tonegap.files.parameters import read_params
from tonegap.files.presets import read_preset
from tonegap.files.row_files import files_of_rows
from tonegap.files.store import ImageStore
from tonegap.files.tables import write_csv
from tonegap.foreign.account import Account
from tonegap.foreign.table import OWN_FORM, canonical_table, prepared_rows
from tonegap.presets.schema import Form, Preset
from tonegap.source.assembled import Assembled, assembled, read_whole
from tonegap.source.outcome import LEFT_OUT, SKIPPED, Chosen
from tonegap.source.unmatched import require_taken
from tonegap.tables import few, inert, trimmed_cells
from tonegap.workspace import Workspace


def use_phantom(repository: Path) -> Chosen:
    """Switch back to the embedded phantom.

    Raises
    ------
    MachineError
        If DVC fails.
    """
    pin_phantom(repository)
    rows = len(read_annotations(repository / Workspace.annotations))
    return Chosen("the phantom", rows, 0, 0, images_at_hand(repository))


def use_preset(
    repository: Path,
    preset: str | Preset,
    *,
    tables: Sequence[Path | str] = (),
    images: Sequence[Path] = (),
    licences: Sequence[str] = (),
    unlabelled: str | None = None,
) -> Chosen:
    """Point the branch at a data set whose layout is known (``src/tonegap/presets/``).

    Parameters
    ----------
    repository
        Root of the repository.
    preset
        Name of the preset, such as ``ddi``; or a preset.
    tables
        The data set's tables, files or urls, the main one first; those not given are looked
        for beside it and among ``images``.
    images
        Folders and zips of its images.
    licences
        Keep only rows under these licences; empty keeps all.
    unlabelled
        ``drop`` leaves rows without a label out; any other word becomes their label; None
        takes the preset's choice.

    Raises
    ------
    DataError
        If there is no such preset, it is refused, its table or images are missing (the message
        says where people get them), or a value breaks a rule. data.dvc is then unchanged.
    IntegrityError
        If the table is not the public one that the preset pins.
    MachineError
        If DVC fails, or a disk refuses.
    """
    known = read_preset(preset) if isinstance(preset, str) else preset
    if known.refused:
        raise DataError(f"tonegap does not assess {known.title}: {known.refused}")
    found = assembled(known, tables, images)
    if not images and not (found.form.url and found.form.url in found.frame.columns):
        raise DataError(
            f"{known.title} needs its images; give their folder or zip with --images, or get them: "
            f"{known.obtain.text}"
        )
    terms = f"licence: {known.licence.text} ({known.licence.source})"
    return _use(
        repository,
        found,
        images,
        licences=licences,
        unlabelled=unlabelled,
        advice=(terms, *known.notes),
    )


def use_table(
    repository: Path,
    table: Path | str,
    form: Form = OWN_FORM,
    images: Sequence[Path] = (),
    *,
    unlabelled: str | None = None,
) -> Chosen:
    """Point the branch at any other data set.

    Parameters
    ----------
    repository, images, unlabelled
        As in :func:`use_preset`.
    table
        The table, a file or a url.
    form
        Where it keeps what the study needs; by default in tonegap's own columns. Without a column
        of md5s, images are identified by name, and their md5 becomes the key.

    Raises
    ------
    DataError
        If a column is missing, or a value breaks a rule. data.dvc is then unchanged.
    MachineError
        If DVC fails, or a disk refuses.
    """
    found = read_whole(read_given(table), form)
    return _use(repository, found, images, unlabelled=unlabelled)


def _use(
    repository: Path,
    found: Assembled,
    images: Sequence[Path],
    *,
    licences: Sequence[str] = (),
    unlabelled: str | None = None,
    advice: Sequence[str] = (),
) -> Chosen:
    """Convert a table, take its images, and point the branch at it."""
    account = Account(found.origin, list(found.notes))
    rows = prepared_rows(
        found.frame,
        found.form,
        account,
        files=_files(repository, found, images, account),
        licences=licences,
        unlabelled=unlabelled,
    )
    # Checked before any image is stored.
    table = canonical_table(rows, found.form, {}, found.origin)
    md5s, taken = _take(repository, table, found.form, images)
    require_taken(taken, rows, found.origin, images)
    table = canonical_table(rows, found.form, md5s, found.origin)
    return replace(_pin(repository, found, table, taken, account), advice=tuple(advice))


def _files(
    repository: Path, found: Assembled, images: Sequence[Path], account: Account
) -> dict[str, list[str]] | None:
    """Assign files to rows by the form's pattern, if it has one."""
    form = found.form
    if form.files is None or not images or form.images[0] not in found.frame.columns:
        return None
    limits = read_params(repository / Workspace.params).fetch
    names = trimmed_cells(found.frame[form.images[0]]).dropna()
    assigned = files_of_rows(form.files, names, image_names(images, limits.max_bytes))
    if assigned.ambiguous:
        file, rows = next(iter(assigned.ambiguous.items()))
        account.notes.append(
            f"{len(assigned.ambiguous)} files fit several rows and were left out, such as "
            f"{inert(file)} ({few(rows)})"
        )
    return assigned.files


def _take(
    repository: Path, table: pd.DataFrame, form: Form, images: Sequence[Path]
) -> tuple[dict[str, str], Intake]:
    """Take the images, by md5 or by name; return the md5s of those taken by name."""
    fetch = read_params(repository / Workspace.params).fetch
    limits = {"max_bytes": fetch.max_bytes, "max_pixels": fetch.max_pixels}
    if form.md5 is not None:
        return {}, take_images(images, table, _store(), **limits)
    return identify_images(images, table["url_alphanum"], _store(), **limits)


def _store() -> ImageStore:
    return ImageStore(user_cache() / "images")


def _pin(
    repository: Path,
    found: Assembled,
    table: pd.DataFrame,
    taken: Intake,
    account: Account,
) -> Chosen:
    """List the images in the store and point the branch at the table."""
    path = repository / Workspace.manifest
    before = read_manifest(path) if path.exists() else {}
    images = with_images_at_hand(before, table, _store())
    pinned = found.form.pinned
    pin_table(repository, _content(found, table), images, pinned.url if pinned else None)
    spans = unplaced_spans(repository)
    return Chosen(
        found.title,
        len(table),
        len(images),
        newly_listed(before, images),
        images_at_hand(repository),
        taken,
        _note_skipped(taken, repository),
        tuple(account.notes) + ((spans,) if spans else ()),
        _note_left_out(account, repository),
        len(file_urls(table)) - len(images),
    )


def _content(found: Assembled, table: pd.DataFrame) -> bytes:
    """Return the table's bytes: the file's own if it says the same."""
    csv = table.to_csv(index=False, lineterminator="\n").encode()
    if found.form.md5 is None:
        return csv
    try:
        same = parse_text_table(found.content, found.origin).reset_index(drop=True).equals(table)
    except DataError:  # readable, but not as our own tables are
        same = False
    return found.content if same else csv


def _note_skipped(taken: Intake, repository: Path) -> Path | None:
    cells = [(inert(skip.name), inert(skip.reason)) for skip in taken.skipped]
    return _note(cells, ["name", "reason"], repository, SKIPPED)


def _note_left_out(account: Account, repository: Path) -> Path | None:
    return _note(account.left_out, ["line", "name", "reason"], repository, LEFT_OUT)


def _note(
    rows: Sequence[tuple[object, ...]], columns: list[str], repository: Path, at: Path
) -> Path | None:
    """Write a table of what was passed over, or remove an old one."""
    if not rows:
        (repository / at).unlink(missing_ok=True)
        return None
    write_csv(pd.DataFrame(rows, columns=columns), repository / at)
    return at
