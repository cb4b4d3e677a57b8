"""The pictures that these tests share."""

from __future__ import annotations

from pictures import encode, picture

__all__ = ["encode", "picture"]
