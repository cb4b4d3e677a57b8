"""A few test images with their reconstructions, as pixels in one small file.

Where the images are photographs the file shows patients: it is an output that git
ignores, and nothing drawn from it may be committed.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8

from tonegap.errors import DataError
from tonegap.files.arrays import write_arrays


@dataclass(frozen=True)
class Examples:
    """Examples of one run, pixels as 8-bit RGB.

    Attributes
    ----------
    light, dark : uint8 [n, size, size, 3]
        Originals of each group.
    reconstructed_light, reconstructed_dark : uint8 [n, size, size, 3]
        Their reconstructions.
    rendered : bool array of no dimensions
        True where tonegap rendered every original itself: then nobody is shown.
    """

    light: UInt8[np.ndarray, "light size size 3"]
    reconstructed_light: UInt8[np.ndarray, "light size size 3"]
    dark: UInt8[np.ndarray, "dark size size 3"]
    reconstructed_dark: UInt8[np.ndarray, "dark size size 3"]
    rendered: Bool[np.ndarray, ""]


def write_examples(examples: Examples, path: Path) -> None:
    """Write examples atomically (.npz)."""
    arrays = {field.name: getattr(examples, field.name) for field in fields(Examples)}
    write_arrays(arrays, path)


def read_examples(content: bytes) -> Examples:
    """Read what :func:`write_examples` wrote.

    Raises
    ------
    DataError
        If the bytes are something else.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return Examples(**{field.name: arrays[field.name] for field in fields(Examples)})
    except (ValueError, OSError, EOFError, KeyError) as error:
        raise DataError(f"these are no example reconstructions ({error}); evaluate again") from None
