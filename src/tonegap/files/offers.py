"""What a folder or a zip has to offer: files that may be images, and files passed over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Skip:
    """A file that was passed over, and why (completes "it was skipped because ...")."""

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
        Reads it now: its bytes, or why it cannot be read.
    """

    name: str
    read: Callable[[], bytes | Skip]
