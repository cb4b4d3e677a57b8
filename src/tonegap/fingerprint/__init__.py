"""Fingerprints: what is measured once from the bytes of each image.

:func:`fingerprint` decodes an image once and takes every measure from that; an image
that cannot be decoded has a fingerprint too, which says why. The table of them is in
:mod:`tonegap.fingerprint.table`, apart, so that worker processes start without pandas.
"""

from __future__ import annotations

from tonegap.fingerprint.decoding import UnreadableImageError, decode
from tonegap.fingerprint.measures import (
    COLUMNS,
    Fingerprint,
    ImageFile,
    fingerprint,
    fingerprint_all,
    unreadable,
)

__all__ = [
    "COLUMNS",
    "Fingerprint",
    "ImageFile",
    "UnreadableImageError",
    "decode",
    "fingerprint",
    "fingerprint_all",
    "unreadable",
]
