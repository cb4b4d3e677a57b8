"""A data set that tonegap takes for photographs of patients: pictures made of noise."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from tonegap.files.store import md5_of
from tonegap.tables import ANNOTATION_COLUMNS

FIRST, ALL = 12, 36


def photograph(seed: int) -> bytes:
    """Give a JPEG of smooth noise."""
    small = np.random.default_rng(seed).integers(0, 255, (6, 6, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(small).resize((48, 40), Image.Resampling.BICUBIC).save(stream, "JPEG")
    return stream.getvalue()


class DataSet:
    """A table of photographs, and folders with the first of them and with the rest."""

    def __init__(self, folder: Path) -> None:
        self.table, self.first, self.rest = (folder / name for name in ("t.csv", "first", "rest"))
        names = []
        for number in range(ALL):
            content = photograph(number)
            place = self.first if number < FIRST else self.rest
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{number}.jpg").write_bytes(content)
            names.append(md5_of(content))
        frame = pd.DataFrame({"md5hash": names, "fitzpatrick_scale": [1, 6] * (ALL // 2)}).assign(
            fitzpatrick_centaur=-1,
            label="a",
            nine_partition_label="b",
            three_partition_label="c",
            qc=None,
            url=None,
            url_alphanum=None,
        )
        frame[list(ANNOTATION_COLUMNS)].to_csv(self.table, index=False)
