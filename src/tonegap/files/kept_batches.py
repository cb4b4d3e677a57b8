"""Results of single batches, kept in the user's cache until the whole result is written.

A batch is known by its content and by everything else that determines its numbers, so that an
interrupted run goes on where it was, with the same numbers.
"""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from jaxtyping import UInt8

from tonegap.files.arrays import write_arrays


class KeptBatches:
    """Results by batch, one small file each.

    Parameters
    ----------
    folder
        Folder of everything that determines the numbers of a batch, but its content.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def result(
        self, digest: str, rows: int, compute: Callable[[], pd.DataFrame]
    ) -> tuple[pd.DataFrame, bool]:
        """Return a batch's table of numbers, and whether it was kept from before.

        A file that cannot be read, or has another number of rows, is computed again.

        Parameters
        ----------
        digest
            Hash of the batch's content.
        rows
            Rows of its table.
        compute
            Makes the table.
        """
        path = self.folder / f"{digest}.npz"
        kept = _read(path)
        if kept is not None and len(kept) == rows:
            return kept, True
        table = compute()
        write_arrays({str(name): column.to_numpy() for name, column in table.items()}, path)
        return table, False

    def clear(self) -> None:
        """Remove all of them, once the whole result is safe."""
        shutil.rmtree(self.folder, ignore_errors=True)


def pixels_sha256(pixels: UInt8[np.ndarray, "batch height width 3"]) -> str:
    """Hash the pixels of a batch."""
    digest = hashlib.sha256(f"{pixels.shape}".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def _read(path: Path) -> pd.DataFrame | None:
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            return pd.DataFrame({name: arrays[name] for name in arrays.files})
    except (OSError, ValueError, EOFError, KeyError, BadZipFile):
        return None
