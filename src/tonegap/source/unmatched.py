"""Refuse images of which none belongs to a row: the wrong folder, or names of another kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from tonegap.errors import DataError
from tonegap.files.image_intake import MATCHES_NO_ROW, OF_NO_ROW, Intake
from tonegap.tables import inert

_STRANGE: Final = (OF_NO_ROW, MATCHES_NO_ROW)


def require_taken(taken: Intake, rows: pd.DataFrame, origin: str, images: Sequence[Path]) -> None:
    """Reject an intake without a single image; name one from each side.

    Parameters
    ----------
    taken
        What became of the files.
    rows
        The table's rows: ``url_alphanum`` names images.
    origin
        The table's name.
    images
        Folders and zips that were given; none is no reproach.

    Raises
    ------
    DataError
        If images were given, and none was taken.
    """
    if not images or taken.taken:
        return
    where = ", ".join(map(str, images))
    if not taken.skipped:
        raise DataError(
            f"{where} holds no file; data.dvc is unchanged; give the folder of the images"
        )
    strange = [skip.name for skip in taken.skipped if skip.reason in _STRANGE]
    if not strange:
        (reason, count), *_ = taken.reasons().most_common(1)
        raise DataError(
            f"no image was taken from {where}: of {len(taken.skipped)} files {count} were skipped "
            f"because {reason}; data.dvc is unchanged"
        )
    named = rows["url_alphanum"].dropna()
    row = f"images such as {inert(named.iloc[0])!r}" if len(named) else "images by md5 only"
    raise DataError(
        f"none of the {len(taken.skipped)} files in {where} belongs to a row: {origin} names "
        f"{row}, the files are called {inert(strange[0])!r} and alike; name the column that holds "
        "the files' names (--identifier), or say which files belong to a row (--files '{}_*', "
        "where {} is the row's name); data.dvc is unchanged"
    )
