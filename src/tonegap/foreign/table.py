"""Another data set's table in the columns of this study."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd

from tonegap.errors import DataError
from tonegap.foreign.account import Account
from tonegap.foreign.choice import chosen_rows
from tonegap.foreign.images import ALSO, IMAGE, ROW, image_rows
from tonegap.foreign.labels import label_table, without_unlabelled
from tonegap.foreign.subjects import subjects
from tonegap.foreign.tone import skin_type_columns
from tonegap.presets.schema import Form, Labels, Tone, label_columns
from tonegap.tables import (
    ANNOTATION_COLUMNS,
    GROUP_WORDS,
    SUBJECT,
    few,
    inert,
    nearest_column,
    trimmed,
    validate_annotations,
)

OWN_FORM: Final = Form(
    md5="md5hash",
    images=("url_alphanum",),
    tone=Tone(columns=("fitzpatrick_scale",), second=("fitzpatrick_centaur",)),
    labels=Labels(fine="label", middle="nine_partition_label", coarse="three_partition_label"),
    qc="qc",
    url="url",
    subject=(SUBJECT,),
    may_lack=(SUBJECT,),
)
"""The layout of this study's own tables."""

_MD5: Final = re.compile(r"[0-9a-f]{32}")
_ADDED: Final = (IMAGE, ROW, ALSO)
_KEPT_APART: Final = "own_"


def with_plain_names(frame: pd.DataFrame, origin: str) -> pd.DataFrame:
    """Strip blanks from the ends of column names, where they are invisible.

    Raises
    ------
    DataError
        If two names are then the same, or the table has no rows.
    """
    names = frame.columns.str.strip()
    if names.has_duplicates:
        twice = inert(names[names.duplicated()][0])
        raise DataError(
            f"{origin} has two columns {twice!r} that differ only in blanks; rename one of them"
        )
    if frame.empty:
        raise DataError(f"{origin} has no rows; there is nothing to assess")
    return frame.set_axis(names, axis=1)


def lacking(frame: pd.DataFrame, form: Form) -> list[str]:
    """Return the columns that a form requires and the table lacks."""
    return [name for name in form.required() if name not in frame.columns]


def prepared_rows(
    frame: pd.DataFrame,
    form: Form,
    account: Account,
    *,
    files: Mapping[str, Sequence[str]] | None = None,
    licences: Sequence[str] = (),
    unlabelled: str | None = None,
) -> pd.DataFrame:
    """Bring another data set's table into one row per image, in the columns of this study.

    Parameters
    ----------
    frame
        The table as read, with plain names: every cell text or missing.
    form
        Where it keeps what the study needs.
    account
        Receives what happened to the rows.
    files, licences, unlabelled
        See :func:`~tonegap.foreign.images.image_rows`, :func:`~tonegap.foreign.choice.chosen_rows`
        and :func:`~tonegap.foreign.labels.without_unlabelled`.

    Returns
    -------
    DataFrame
        :data:`~tonegap.tables.ANNOTATION_COLUMNS` but ``md5hash``, which is there only with
        ``form.md5``; ``url_alphanum`` names the image; ``subject`` if there are subjects. Then the
        columns that ``form`` leaves, for ``groups.column``. The index holds lines of the file.

    Raises
    ------
    DataError
        If a column is not there, or a cell cannot be read.
    """
    _require_columns(frame, form, account.origin)
    absent = [name for name in form.may_lack if name not in frame.columns]
    frame = frame.reindex(columns=[*frame.columns, *absent])
    rows = chosen_rows(frame, form, licences, account)
    labels = label_table(rows, form.labels, account)
    choice = unlabelled or form.unlabelled
    names = rows[form.naming]
    rows, labels = without_unlabelled(rows, labels, choice, names, account)
    first, second = skin_type_columns(rows, form.tone, account)
    typed = rows.assign(**{f"{IMAGE} first": first, f"{IMAGE} second": second})
    images = image_rows(typed, form, files, account)
    labels = labels.set_axis(range(len(labels))).loc[images[ROW]].set_axis(images.index)
    study = {
        "fitzpatrick_scale": images[f"{IMAGE} first"],
        "fitzpatrick_centaur": images[f"{IMAGE} second"],
        **{name: labels[name] for name in labels},
        "qc": images[form.qc] if form.qc else None,
        "url": images[form.url] if form.url else None,
        "url_alphanum": images[IMAGE],
    }
    table = pd.DataFrame(study, index=images.index, dtype="str")
    if form.md5:
        table.insert(0, "md5hash", images[form.md5].str.strip().str.lower())
    if form.tone is None:
        account.notes.append(
            "no column of skin types was named, so all are unknown; set groups.column in "
            "params.yaml to ita (measured from the pictures) or to a column of the table"
        )
    of_subject = subjects(images, form.subject)
    if of_subject.notna().any():
        table[SUBJECT] = of_subject
    further = _further(images.drop(columns=absent), form, account)
    return pd.concat([table, further], axis=1)


