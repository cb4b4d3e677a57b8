"""Read hashes and thumbnails as numbers from the text in the table of fingerprints."""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import UInt8, UInt64

from tonegap.errors import DataError

SIDE: Final = 32  # of a thumbnail, cells

COLUMNS: Final = (
    "md5hash",
    "readable",
    "sha256",
    "pixel_sha256",
    "phash",
    "phash_flip",
    "phash_crops",
    "phash_inner",
    "thumbnail",
)
"""Columns of the table of fingerprints that the search for copies reads."""

_HASH_BYTES: Final = 8
_MD5: Final = r"[0-9a-f]{32}"
_FIX: Final = "copies cannot be found in it; run the hash stage again"


def require_index(index: pd.DataFrame) -> None:
    """Check that a table of fingerprints can be searched for copies.

    Raises
    ------
    DataError
        If a column is missing, ``readable`` is not true or false throughout, or a
        ``md5hash`` is invalid or appears twice.
    """
    for name in COLUMNS:
        if name not in index.columns:
            raise DataError(f"the table of fingerprints has no column {name}; {_FIX}")
    if not index["readable"].isin([True, False]).all():
        raise DataError(f"the table of fingerprints holds a `readable` that is not a bool; {_FIX}")
    names = index["md5hash"]
    wrong = names[~names.astype(str).str.fullmatch(_MD5) | names.duplicated()]
    if len(wrong):
        raise DataError(
            f"the table of fingerprints holds the md5hash {ascii(wrong.iloc[0])[:80]}, which is "
            f"none or appears twice; {_FIX}"
        )


def parse_hashes(
    texts: Sequence[object], column: str, each: int = 1
) -> UInt64[np.ndarray, "n each"]:
    """Read ``each`` 64-bit hashes of 16 hexadecimal digits from every text.

    Raises
    ------
    DataError
        If a text is anything else; ``column`` names the place in the message.
    """
    content = _bytes(texts, column, each * _HASH_BYTES)
    return content.view(">u8").astype(np.uint64).reshape(-1, each)


def parse_thumbnails(texts: Sequence[object], column: str) -> UInt8[np.ndarray, "n 32 32"]:
    """Read grey thumbnails, 2 hexadecimal digits per cell, row by row.

    Raises
    ------
    DataError
        If a text is anything else.
    """
    return _bytes(texts, column, SIDE * SIDE).reshape(-1, SIDE, SIDE)


def _bytes(texts: Sequence[object], column: str, size: int) -> UInt8[np.ndarray, "n size"]:
    digits = re.compile(rf"[0-9a-f]{{{2 * size}}}")
    for text in texts:
        if not isinstance(text, str) or not digits.fullmatch(text):
            raise _no_digits(text, column, size)
    content = binascii.unhexlify("".join(map(str, texts)))
    return np.frombuffer(content, dtype=np.uint8).reshape(-1, size)


def _no_digits(text: object, column: str, size: int) -> DataError:
    return DataError(
        f"the table of fingerprints holds {ascii(text)[:40]} in the column {column}, not "
        f"{2 * size} hexadecimal digits; {_FIX}"
    )
