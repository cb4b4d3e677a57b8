"""Populations of phantoms from which whole studies draw their cohorts.

A population is rendered once. A study draws a cohort from it without replacement and without
regard to other studies. No set of studies can see more scatter than the population holds: cohorts
that take a share ``f`` of it differ by ``sqrt(1 - f)`` of what they would in an endless one
(Cochran 1977, Sampling Techniques, section 2.6), and intervals seem too wide by as much. At the
sizes of :data:`~tonegap.calibration.trained.SIZES` in the 32,000 a group that ``tonegap calibrate``
renders, that is 1 %, and 3 % where light has 1,939.
"""

from __future__ import annotations

import io
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import UInt8
from PIL import Image

from tonegap.cohort.rules import CohortParams
from tonegap.cohort.selection import select_cohort
from tonegap.framing import centre_square
from tonegap.params import GroupsParams
from tonegap.phantom.recipes import annotation_table, identifier
from tonegap.phantom.render import render_jpeg
from tonegap.phantom.spec import PhantomSpec, format_url, parse_url
from tonegap.raw_params import filter_params

IMAGE_SIZE: Final = 16
"""Side of the images, pixels: the smallest that ``data.image_size`` allows."""

_RENDERED: Final = 32  # pixels; drawn at twice the size, then framed as any image is
_COHORT: Final = CohortParams(
    filter_params(exclude_qc=(), min_side=16, duplicates="keep", near_distance=6),
    GroupsParams.model_validate(
        {
            "column": "fst",
            "compare": ["light", "dark"],
            "define": {"light": [1, 2], "dark": [5, 6]},
        }
    ),
)


@dataclass(frozen=True)
class Population:
    """Rendered phantoms.

    Attributes
    ----------
    cohort
        One row per image, sorted by md5hash, as ``filter`` writes it.
    images
        RGB, 0-255, in the order of the cohort.
    """

    cohort: pd.DataFrame
    images: UInt8[np.ndarray, "images size size 3"]

    def draw(
        self, sizes: tuple[int, int], rng: np.random.Generator
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Draw a cohort of whole clusters of copies.

        Parameters
        ----------
        sizes
            Images wanted of light and of dark. The last cluster may exceed it by a copy.

        Returns
        -------
        tuple of DataFrame
            The cohort and the other images; the index numbers the images of the population.
        """
        chosen = np.zeros(len(self.cohort), dtype=bool)
        for group, size in zip(_COHORT.groups.compare, sizes, strict=True):
            rows = np.flatnonzero(self.cohort["group"] == group)
            cluster = pd.factorize(self.cohort["cluster"].iloc[rows])[0]
            order = rng.permutation(int(cluster.max()) + 1)[cluster]
            by_order = rows[np.argsort(order, kind="stable")]
            last = np.sort(order)[min(size, rows.size) - 1]
            chosen[by_order[np.sort(order) <= last]] = True
        return self.cohort[chosen], self.cohort[~chosen]

    def dealt(self, rng: np.random.Generator) -> Population:
        """Deal the clusters to the groups at random, as many to each as there are."""
        clusters = self.cohort.groupby("cluster", sort=False)["group"].first()
        dealt = pd.Series(rng.permutation(clusters.to_numpy()), index=clusters.index)
        group = self.cohort["cluster"].map(dealt).astype(object)
        return replace(self, cohort=self.cohort.assign(group=group))

    def with_contrast(self, factor: float) -> Population:
        """Multiply every dark picture's difference from the mean picture."""
        if factor == 1.0:
            return self
        dark = (self.cohort["group"] == _COHORT.groups.compare[1]).to_numpy()
        mean = self.images.mean(axis=0)
        changed = mean + factor * (self.images[dark] - mean)
        images = self.images.copy()
        images[dark] = changed.round().clip(0, 255).astype(np.uint8)
        return replace(self, images=images)


def render_population(recipe: str, n_per_group: int, seed: int) -> Population:
    """Draw the annotation table of a recipe, render it and select its cohort.

    Copies belong to the cluster of their original, as planted: the search for near duplicates
    is not calibrated here.
    """
    table = annotation_table(recipe, n_per_group, n_per_group, 0, seed)
    table = table[table["url"].notna()].reset_index(drop=True)
    specs = [parse_url(str(url)) for url in table["url"]]
    cohort = _cohort(table, specs)
    row_of = pd.Series(range(len(table)), index=table["md5hash"])
    wanted = row_of.loc[cohort["md5hash"]].to_numpy()
    return Population(cohort, np.stack([_picture(specs[row]) for row in wanted]))


def _cohort(table: pd.DataFrame, specs: list[PhantomSpec]) -> pd.DataFrame:
    """Select the cohort by the real rules, from measures that let every image pass."""
    fetch = pd.DataFrame({"md5hash": table["md5hash"], "status": "rendered", "detail": ""})
    index = fetch[["md5hash"]].assign(
        readable=True,
        problem=None,
        width=_RENDERED,
        height=_RENDERED,
        pixel_sha256=table["md5hash"],
        ita=np.nan,
        bytes_per_pixel=1.0,
    )
    originals = [identifier(format_url(spec.original)) for spec in specs]
    clusters = pd.Series(originals, index=table["md5hash"])
    frame = select_cohort(table, fetch, index, clusters, _COHORT).frame
    text: dict[Hashable, type] = dict.fromkeys(frame.select_dtypes("string"), object)
    return frame.astype(text)  # twice as fast to draw from


def _picture(spec: PhantomSpec) -> UInt8[np.ndarray, "size size 3"]:
    content = render_jpeg(replace(spec, width=_RENDERED, height=_RENDERED))
    return centre_square(Image.open(io.BytesIO(content)).convert("RGB"), IMAGE_SIZE)
