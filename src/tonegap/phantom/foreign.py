"""A small second data set with other columns, like those of PAD-UFES-20.

It shows that any data set with an identifier, a tone, labels and a url can be assessed.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from tonegap.phantom.recipes import UNKNOWN_FST, annotation_table

COLUMNS: Final = (
    "patient_id",
    "lesion_id",
    "age",
    "gender",
    "fitspatrick",
    "region",
    "diagnostic",
    "biopsed",
    "img_id",
    "url",
)
CODES: Final = {
    "phantom plaque": "PLA",
    "phantom coin plaque": "PLA",
    "phantom annular plaque": "ANN",
    "phantom rash": "RSH",
    "phantom papules": "PAP",
    "phantom dense papules": "PAP",
    "phantom vitiligo": "VIT",
    "phantom pale patches": "VIT",
    "phantom naevus": "NEV",
    "phantom angioma": "ANG",
    "phantom melanoma": "MEL",
}
"""Diagnosis code of each fine label."""

_REGIONS: Final = ("ARM", "BACK", "CHEST", "FACE", "FOREARM", "HAND", "THIGH")
_MALIGNANT: Final = ("MEL",)
_SIZES: Final = (28, 20, 12)  # light, dark and other images


def foreign_table(seed: int = 7) -> pd.DataFrame:
    """Draw the second data set.

    Returns
    -------
    DataFrame
        :data:`COLUMNS` with PAD-UFES-20's names and spellings, one row per image.
        ``fitspatrick`` is 1.0-6.0 or empty, ``diagnostic`` a code, ``img_id`` the file's
        name; patients have one or two images. ``url`` is the phantom to draw.
    """
    table = annotation_table("default", *_SIZES, seed)
    table = table[table["url"].notna()].reset_index(drop=True)
    rng = np.random.default_rng([seed, len(COLUMNS)])
    patient = np.cumsum(rng.random(len(table)) < 0.8)  # noqa: PLR2004 - every fifth has company
    code = table["label"].map(CODES)
    fst = table["fitzpatrick_scale"].astype(float)
    numbers = zip(patient, table.index, strict=True)
    return pd.DataFrame(
        {
            "patient_id": [f"PHA_{p}" for p in patient],
            "lesion_id": table.index + 1,
            "age": rng.integers(18, 90, len(table)),
            "gender": rng.choice(["FEMALE", "MALE"], len(table)),
            "fitspatrick": fst.mask(fst == UNKNOWN_FST),
            "region": rng.choice(list(_REGIONS), len(table)),
            "diagnostic": code,
            "biopsed": code.isin(_MALIGNANT),
            "img_id": [f"PHA_{p}_{i + 1}.jpg" for p, i in numbers],
            "url": table["url"],
        },
        columns=list(COLUMNS),
    )
