"""Published lists of images that are fit or unfit for study."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class ImageLists:
    """Images named by md5hash.

    Attributes
    ----------
    keep : frozenset of str, or None
        Images to keep; None if there is no such list, and then all may stay.
    drop : frozenset of str
        Images to leave out; takes precedence over ``keep``.
    """

    keep: frozenset[str] | None = None
    drop: frozenset[str] = frozenset()

    def verdicts(self, md5hashes: pd.Series) -> pd.Series:
        """Return why each image is excluded: ``on_drop_list``, ``not_on_keep_list``, or missing."""
        reasons = pd.Series(pd.NA, index=md5hashes.index, dtype="string")
        if self.keep is not None:
            reasons[~md5hashes.isin(self.keep)] = "not_on_keep_list"
        reasons[md5hashes.isin(self.drop)] = "on_drop_list"
        return reasons
