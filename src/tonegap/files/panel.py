"""What a run makes of the panel, in one file: sketches of its reconstructions.

A sketch is no picture, but it is made of one. Where the images are photographs the file stays an
output that git ignores, like the other files of a run.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tonegap.files.arrays import opened_arrays, write_arrays
from tonegap.uncertainty.ensemble import Panel


def write_panel(panel: Panel, path: Path) -> None:
    """Write a panel atomically (.npz)."""
    arrays = {
        "md5hash": np.array(panel.md5hashes, dtype="U32"),
        "sketch": panel.sketches,
        "n_values": np.array(panel.n_values),
    }
    write_arrays(arrays, path)


def read_panel(content: bytes) -> Panel:
    """Read the panel of a run.

    Raises
    ------
    DataError
        If the bytes are something else.
    """
    with opened_arrays(content, "sketches of a panel") as arrays:
        names = tuple(map(str, arrays["md5hash"]))
        return Panel(names, arrays["sketch"], int(arrays["n_values"]))
