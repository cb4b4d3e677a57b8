"""The table of fingerprints."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from tonegap.fingerprint.measures import COLUMNS, Fingerprint


def fingerprint_table(fingerprints: Iterable[Fingerprint]) -> pd.DataFrame:
    """One row per image, whole numbers kept whole beside missing ones."""
    frame = pd.DataFrame([vars(each) for each in fingerprints], columns=list(COLUMNS))
    return frame.astype({"bytes": "Int64", "width": "Int64", "height": "Int64"})
