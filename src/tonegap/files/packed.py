"""Packed images: one uint8 array on disk, read through a memory map."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8

from tonegap.errors import DataError
from tonegap.files.atomic import replacing, require_free_space


def write_packed(
    path: Path, images: Iterable[UInt8[np.ndarray, "size size 3"]], count: int, size: int
) -> None:
    """Write ``count`` images of ``size`` x ``size`` pixels one by one, in bounded memory.

    Raises
    ------
    MachineError
        If the disk cannot hold the array.
    ValueError
        If ``images`` does not yield ``count`` images.
    """
    require_free_space(path.parent, count * size * size * 3 + 4096, f"packing images into {path}")
    layout = {"descr": "|u1", "fortran_order": False, "shape": (count, size, size, 3)}
    written = 0
    # Written, not mapped: if the disk fills up under a memory map, the process is killed.
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, layout)
        for image in images:
            stream.write(np.ascontiguousarray(image).data)
            written += 1
        if written != count:
            raise ValueError(f"expected {count} images, got {written}")


@dataclass(frozen=True)
class PackedSubset:
    """Some packed images, read as they are needed.

    Attributes
    ----------
    packed
        All of them, a memory map.
    rows
        Which of them, in order.
    """

    packed: UInt8[np.ndarray, "packed size size 3"]
    rows: Int[np.ndarray, " images"]

    def at(self, places: Iterable[int]) -> UInt8[np.ndarray, "images size size 3"]:
        """Return the images at some places of ``rows``."""
        return np.asarray(self.packed[self.rows[list(places)]])

    @property
    def darkest(self) -> int:
        """The smallest value, 0-255."""
        return min(int(self.packed[row].min()) for row in self.rows)

    def batches(self, size: int) -> Iterator[UInt8[np.ndarray, "images size size 3"]]:
        """Yield all of them, ``size`` at a time."""
        for start in range(0, len(self.rows), size):
            yield np.asarray(self.packed[self.rows[start : start + size]])


def open_packed(path: Path) -> UInt8[np.ndarray, "images size size 3"]:
    """Open packed images as a read-only memory map.

    Raises
    ------
    DataError
        If the file is absent or holds something else.
    """
    if not path.is_file():
        raise DataError(f"the packed images are not at {path}; run `dvc repro`")
    try:
        packed: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"{path} is not an array of images ({error}); run `dvc repro`") from None
    if packed.dtype != np.uint8 or packed.ndim != 4 or packed.shape[3] != 3:  # noqa: PLR2004
        raise DataError(
            f"{path} holds {packed.dtype} of shape {packed.shape}; "
            "expected uint8 [n, size, size, 3]: run `dvc repro`"
        )
    return packed
