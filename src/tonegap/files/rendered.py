"""Whether tonegap rendered the images itself, as the stage ``fetch`` recorded."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tonegap.files.tables import read_csv


def all_rendered(fetch: Path, md5hashes: pd.Series) -> bool:
    """Return True if tonegap rendered every image: only then may a picture be committed.

    Parameters
    ----------
    fetch
        data/fetch.csv.
    md5hashes
        The images.
    """
    status = read_csv(fetch, ["md5hash", "status"], "the fetch table").set_index("md5hash")
    return bool((status.loc[md5hashes, "status"] == "rendered").all())
