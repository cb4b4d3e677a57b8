"""The two ranges of pixels: files hold 0 to 255, models see [-1, 1].

:mod:`tonegap.model.pixels` maps one to the other; this module needs no torch.
"""

from __future__ import annotations

from typing import Final

HALF_RANGE: Final = 127.5
"""8-bit values in one unit of [-1, 1]."""
