"""Ensemble variance: how far the models of one mix disagree about an image.

The models of an image are those of all seeds of the run's mix (and of its kind of draw) whose
training draw holds neither the image nor a near duplicate of it. The score is the variance of their
reconstructions over models, with n - 1, averaged over pixel values; it is that of a mix and an
image, the same in every seed. It takes three models.

Lakshminarayanan, Pritzel and Blundell 2017, Simple and scalable predictive uncertainty estimation
using deep ensembles, NeurIPS 30.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Float, Float16

MIN_MODELS: Final = 3
"""Fewest models whose disagreement counts."""

COLUMNS: Final = ("u_ensemble", "ensemble_models")


@dataclass(frozen=True)
class Panel:
    """What one run makes of the images of the panel.

    Attributes
    ----------
    md5hashes
        The images.
    sketches
        Of their reconstructions (:mod:`tonegap.uncertainty.sketch`), one row per image.
    n_values
        Values of a reconstruction: 3 x side x side.
    """

    md5hashes: tuple[str, ...]
    sketches: Float16[np.ndarray, "images size"]
    n_values: int


@dataclass(frozen=True)
class Member:
    """A run as a member of ensembles.

    Attributes
    ----------
    kind
        What its ensemble has in common: mix and kind of draw, as one name.
    trained_on
        Clusters of its training draw.
    panel
        Its reconstructions.
    """

    kind: str
    trained_on: frozenset[str]
    panel: Panel


def ensemble_columns(
    rows: pd.DataFrame, kinds: pd.Series, members: Iterable[Member]
) -> pd.DataFrame:
    """Compute the ensemble variance of each row.

    Parameters
    ----------
    rows
        md5hash, cluster (missing: the image is its own cluster).
    kinds
        The kind of run that each row belongs to, as of :class:`Member`.
    members
        The runs; each is looked at once.

    Returns
    -------
    DataFrame
        ``u_ensemble``, in [-1, 1] squared, NaN with fewer than three models; and
        ``ensemble_models``, how many there are. Index as ``rows``.
    """
    cluster = rows["cluster"].where(rows["cluster"].notna(), rows["md5hash"])
    cases = pd.DataFrame({"md5hash": rows["md5hash"], "cluster": cluster})
    by_kind = {
        str(kind): _Disagreement(part.drop_duplicates("md5hash").set_index("md5hash")["cluster"])
        for kind, part in cases.groupby(kinds, sort=False)
    }
    for member in members:
        if member.kind in by_kind:
            by_kind[member.kind].add(member)
    found = pd.concat({kind: images.table() for kind, images in by_kind.items()})
    wanted = pd.MultiIndex.from_arrays([kinds.astype(str), rows["md5hash"]])
    return found.reindex(wanted).set_axis(rows.index, axis=0)


class _Disagreement:
    """Running variance over models, image by image (Welford 1962, Technometrics 4:419).

    Parameters
    ----------
    clusters
        Cluster of each image, index md5hash.
    """

    def __init__(self, clusters: pd.Series) -> None:
        self._clusters = clusters
        self._count = np.zeros(len(clusters), dtype=np.int64)
        self._squares = np.zeros(len(clusters))
        self._mean: Float[np.ndarray, "images size"] | None = None

    def __len__(self) -> int:
        return len(self._clusters)

    def add(self, member: Member) -> None:
        """Add a model for the images that it was not trained on."""
        panel = member.panel
        in_panel = pd.Index(panel.md5hashes).get_indexer(self._clusters.index)
        unseen = ~self._clusters.isin(member.trained_on).to_numpy()
        places = np.flatnonzero((in_panel >= 0) & unseen)
        values = panel.sketches[in_panel[places]].astype(np.float64)
        if self._mean is None:
            self._mean = np.zeros((len(self), panel.sketches.shape[1]))
        self._count[places] += 1
        step = values - self._mean[places]
        self._mean[places] += step / self._count[places, None]
        squares = (step * (values - self._mean[places])).sum(axis=1)
        self._squares[places] += squares / panel.n_values

    def table(self) -> pd.DataFrame:
        """Return variance and number of models of each image."""
        enough = self._count >= MIN_MODELS
        variance = np.where(enough, self._squares / np.maximum(self._count - 1, 1), np.nan)
        values = dict(zip(COLUMNS, (variance, self._count), strict=True))
        return pd.DataFrame(values, index=self._clusters.index)
