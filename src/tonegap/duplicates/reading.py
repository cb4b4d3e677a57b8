"""Hashes and thumbnails as numbers, from the text that the table of fingerprints holds."""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import UInt8, UInt64

from tonegap.errors import DataError

SIDE: Final = 16  # of a thumbnail, pixels

_HASH_BYTES: Final = 8


def parse_hashes(texts: Sequence[str], column: str, each: int = 1) -> UInt64[np.ndarray, "n each"]:
    """Read ``each`` 64-bit hashes of 16 hexadecimal digits from every text.

    Raises
    ------
    DataError
        If a text is anything else; ``column`` names the place in the message.
    """
    content = _bytes(texts, column, each * _HASH_BYTES)
    return content.view(">u8").astype(np.uint64).reshape(-1, each)


def parse_thumbnails(texts: Sequence[str], column: str) -> UInt8[np.ndarray, "n 16 16"]:
    """Read grey thumbnails, 2 hexadecimal digits per pixel, row by row.

    Raises
    ------
    DataError
        If a text is anything else.
    """
    return _bytes(texts, column, SIDE * SIDE).reshape(-1, SIDE, SIDE)


def _bytes(texts: Sequence[str], column: str, size: int) -> UInt8[np.ndarray, "n size"]:
    for text in texts:
        if not isinstance(text, str) or len(text) != 2 * size:
            raise _no_digits(text, column, size)
    try:
        content = binascii.unhexlify("".join(texts))
    except ValueError:
        raise _no_digits(next(filter(_is_not_hex, texts)), column, size) from None
    return np.frombuffer(content, dtype=np.uint8).reshape(-1, size)


def _is_not_hex(text: str) -> bool:
    return not set(text) <= set("0123456789abcdefABCDEF")


def _no_digits(text: object, column: str, size: int) -> DataError:
    return DataError(
        f"the table of fingerprints holds {repr(text)[:40]} in the column {column}, not "
        f"{2 * size} hexadecimal digits, so copies cannot be found; run the hash stage again"
    )
