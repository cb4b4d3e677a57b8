"""Fingerprints: what is measured once from the bytes of each image.

:func:`fingerprint` decodes an image once and takes every measure from that; an image
that cannot be decoded has a fingerprint too, which says why.
"""

from __future__ import annotations

from tonegap.fingerprint.decoding import UnreadableImageError, decode
from tonegap.fingerprint.measures import (
    COLUMNS,
    Fingerprint,
    fingerprint,
    fingerprint_table,
    unreadable,
)

__all__ = [
    "COLUMNS",
    "Fingerprint",
    "UnreadableImageError",
    "decode",
    "fingerprint",
    "fingerprint_table",
    "unreadable",
]
