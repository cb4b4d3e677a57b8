"""Planted copies: near duplicates whose truth is known."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import Final

import numpy as np
import pandas as pd

from tonegap.errors import DataError
from tonegap.nearest import nearest
from tonegap.phantom.spec import Copy, PhantomSpec, parse_url

KINDS: Final = ("resize", "reencode", "crop", "flip", "watermark")
"""What a planted copy changes: size by .5 to 2, JPEG quality to 40-95, a crop of up to 5 % of
each side, a left-right flip, a caption. Every copy is also JPEG-encoded once more."""

PAIR_COLUMNS: Final = ("md5hash_a", "md5hash_b", "kind")
_QUALITY: Final = 90


def draw_copy(kind: str, rng: np.random.Generator) -> Copy:
    """Draw one copy that changes only what ``kind`` names.

    Raises
    ------
    DataError
        If ``kind`` is not one of :data:`KINDS`.
    """
    if kind == "resize":
        return Copy(resize=round(float(2.0 ** rng.uniform(-1.0, 1.0)), 4))
    if kind == "reencode":
        return Copy(quality=int(rng.integers(40, 96)))
    if kind == "crop":
        return Copy(crop=round(float(rng.uniform(0.02, 0.05)), 4))
    if kind == "flip":
        return Copy(flip=True)
    if kind == "watermark":
        return Copy(watermark=True)
    raise DataError(f"phantom: no copy of kind {kind!r} can be made; {nearest(kind, KINDS)}")


def kind_of(copy: Copy) -> str:
    """Return what a copy changes: one of :data:`KINDS`, or several joined by ``+``."""
    changes = {
        "resize": copy.resize != 1.0,
        "reencode": copy.quality != _QUALITY,
        "crop": copy.crop > 0.0,
        "flip": copy.flip,
        "watermark": copy.watermark,
    }
    # A copy that only encodes the picture again at the usual quality is still a re-encoding.
    return "+".join(kind for kind in KINDS if changes[kind]) or "reencode"


def planted_copies(annotations: pd.DataFrame) -> pd.DataFrame:
    """List every pair of rows that show the same phantom, from their urls.

    Parameters
    ----------
    annotations
        Columns md5hash and url; rows without a phantom's url are skipped.

    Returns
    -------
    DataFrame
        ``md5hash_a`` < ``md5hash_b`` and ``kind``: what differs, see :func:`kind_of`; for two
        copies of one original, both kinds joined by ``/``. Sorted.
    """
    shown: dict[PhantomSpec, list[tuple[str, str]]] = defaultdict(list)
    phantoms = annotations[annotations["url"].astype(str).str.startswith("phantom:")]
    for md5hash, url in zip(phantoms["md5hash"], phantoms["url"], strict=True):
        spec = parse_url(str(url))
        kind = "" if spec.copy is None else kind_of(spec.copy)
        shown[spec.original].append((str(md5hash), kind))
    pairs = [
        (*sorted([first, second]), "/".join(filter(None, sorted([one, other]))))
        for rows in shown.values()
        for (first, one), (second, other) in itertools.combinations(rows, 2)
    ]
    return pd.DataFrame(sorted(pairs), columns=list(PAIR_COLUMNS), dtype=str)
