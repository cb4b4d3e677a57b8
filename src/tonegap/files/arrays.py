"""Named arrays in one compressed file (.npz), whose bytes depend on the arrays alone."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tonegap.errors import DataError
from tonegap.files.atomic import replacing


@contextmanager
def opened_arrays(content: bytes, what: str) -> Iterator[Mapping[str, np.ndarray]]:
    """Open the arrays of a file that :func:`write_arrays` wrote.

    Raises
    ------
    DataError
        If the bytes, or an array that is asked for, are something else; ``what`` names what they
        should be.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            yield arrays
    except (ValueError, OSError, EOFError, KeyError) as error:
        raise DataError(f"these are no {what} ({error}); evaluate again") from None


def write_arrays(arrays: Mapping[str, np.ndarray], path: Path) -> None:
    """Write arrays atomically, readable by :func:`numpy.load`.

    ``numpy.savez_compressed`` streams each array, and headers of streamed entries differ between
    releases of Python: equal arrays would be different outputs to DVC.
    """
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asanyarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy")  # dated 1980, as every such entry
            archive.writestr(entry, content.getvalue(), zipfile.ZIP_DEFLATED)