def canonical_table(
    rows: pd.DataFrame, form: Form, md5_by_image: Mapping[str, str], origin: str
) -> pd.DataFrame:
    """Give every row its key, and check the table.

    Parameters
    ----------
    rows
        As :func:`prepared_rows` returns them.
    form
        The table's layout.
    md5_by_image
        md5 of each image that is at hand. A row without one keeps an md5 that is its name;
        otherwise it gets the md5 of its name, which no image has: its image can only be had
        unverified.
    origin
        The file's name, for messages.

    Returns
    -------
    DataFrame
        :data:`~tonegap.tables.ANNOTATION_COLUMNS`, ``subject`` where there are subjects, then the
        table's further columns; validated.

    Raises
    ------
    DataError
        If a value breaks a rule.
    """
    if form.md5 is None:
        taken = set(md5_by_image.values())
        keys = [md5_by_image.get(name) or _key(name, taken) for name in rows["url_alphanum"]]
        rows = rows.assign(md5hash=pd.Series(keys, index=rows.index, dtype="str"))
    own = [*ANNOTATION_COLUMNS, *([SUBJECT] if SUBJECT in rows else [])]
    further = [name for name in rows.columns if name not in own]
    checked = validate_annotations(trimmed(rows[own]), origin, _shown(form))
    return pd.concat([checked.reset_index(drop=True), rows[further].reset_index(drop=True)], axis=1)


def identifier_md5(identifier: str) -> str:
    """Return the key of a row without an image: its name if that is an md5, else its md5."""
    bare = re.sub(r"\.\w+$", "", identifier.lower())
    return bare if _MD5.fullmatch(bare) else _md5_of_name(identifier)


def _key(name: str, taken: set[str]) -> str:
    key = identifier_md5(name)
    return _md5_of_name(name) if key in taken else key


def _md5_of_name(name: str) -> str:
    text = f"tonegap identifier {name}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _require_columns(frame: pd.DataFrame, form: Form, origin: str) -> None:
    absent = lacking(frame, form)
    if absent and form == OWN_FORM:
        raise DataError(
            f"{origin} lacks the column {absent[0]!r}, which every annotation table needs; it has "
            f"{few(frame.columns)}; name the columns of another data set's table: `tonegap source "
            "table FILE --identifier COLUMN --fst COLUMN --label COLUMN` (docs/other-data.md)"
        )
    if absent:
        raise DataError(
            f"{origin} has no column {inert(absent[0])!r}; {nearest_column(absent[0], frame)}"
        )


def _further(images: pd.DataFrame, form: Form, account: Account) -> pd.DataFrame:
    """Return the columns that the form leaves; those whose names have a meaning are renamed."""
    study = {*ANNOTATION_COLUMNS, SUBJECT, *GROUP_WORDS}
    recoded = form.tone.columns if form.tone and not form.tone.fitzpatrick else ()
    used = {*form.columns(), *_ADDED, f"{IMAGE} first", f"{IMAGE} second"} - set(recoded)
    left = images[[name for name in images.columns if name not in used]]
    renamed = {name: f"{_KEPT_APART}{name}" for name in left.columns if name in study}
    if renamed:
        shown = ", ".join(f"{name} as {new}" for name, new in renamed.items())
        account.notes.append(f"columns kept under another name: {shown}")
    return left.rename(columns=renamed)


def _shown(form: Form) -> dict[str, str]:
    """Return the name, in the file, of each column of the study that comes from one."""
    tone = form.tone
    columns = {
        "md5hash": form.md5,
        "fitzpatrick_scale": tone.columns[0] if tone else None,
        "fitzpatrick_centaur": tone.second[0] if tone and tone.second else None,
        "label": label_columns(Labels(fine=form.labels.fine))[0],
        "nine_partition_label": _column(form.labels.middle),
        "three_partition_label": _column(form.labels.coarse),
        "qc": form.qc,
        "url": form.url,
        "url_alphanum": form.images[0] if form.images else None,
        SUBJECT: form.subject[0] if form.subject else None,
    }
    return {column: name for column, name in columns.items() if name}


def _column(source: object) -> str | None:
    return source if isinstance(source, str) else None
