"""Shift of colour and tone, reconstruction minus original, over the whole picture and over skin.

The original alone decides which pixels are skin, by the rule of :func:`tonegap.tone.mean_ita`; the
same pixels are then compared. Skin chosen anew in the reconstruction would be other pixels.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float
from skimage.color import deltaE_ciede2000
from torch import Tensor

from tonegap.model.pixels import to_8_bit
from tonegap.tone import ita_degrees, lab, on_grid, skin_pixels, typical_colour

_WHOLE, _SKIN = "", "_skin"

TONE_COLUMNS = (
    *("delta_e", "delta_e_skin", "ita_shift", "ita_shift_skin", "l_shift", "l_shift_skin"),
    "ita_seen",
)
"""What :func:`tone_shifts` measures."""


def tone_shifts(
    images: Float[Tensor, "batch 3 height width"],
    reconstruction: Float[Tensor, "batch 3 height width"],
) -> dict[str, Float[Tensor, " batch"]]:
    """Compare the colours of images in [-1, 1], rounded to 8 bits as they would be saved.

    Pixels of a regular grid of about 64 x 64 are looked at, as for :func:`tonegap.tone.mean_ita`.

    Returns
    -------
    dict
        Per image, over the whole picture and, with the ending ``_skin``, over its skin:

        ``delta_e``
            Mean colour difference of pixels, CIEDE2000 (scikit-image); 0 for equal pictures.
        ``ita_shift``
            Individual typology angle of the reconstruction minus that of the original, degrees
            in [-180, 180); positive is lighter. The angle is that of the median L* and the
            median b*.
        ``l_shift``
            Median L* of the reconstruction minus that of the original; positive is lighter.

        And ``ita_seen``, the angle of the original's skin in degrees, against which the shift
        can be laid. It is measured on the picture that the model sees; the column ``ita`` of
        data/index.csv on the whole original.
    """
    originals, again = (_colours(batch) for batch in (images, reconstruction))
    differences = _differences(originals, again)
    rows = [_shifts(*pair) for pair in zip(originals, again, differences, strict=True)]
    return {
        name: torch.tensor([row[name] for row in rows], dtype=torch.float64)
        for name in TONE_COLUMNS
    }


def _colours(
    images: Float[Tensor, "batch 3 height width"],
) -> Float[np.ndarray, "batch pixels 3"]:
    found = lab(on_grid(to_8_bit(images)), np.float64)
    return found.reshape(len(found), found.shape[1] * found.shape[2], 3)


def _differences(
    originals: Float[np.ndarray, "images pixels 3"], again: Float[np.ndarray, "images pixels 3"]
) -> Float[np.ndarray, "images pixels"]:
    found: np.ndarray = deltaE_ciede2000(originals, again)  # type: ignore[no-untyped-call]
    return found


def _shifts(
    original: Float[np.ndarray, "pixels 3"],
    again: Float[np.ndarray, "pixels 3"],
    differences: Float[np.ndarray, " pixels"],
) -> dict[str, float]:
    skin = skin_pixels(original)
    shifts: dict[str, float] = {}
    for ending, chosen in ((_WHOLE, np.ones_like(skin)), (_SKIN, skin)):
        before, after = _tone(original, chosen), _tone(again, chosen)
        shifts[f"delta_e{ending}"] = float(differences[chosen].mean())
        shifts[f"ita_shift{ending}"] = (after[0] - before[0] + 180.0) % 360.0 - 180.0
        shifts[f"l_shift{ending}"] = after[1] - before[1]
    return shifts | {"ita_seen": _tone(original, skin)[0]}


def _tone(
    colours: Float[np.ndarray, "pixels 3"], chosen: Bool[np.ndarray, " pixels"]
) -> tuple[float, float]:
    """Return the angle in degrees and the median L* of the chosen pixels."""
    lightness, b = typical_colour(colours[chosen])
    return float(ita_degrees(np.asarray(lightness), np.asarray(b))), lightness
