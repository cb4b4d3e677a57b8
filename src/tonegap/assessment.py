"""Assess a model image by image, and compare groups.

A gap is the compared group minus the reference. A group without images, or a model without a
posterior, gives ``None``, never a number. A new measure is a function in ``PER_IMAGE`` and a row in
:mod:`tonegap.measures`; scores are those of :mod:`tonegap.uncertainty`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from tonegap.fidelity.structure import structural_similarity
from tonegap.fidelity.tone_shift import TONE_COLUMNS, tone_shifts
from tonegap.groups import Groups
from tonegap.labels import LABEL_COLUMNS
from tonegap.measures import COLUMNS
from tonegap.model.pixels import to_8_bit, to_model_range
from tonegap.model.protocol import GenerativeModel, Reconstructor, unusable
from tonegap.model.vae import full_precision
from tonegap.pixel_range import HALF_RANGE
from tonegap.uncertainty.table import Scores, sigma_alone

_DARK = 64  # of 8-bit values
_MIDDLE = -1.0 / HALF_RANGE  # in [-1, 1]: middle grey but for rounding to 8 bits
_FAR_OUT = 10.0  # an unbounded decoder may leave [-1, 1]; beyond this, it uses another range

MIN_VARIANCE = (1.0 / HALF_RANGE) ** 2 / 12.0
"""Variance of rounding to 8 bits, for images in [-1, 1]; a smaller variance counts as none."""


def squared_error(
    images: Float[Tensor, "batch 3 height width"],
    reconstruction: Float[Tensor, "batch 3 height width"],
) -> Float[Tensor, " batch"]:
    """Return the per-image mean squared error over pixels and channels, images in [-1, 1].

    A quarter of it is the error of images in [0, 1].
    """
    return (reconstruction - images).square().flatten(1).mean(dim=1)


def pixel_variance(images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, " batch"]:
    """Return the per-image variance of pixels about their channel's mean, averaged over channels.

    It is the squared error of the best one-colour picture of the image.
    """
    return images.flatten(2).var(dim=2, correction=0).mean(dim=1)


def normalised_error(
    images: Float[Tensor, "batch 3 height width"],
    reconstruction: Float[Tensor, "batch 3 height width"],
) -> Float[Tensor, " batch"]:
    """Return :func:`squared_error` over :func:`pixel_variance`.

    One is as good as a picture of one colour. NaN if the image itself has only one colour, up
    to rounding.
    """
    variance = pixel_variance(images)
    error = squared_error(images, reconstruction)
    return torch.where(variance > MIN_VARIANCE, error / variance, torch.nan)


PairMeasure = Callable[[Tensor, Tensor], Tensor]
"""From images and their reconstructions, both in [-1, 1], to one number per image."""

PER_IMAGE: Mapping[str, PairMeasure] = MappingProxyType(
    {"mse": squared_error, "nmse": normalised_error, "ssim": structural_similarity}
)
"""Measures of an image and its reconstruction, by name; beside them, those of
:func:`~tonegap.fidelity.tone_shift.tone_shifts`, which are computed together."""


@torch.no_grad()
def per_image_errors(
    model: GenerativeModel,
    images: UInt8[np.ndarray, "count height width 3"],
    batch_size: int,
    device: str = "cpu",
    *,
    scores: Scores | None = None,
    more: Mapping[str, PairMeasure] = MappingProxyType({}),
) -> pd.DataFrame:
    """Assess every image.

    Parameters
    ----------
    model
        Posterior means, no flips, float32.
    images
        8-bit RGB, an array or a memory map.
    batch_size
        Images per call of the model; does not change the results.
    device
        Device of the model.
    scores
        Uncertainty scores to compute; None: sigma alone.
    more
        Measures that need something of the run, such as a perceptual network.

    Raises
    ------
    ModelError
        If the model does not return a picture, or a score, for every image.

    Returns
    -------
    DataFrame
        One row per image in their order: the measures of ``PER_IMAGE`` and ``more``, colour and
        tone (:func:`~tonegap.fidelity.tone_shift.tone_shifts`), the scores, and
        ``darkest``, the smallest value of the reconstruction, in [-1, 1].
    """
    scores = scores or sigma_alone(model)
    rows = [
        _assess(model, scores, more, to_model_range(images[start : start + batch_size]).to(device))
        for start in range(0, len(images), batch_size)
    ]
    names = (*PER_IMAGE, *more, *TONE_COLUMNS, *scores.columns, "darkest")
    return pd.DataFrame({name: _joined([row[name] for row in rows]) for name in names})


def _assess(
    model: GenerativeModel, scores: Scores, more: Mapping[str, PairMeasure], batch: Tensor
) -> dict[str, np.ndarray]:
    shown = batch.clone()  # a model may write into its input
    again = reconstructed(model, shown)
    if not torch.equal(shown, batch):
        shown = batch.clone()  # else the same tensor: models may cache results for it
    pixels, again = batch.cpu().double(), again.cpu().double()
    values = {name: measure(pixels, again) for name, measure in {**PER_IMAGE, **more}.items()}
    values |= tone_shifts(pixels, again)
    values |= scores.of(shown)
    values["darkest"] = again.flatten(1).amin(dim=1)
    return {name: _array(column) for name, column in values.items()}


@torch.no_grad()
def reconstructed(
    model: Reconstructor, images: Float[Tensor, "batch 3 height width"]
) -> Float[Tensor, "batch 3 height width"]:
    """Reconstruct images and check the result, because the model may be a user's.

    Raises
    ------
    ModelError
        If it is not a finite picture of every image in about [-1, 1]. Otherwise a wrong shape
        could silently be broadcast, and NaN silently be left out of means.
    """
    found: object = model.reconstruct(images)
    if not isinstance(found, Tensor):
        raise unusable(model, "`reconstruct`", type(found).__name__, "a torch.Tensor")
    if found.shape != images.shape:
        shapes = (str(tuple(found.shape)), str(tuple(images.shape)))
        raise unusable(model, "`reconstruct`", f"images of {shapes[0]}", shapes[1])
    found = full_precision(found.to(images.device))
    if not found.isfinite().all():
        raise unusable(model, "`reconstruct`", "values that are NaN or infinite", "[-1, 1]")
    largest = float(found.abs().max()) if found.numel() else 0.0
    if largest > _FAR_OUT:
        raise unusable(model, "`reconstruct`", f"values up to {largest:.4g}", "[-1, 1]")
    return found


def reconstruction_errors(
    reconstructor: Reconstructor, images: UInt8[np.ndarray, "count height width 3"], batch_size: int
) -> Float[np.ndarray, " count"]:
    """Return the per-image :func:`squared_error` of a baseline."""
    batches = (
        to_model_range(images[start : start + batch_size])
        for start in range(0, len(images), batch_size)
    )
    return _joined(
        [_array(squared_error(b, reconstructed(reconstructor, b).double())) for b in batches]
    )


@torch.no_grad()
def reconstructions(
    model: Reconstructor,
    originals: Mapping[str, UInt8[np.ndarray, "_shown size size 3"]],
    device: torch.device,
) -> dict[str, UInt8[np.ndarray, "_shown size size 3"]]:
    """Return what a model makes of some images of each group, as 8-bit pixels."""
    return {
        name: to_8_bit(reconstructed(model, to_model_range(pixels).to(device)))
        if len(pixels)
        else pixels
        for name, pixels in originals.items()
    }


def range_warning(originals: int, reconstructed: float) -> str:
    """Return a warning if reconstructions look like values in [0, 1]: all errors would be wrong.

    Parameters
    ----------
    originals
        The smallest value of any original, 0-255.
    reconstructed
        The smallest value of any reconstruction, in [-1, 1]; NaN if there is none.
    """
    if originals < _DARK and reconstructed >= _MIDDLE:
        return (
            "no image is reconstructed darker than middle grey, though originals are; a model of "
            "images in [0, 1] must map them to [-1, 1]"
        )
    return ""


def summary(per_image: pd.DataFrame, groups: Groups) -> dict[str, dict[str, float | None]]:
    """Return the mean of each measure by group, and the gap.

    Parameters
    ----------
    per_image
        ``group`` and any of the columns of :mod:`tonegap.measures`.
    groups
        The groups.

    Returns
    -------
    dict
        ``{measure: {group: ..., "gap": ...}}``; None if there is nothing to average. The gap
        is the compared group minus the reference, zero at parity.
    """
    return {name: _by_group(per_image, name, groups) for name in COLUMNS if name in per_image}


def condition_table(per_image: pd.DataFrame) -> pd.DataFrame:
    """Return the mean error by condition and group at the three levels of labels.

    Parameters
    ----------
    per_image
        ``group``, the columns of :data:`~tonegap.labels.LABEL_COLUMNS`, ``mse``, ``sigma``.

    Returns
    -------
    DataFrame
        ``level``, ``label``, ``group``, ``n`` (images), ``mse``, ``sigma``; a row for every
        combination that has images: coarse before middle before fine, groups in the order of
        the images, labels in alphabetical order.
    """
    groups = pd.CategoricalDtype(list(per_image["group"].unique()))
    rows = per_image.astype({"group": groups})
    tables = [
        rows.groupby(["group", column], observed=True)
        .agg(n=("mse", "size"), mse=("mse", "mean"), sigma=("sigma", "mean"))
        .reset_index()
        .rename(columns={column: "label"})
        .assign(level=level)
        for level, column in LABEL_COLUMNS.items()
    ]
    columns = ["level", "label", "group", "n", "mse", "sigma"]
    return pd.concat(tables, ignore_index=True)[columns].astype({"group": str})


def _by_group(per_image: pd.DataFrame, measure: str, groups: Groups) -> dict[str, float | None]:
    means: dict[str, float | None] = {}
    for name in groups.names:
        values = per_image.loc[per_image["group"] == name, measure].dropna()
        means[name] = float(values.mean()) if len(values) else None
    reference, compared = means[groups.reference], means[groups.compared]
    return means | {"gap": None if reference is None or compared is None else compared - reference}


def _array(values: Tensor) -> np.ndarray:
    return values.detach().cpu().numpy().astype(np.float64)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0)
