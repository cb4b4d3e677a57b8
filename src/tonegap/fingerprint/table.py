"""The table of fingerprints."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from tonegap.fingerprint.measures import COLUMNS, Fingerprint


def fingerprint_table(fingerprints: Iterable[Fingerprint]) -> pd.DataFrame:
    """Return one row per image; whole numbers stay integers beside missing ones."""
    frame = pd.DataFrame([vars(each) for each in fingerprints], columns=list(COLUMNS))
    return frame.astype({"width": "Int64", "height": "Int64"})
