"""Tables and small documents on disk: CSV with exact round trips, JSON with sorted layout."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from tonegap.errors import DataError, one_line
from tonegap.files.atomic import replacing, write_text

# A table whose hashes happen to hold digits only must not turn them into numbers.
_TEXT = dict.fromkeys(
    (
        "md5hash",
        "md5hash_a",
        "md5hash_b",
        "md5",
        "sha256",
        "pixel_sha256",
        "phash",
        "phash_flip",
        "phash_crops",
        "phash_inner",
        "thumbnail",
        "cluster",
        "copies",
        "subject",
        "label",
        "nine_partition_label",
        "three_partition_label",
        "label_fine",
        "label_middle",
        "label_coarse",
        "qc",
        "url",
        "url_alphanum",
        "source",
        "detail",
        "file_name",
        "image1",
        "image2",
        "path_indices_1",
        "path_indices_2",
    ),
    "str",
)


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table atomically: UTF-8, newline line ends, floats that read back the same."""
    with replacing(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")


def read_csv(path: Path, columns: Sequence[str], what: str) -> pd.DataFrame:
    """Read a table and make sure that it has ``columns``.

    Text stays text: only empty cells are missing (no guessing that "NA" or "None" is), and
    hashes, labels and urls are text even where they look like numbers.

    Parameters
    ----------
    path
        The CSV file.
    columns
        Columns that must be there; others are kept.
    what
        Names the table in messages ("the annotation table").

    Raises
    ------
    DataError
        If the file is absent, cannot be read, is no table, or lacks a column.
    """
    if not path.is_file():
        raise DataError(f"{what} is not at {path}; run `dvc repro` from the root of the repository")
    try:
        frame = pd.read_csv(
            path, dtype=_TEXT, keep_default_na=False, na_values=[""], low_memory=False
        )
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror or error}); expected {what}: fix its "
            "permissions"
        ) from None
    except (ValueError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path} cannot be read as a table ({one_line(error)}); expected {what}"
        ) from None
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise DataError(
            f"{path} lacks the column {missing[0]!r} that {what} must have; "
            f"it has {', '.join(map(repr, map(str, frame.columns)))}"
        )
    return frame


def write_json(content: Mapping[str, Any], path: Path) -> None:
    """Write a document atomically: indented, keys in the given order, no NaN.

    Raises
    ------
    ValueError
        If a number is not finite: JSON has no word for it; write ``None``.
    """
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: Path, what: str) -> dict[str, Any]:
    """Read a document that holds one JSON object.

    Raises
    ------
    DataError
        If the file is absent or holds something else.
    """
    if not path.is_file():
        raise DataError(f"{what} is not at {path}; run `dvc repro` from the root of the repository")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} cannot be read as JSON ({error}); expected {what}") from None
    if not isinstance(content, dict):
        raise DataError(f"{path} holds {type(content).__name__}, expected an object: {what}")
    return content
