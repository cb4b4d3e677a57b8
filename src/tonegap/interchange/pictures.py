"""Pictures within text: found as data addresses, and replaced where they may show patients.

The report embeds its figures. A drawing of lines and letters is SVG alone; a picture is a
raster, or an SVG that holds one.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

_ADDRESS: Final = re.compile(
    r"data:image/([\w.+-]+)((?:;[\w=+-]+)*),([^\"'()\s<>]*)", re.IGNORECASE
)
_DRAWING: Final = "svg+xml"
_LEFT_OUT: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="480" height="40"><text x="8" y="25" '
    'font-family="sans-serif" font-size="14">Left out: this picture may show patients.</text></svg>'
)


def pictures_in(text: str) -> int:
    """Count the pictures that a text embeds; drawings do not count."""
    return sum(_is_picture(match) for match in _ADDRESS.finditer(text))


def without_pictures(text: str) -> tuple[str, int]:
    """Replace every embedded picture by a note; return the text and how many were replaced."""
    count = pictures_in(text)
    note = f"data:image/{_DRAWING};base64,{base64.b64encode(_LEFT_OUT.encode()).decode('ascii')}"
    return _ADDRESS.sub(lambda m: note if _is_picture(m) else m[0], text), count


def _is_picture(match: re.Match[str]) -> bool:
    """Return True unless the address is surely a drawing."""
    kind, encoding, content = match[1].lower(), match[2].lower(), match[3]
    if kind != _DRAWING or ";base64" not in encoding:
        return True
    try:
        drawing = base64.b64decode(content, validate=True).decode("utf-8").lower()
    except (binascii.Error, ValueError):
        return True
    return "<image" in drawing or "data:" in drawing
