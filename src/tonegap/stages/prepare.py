"""Stage ``prepare``: the cohort's images, square and small, packed once as uint8."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import UInt8

from tonegap.errors import DataError
from tonegap.files.archive import ImageArchive, open_archive
from tonegap.files.packed import write_packed
from tonegap.files.tables import read_csv, write_csv
from tonegap.fingerprint.decoding import MAX_PIXELS, UnreadableImageError, decode
from tonegap.framing import centre_square

_THREADS = 8  # Pillow decodes outside the interpreter's lock
_BATCH = 64


def run(
    *,
    raw: Path,
    cohort: Path,
    image_size: int,
    images: Path,
    image_rows: Path,
    max_pixels: int = MAX_PIXELS,
) -> None:
    """Pack the cohort's images.

    Parameters
    ----------
    raw, cohort
        The image archive, and the table of images to take from it.
    image_size
        Side of the packed images, pixels.
    images
        Written: uint8 [n, image_size, image_size, 3], RGB, in the order of ``cohort``.
    image_rows
        Written: row (from 0) and md5hash of each packed image.
    max_pixels
        Larger pictures are not decoded.

    Raises
    ------
    DataError
        If an image of the cohort cannot be decoded; the message names it.
    """
    md5hashes = read_csv(cohort, ["md5hash"], "the cohort")["md5hash"].astype(str)
    with open_archive(raw) as archive:
        pictures = _squares(archive, list(md5hashes), image_size, max_pixels)
        write_packed(images, pictures, len(md5hashes), image_size)
    write_csv(pd.DataFrame({"row": range(len(md5hashes)), "md5hash": md5hashes}), image_rows)


def _squares(
    archive: ImageArchive, md5hashes: list[str], size: int, max_pixels: int
) -> Iterator[UInt8[np.ndarray, "size size 3"]]:
    """Yield square images in order; a batch of encoded images is in memory at a time."""

    def square(md5hash: str, content: bytes) -> UInt8[np.ndarray, "size size 3"]:
        try:
            return centre_square(decode(content, max_pixels), size)
        except UnreadableImageError as problem:
            raise DataError(
                f"the image {md5hash} of the cohort cannot be prepared: {problem}; run the stages "
                "hash and filter again, which leave such images out"
            ) from None

    remaining = iter(md5hashes)
    with ThreadPoolExecutor(_THREADS) as pool:
        while batch := list(islice(remaining, _BATCH)):
            encoded = [archive.read(f"{md5hash}.jpg") for md5hash in batch]
            yield from pool.map(square, batch, encoded)
