"""Annotation tables on disk."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd

from tonegap.errors import DataError
from tonegap.tables import validate_annotations


def parse_text_table(content: bytes, origin: str) -> pd.DataFrame:
    """Parse a CSV table with every cell as the text that it is; only empty cells are missing.

    Raises
    ------
    DataError
        If it is no table.
    """
    try:
        return pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, na_values=[""])
    except (ValueError, pd.errors.ParserError) as error:  # a bad encoding is a ValueError
        reason = " ".join(str(error).split()) or "no content"
        raise DataError(
            f"{origin} cannot be read as a table ({reason}); expected an annotation table, CSV in "
            "UTF-8"
        ) from None


def read_annotations(path: Path) -> pd.DataFrame:
    """Read and validate an annotation table (see :mod:`tonegap.tables`).

    Raises
    ------
    DataError
        If the file is absent or is no table; else naming the file, and the first column,
        line and value that break a rule.
    """
    if not path.is_file():
        raise DataError(
            f"the annotation table is not at {path}; run `dvc repro` from the root of the "
            "repository, or choose a data set with `tonegap source`"
        )
    return validate_annotations(parse_text_table(path.read_bytes(), path.name), path.name)
