"""A contact sheet: originals above their reconstructions, light and dark."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

_CELL = 96  # side of a shown image, pixels
_GAP = 6
_CAPTION = 26
_INK = (20, 20, 20)
_PAPER = (255, 255, 255)


def contact_sheet(
    rows: Mapping[str, UInt8[np.ndarray, "images size size 3"]], caption: str
) -> Image.Image:
    """Lay images out in labelled rows under a caption.

    Parameters
    ----------
    rows
        Label of each row and its images; rows may differ in length.
    caption
        One line above the rows: what the images are.
    """
    font = ImageFont.load_default(13)
    labels = 2 * _GAP + round(max(map(font.getlength, rows), default=0.0))
    columns = max((len(images) for images in rows.values()), default=0)
    width = labels + columns * (_CELL + _GAP) + _GAP
    height = _CAPTION + len(rows) * (_CELL + _GAP) + _GAP
    sheet = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((_GAP, _GAP), caption, fill=_INK, font=font)
    for row, (label, images) in enumerate(rows.items()):
        top = _CAPTION + row * (_CELL + _GAP)
        pen.text((_GAP, top + _CELL // 2 - _GAP), label, fill=_INK, font=font)
        for column, image in enumerate(images):
            cell = Image.fromarray(image).resize((_CELL, _CELL), Image.Resampling.NEAREST)
            sheet.paste(cell, (labels + column * (_CELL + _GAP), top))
    return sheet
