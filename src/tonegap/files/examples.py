"""A few test images with their reconstructions, as pixels in one small file.

Where the images are photographs the file shows patients: it is an output that git
ignores, and nothing drawn from it may be committed.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from tonegap.errors import DataError
from tonegap.files.arrays import write_arrays

Pixels = UInt8[np.ndarray, "_images _size _size 3"]

_ORIGINALS, _RECONSTRUCTIONS = "originals_", "reconstructions_"


@dataclass(frozen=True)
class Examples:
    """Examples of one run, pixels as 8-bit RGB.

    Attributes
    ----------
    originals, reconstructions
        Pixels by group, uint8 [n, size, size, 3].
    rendered
        True if tonegap rendered every original itself: then nobody is shown.
    """

    originals: Mapping[str, Pixels]
    reconstructions: Mapping[str, Pixels]
    rendered: bool

    def shows_same_as(self, other: Examples) -> bool:
        """Return True if both hold the same originals."""
        return self.originals.keys() == other.originals.keys() and all(
            np.array_equal(pixels, other.originals[group])
            for group, pixels in self.originals.items()
        )


def write_examples(examples: Examples, path: Path) -> None:
    """Write examples atomically (.npz)."""
    arrays = {
        **{f"{_ORIGINALS}{group}": pixels for group, pixels in examples.originals.items()},
        **{
            f"{_RECONSTRUCTIONS}{group}": pixels
            for group, pixels in examples.reconstructions.items()
        },
        "rendered": np.array(examples.rendered),
    }
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
            rendered = bool(arrays["rendered"])
            originals, reconstructions = (
                {
                    name.removeprefix(prefix): arrays[name]
                    for name in arrays
                    if name.startswith(prefix)
                }
                for prefix in (_ORIGINALS, _RECONSTRUCTIONS)
            )
    except (ValueError, OSError, EOFError, KeyError) as error:
        raise DataError(f"these are no example reconstructions ({error}); evaluate again") from None
    return Examples(originals, reconstructions, rendered)
