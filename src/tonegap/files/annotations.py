"""Annotation tables on disk."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tonegap.errors import DataError
from tonegap.tables import validate_annotations


def read_text_table(path: Path, what: str) -> pd.DataFrame:
    """Read a CSV file with every cell as the text that it is; only empty cells are missing.

    Raises
    ------
    DataError
        If the file is absent, or is no table.
    """
    if not path.is_file():
        raise DataError(f"{what} is not at {path}; give another path, or run `dvc repro`")
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
    except (ValueError, pd.errors.ParserError, OSError) as error:
        reason = " ".join(str(error).split()) or "no content"
        raise DataError(f"{path} cannot be read as a table ({reason}); expected {what}") from None


def read_annotations(path: Path) -> pd.DataFrame:
    """Read and validate an annotation table (see :mod:`tonegap.tables`).

    Raises
    ------
    DataError
        Naming the file, and the first column, line and value that break a rule.
    """
    return validate_annotations(read_text_table(path, "the annotation table"), path.name)
