"""Assess what a model generates: per test image, and per sampler."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, UInt8

from tonegap.generation.features import Space, space_of
from tonegap.generation.kernel_distance import kernel_distances
from tonegap.generation.nearest_sample import nearest_sample
from tonegap.generation.samplers import SAMPLERS, Pictures, fitted_samples, prior_samples
from tonegap.generation.share import GroupClassifier, adjusted_count, fit_group_classifier
from tonegap.generation.tones import itas_of, tone_distance
from tonegap.groups import Groups
from tonegap.model.perceptual import FeatureNetwork
from tonegap.model.pixels import to_model_range
from tonegap.model.protocol import GenerativeModel
from tonegap.model.vae import full_precision

COLUMNS: Final = (
    *("sampler", "samples", "share", "share_counted", "tpr", "fpr"),
    *("ita", "ita_train", "ita_distance", "ita_distance_null"),
    *("kid_reference", "kid_compared", "kid_sd_reference", "kid_sd_compared", "kid_images"),
)
"""Columns of metrics/generation.csv; docs/generation.md says what each is."""

_ABSENT: Final = {
    "prior": "the model does not sample",
    "fitted": "the model has no encoder and decoder",
}


@dataclass(frozen=True)
class Real:
    """The real images of a run.

    Attributes
    ----------
    test, train
        Test images and training draw.
    facts : DataFrame
        group and cluster of each test image.
    """

    test: UInt8[np.ndarray, "images size size 3"]
    train: UInt8[np.ndarray, "draws size size 3"]
    facts: pd.DataFrame


@dataclass(frozen=True)
class Generation:
    """What was found.

    Attributes
    ----------
    per_image : DataFrame
        ``sample_distance_<sampler>`` of each test image, where the model has that sampler.
    table : DataFrame
        A row per sampler: :data:`COLUMNS`.
    pictures : mapping
        Samples of each sampler.
    absent : mapping
        Why a sampler is not there.
    """

    per_image: pd.DataFrame
    table: pd.DataFrame
    pictures: Mapping[str, Pictures]
    absent: Mapping[str, str]


NOTHING: Final = Generation(pd.DataFrame(), pd.DataFrame(columns=list(COLUMNS)), {}, {})
"""What there is without samples."""


@dataclass(frozen=True)
class _Reference:
    """Everything of the real images that samples are compared with."""

    space: Space
    points: Float[np.ndarray, "images features"]
    facts: pd.DataFrame
    classifier: GroupClassifier | None
    itas: Float[np.ndarray, " draws"]
    groups: Groups
    seed: int

    def of_group(self, name: str) -> Bool[np.ndarray, " images"]:
        """Return which real images are of a group."""
        return np.asarray(self.facts["group"].to_numpy() == name)


def assess_generation(
    model: GenerativeModel,
    real: Real,
    groups: Groups,
    network: FeatureNetwork,
    *,
    count: int,
    seed: int,
    batch_size: int,
    device: torch.device,
) -> Generation:
    """Sample a model and compare its samples with real images.

    Parameters
    ----------
    model, real, groups
        The model to assess, the real images, and the two groups that are told apart.
    network
        The perceptual network, with taps after their ReLU, for images normalised as it expects.
    count, seed
        Samples of each sampler, at least one; and the seed of their draws.
    batch_size, device
        Pictures per pass; where model and network run.
    """
    size = real.test.shape[1]
    drawn = {
        "prior": prior_samples(model, count, size, seed),
        "fitted": fitted_samples(
            model, real.train, count, seed=seed, batch_size=batch_size, device=device
        ),
    }
    return compare_samples(
        {name: found for name in SAMPLERS if (found := drawn[name]) is not None},
        real,
        groups,
        network.to(_format(model, real.test, device)),
        seed=seed,
        batch_size=batch_size,
        device=device,
    )


def compare_samples(
    pictures: Mapping[str, Pictures],
    real: Real,
    groups: Groups,
    network: FeatureNetwork,
    *,
    seed: int,
    batch_size: int,
    device: torch.device,
) -> Generation:
    """Compare given samples, by sampler, with real images."""
    absent = {name: why for name, why in _ABSENT.items() if name not in pictures}
    if not pictures or not len(real.test):
        return replace(NOTHING, pictures=pictures, absent=absent)
    space, points = space_of(network, real.test, batch_size, device)
    facts = real.facts[["group", "cluster"]].reset_index(drop=True)
    reference = _Reference(
        space, points, facts, _classifier(points, facts, groups), itas_of(real.train), groups, seed
    )
    group, cluster = (facts[name].to_numpy() for name in ("group", "cluster"))
    of_samples = {name: space.points(found) for name, found in pictures.items()}
    per_image = {
        f"sample_distance_{name}": nearest_sample(points, group, cluster, found)
        for name, found in of_samples.items()
    }
    rows = [_row(name, pictures[name], found, reference) for name, found in of_samples.items()]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return Generation(pd.DataFrame(per_image), table, pictures, absent)


def _format(
    model: GenerativeModel, test: UInt8[np.ndarray, "images size size 3"], device: torch.device
) -> torch.dtype:
    """Return the format in which a model computes: its samples are compared in the same."""
    if not len(test):
        return torch.float32
    return full_precision(model.reconstruct(to_model_range(test[:1]).to(device))).dtype


def _classifier(
    points: Float[np.ndarray, "images features"], facts: pd.DataFrame, groups: Groups
) -> GroupClassifier | None:
    chosen = facts["group"].isin(groups.pair).to_numpy()
    compared = (facts["group"] == groups.compared).to_numpy()
    return fit_group_classifier(
        points[chosen], compared[chosen], facts["cluster"].to_numpy()[chosen]
    )


def _row(
    name: str,
    pictures: Pictures,
    points: Float[np.ndarray, "samples features"],
    reference: _Reference,
) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(COLUMNS, math.nan)
    row |= {"sampler": name, "samples": len(pictures), "kid_images": 0}
    if len(reference.itas):
        tones = tone_distance(itas_of(pictures), reference.itas, reference.seed)
        row |= {"ita": tones.mean, "ita_train": tones.mean_train}
        row |= {"ita_distance": tones.distance, "ita_distance_null": tones.null}
    if reference.classifier is not None:
        row |= _by_group(points, reference, reference.classifier)
    return row


def _by_group(
    points: Float[np.ndarray, "samples features"],
    reference: _Reference,
    classifier: GroupClassifier,
) -> dict[str, Any]:
    """Return the share of the compared group, and each group's kernel distance."""
    groups = reference.groups
    compared = classifier.is_compared(points)
    counted = float(compared.mean())
    sides = {groups.reference: ~compared, groups.compared: compared}
    distances = kernel_distances(
        {group: reference.points[reference.of_group(group)] for group in sides},
        {group: points[side] for group, side in sides.items()},
        reference.seed,
    )
    of_reference, of_compared = (distances[group] for group in groups.pair)
    return {
        "share": adjusted_count(counted, classifier.tpr, classifier.fpr),
        "share_counted": counted,
        "tpr": classifier.tpr,
        "fpr": classifier.fpr,
        "kid_reference": of_reference.value,
        "kid_compared": of_compared.value,
        "kid_sd_reference": of_reference.deviation,
        "kid_sd_compared": of_compared.deviation,
        "kid_images": of_compared.images,
    }
