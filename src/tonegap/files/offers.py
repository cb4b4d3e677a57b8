"""Contents of a folder or a zip: files that may be images, and files that are skipped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Skip:
    """A file that was skipped, and why (completes "it was skipped because ...")."""

    name: str
    reason: str


@dataclass(frozen=True)
class Offer:
    """A file that may be an image.

    Attributes
    ----------
    name
        Its name within the folder or zip, with ``/`` between parts.
    read
        Function that reads it now; returns its bytes, or why it cannot be read.
    """

    name: str
    read: Callable[[], bytes | Skip]
