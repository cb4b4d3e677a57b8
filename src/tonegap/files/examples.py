"""Examples of reconstructions, of a run or of a study, in one small file.

Where the images are photographs the file shows patients: it is an output that git
ignores, and nothing drawn from it may be committed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tonegap.examples import Examples, StudyExamples
from tonegap.files.arrays import opened_arrays, write_arrays
from tonegap.groups import Groups


def write_examples(examples: Examples | StudyExamples, path: Path) -> None:
    """Write examples atomically (.npz)."""
    write_arrays(examples.arrays(), path)


def read_examples(content: bytes) -> Examples:
    """Read the examples of a run.

    Raises
    ------
    DataError
        If the bytes are something else.
    """
    with opened_arrays(content, "example reconstructions") as arrays:
        return Examples.from_arrays(arrays)


def read_study_examples(path: Path, groups: Groups) -> StudyExamples | None:
    """Read the examples of a study, of the two groups that are compared; None if there is no file.

    Raises
    ------
    DataError
        If an array is missing or has another shape.
    """
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as arrays:
        return StudyExamples.from_arrays(dict(arrays), groups)
