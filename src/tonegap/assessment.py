"""Assess a model image by image, and compare groups.

``gap`` is always dark minus light: positive where dark images fare worse. A group
without images, or a model without a posterior, gives ``None``, never a number.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from tonegap.errors import ModelError
from tonegap.model.protocol import GenerativeModel, Reconstructor

GROUPS = ("light", "dark")
_FAR_OUT = 10.0  # a decoder without a bound may leave [-1, 1]; so far out, it has another range
LEVELS = {"coarse": "label_coarse", "middle": "label_middle", "fine": "label_fine"}
MEASURES = ("mse", "nmse", "sigma", "mse_pca", "mse_jpeg")

MIN_VARIANCE = (2.0 / 255.0) ** 2 / 12.0
"""Variance of rounding to 8 bits, for images in [-1, 1]: less cannot be told from none."""


def to_model_range(
    images: UInt8[np.ndarray, "batch height width 3"],
) -> Float[Tensor, "batch 3 height width"]:
    """Map 8-bit RGB images to float32 in [-1, 1], channels first; 255 becomes 1 exactly."""
    pixels = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
    return pixels.float().div_(127.5).sub_(1.0)


def squared_error(
    images: Float[Tensor, "batch 3 height width"],
    reconstruction: Float[Tensor, "batch 3 height width"],
) -> Float[Tensor, " batch"]:
    """Per-image mean squared error over pixels and channels, images in [-1, 1].

    A quarter of it is the error of images in [0, 1].
    """
    return (reconstruction.float() - images.float()).square().flatten(1).mean(dim=1)


def pixel_variance(images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, " batch"]:
    """Per-image variance of pixels about the mean of their channel, averaged over channels.

    It is the squared error of the best one-colour picture of the image.
    """
    return images.flatten(2).var(dim=2, correction=0).mean(dim=1)


def per_image_errors(
    model: GenerativeModel,
    images: UInt8[np.ndarray, "count height width 3"],
    batch_size: int,
    device: str = "cpu",
) -> pd.DataFrame:
    """Assess every image.

    Parameters
    ----------
    model
        Posterior means, no flips, float32.
    images
        8-bit RGB, an array or a memory map.
    batch_size
        Images per call of the model; does not change what is computed.
    device
        Where the model is.

    Raises
    ------
    ModelError
        If the model does not give a picture, or a deviation, for every image.

    Returns
    -------
    DataFrame
        One row per image in their order. ``mse``: see :func:`squared_error`. ``nmse``:
        ``mse`` over :func:`pixel_variance`; one is as good as a picture of one colour, NaN
        where the image itself has one colour but for rounding. ``sigma``: mean posterior standard
        deviation, NaN where the model has none. ``darkest``: smallest value of the
        reconstruction, of [-1, 1].
    """
    columns: dict[str, list[np.ndarray]] = {"mse": [], "nmse": [], "sigma": [], "darkest": []}
    for start in range(0, len(images), batch_size):
        batch = to_model_range(images[start : start + batch_size]).to(device)
        given = batch.clone()  # a model may write into what it is given
        again = reconstructed(model, given)
        mse = squared_error(batch, again)
        columns["darkest"].append(_array(again.flatten(1).amin(dim=1)))
        if not torch.equal(given, batch):
            given = batch.clone()  # else the same tensor: models may keep what they found in it
        columns["mse"].append(_array(mse))
        columns["nmse"].append(_array(_normalised(mse, pixel_variance(batch))))
        columns["sigma"].append(_sigma(model, given))
    return pd.DataFrame({name: _joined(parts) for name, parts in columns.items()})


@torch.no_grad()
def reconstructed(
    model: Reconstructor, images: Float[Tensor, "batch 3 height width"]
) -> Float[Tensor, "batch 3 height width"]:
    """Reconstruct images and check what comes back, which may be a user's model's.

    Raises
    ------
    ModelError
        If it is not a finite picture of every image in about [-1, 1]. A wrong shape could
        otherwise be broadcast, and NaN left out of means, in silence.
    """
    found: object = model.reconstruct(images)
    if not isinstance(found, Tensor):
        raise _unusable(model, "`reconstruct`", type(found).__name__, "a torch.Tensor")
    if found.shape != images.shape:
        shapes = (str(tuple(found.shape)), str(tuple(images.shape)))
        raise _unusable(model, "`reconstruct`", f"images of {shapes[0]}", shapes[1])
    found = found.to(images.device, torch.float32)
    if not found.isfinite().all():
        raise _unusable(model, "`reconstruct`", "values that are NaN or infinite", "[-1, 1]")
    largest = float(found.abs().max()) if found.numel() else 0.0
    if largest > _FAR_OUT:
        raise _unusable(model, "`reconstruct`", f"values up to {largest:.4g}", "[-1, 1]")
    return found


def reconstruction_errors(
    reconstructor: Reconstructor, images: UInt8[np.ndarray, "count height width 3"], batch_size: int
) -> Float[np.ndarray, " count"]:
    """Per-image :func:`squared_error` of a baseline."""
    batches = (
        to_model_range(images[start : start + batch_size])
        for start in range(0, len(images), batch_size)
    )
    return _joined([_array(squared_error(b, reconstructed(reconstructor, b))) for b in batches])


def summary(per_image: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    """Mean of each measure by group, and the gap.

    Parameters
    ----------
    per_image
        ``group`` (light, dark) and any of ``mse``, ``nmse``, ``sigma``, ``mse_pca``, ``mse_jpeg``.

    Returns
    -------
    dict
        ``{measure: {"light": ..., "dark": ..., "gap": ...}}``, measures in that order; None
        where there is nothing to average. ``gap`` is dark minus light, zero at parity.
    """
    return {measure: _by_group(per_image, measure) for measure in MEASURES if measure in per_image}


def condition_table(per_image: pd.DataFrame) -> pd.DataFrame:
    """Mean error by condition and group at the three levels of labels.

    Parameters
    ----------
    per_image
        ``group``, ``label_coarse``, ``label_middle``, ``label_fine``, ``mse``, ``sigma``.

    Returns
    -------
    DataFrame
        ``level``, ``label``, ``group``, ``n`` (images), ``mse``, ``sigma``; a row for every
        combination that has images, coarse before middle before fine, labels in order.
    """
    tables = [
        per_image.groupby([column, "group"], sort=True)
        .agg(n=("mse", "size"), mse=("mse", "mean"), sigma=("sigma", "mean"))
        .reset_index()
        .rename(columns={column: "label"})
        .assign(level=level)
        for level, column in LEVELS.items()
    ]
    return pd.concat(tables, ignore_index=True)[["level", "label", "group", "n", "mse", "sigma"]]


def _by_group(per_image: pd.DataFrame, measure: str) -> dict[str, float | None]:
    means: dict[str, float | None] = {}
    for group in GROUPS:
        values = per_image.loc[per_image["group"] == group, measure].dropna()
        means[group] = float(values.mean()) if len(values) else None
    light, dark = means["light"], means["dark"]
    return means | {"gap": None if light is None or dark is None else dark - light}


def _normalised(mse: Tensor, variance: Tensor) -> Tensor:
    return torch.where(variance > MIN_VARIANCE, mse / variance, torch.nan)


@torch.no_grad()
def _sigma(model: GenerativeModel, batch: Tensor) -> np.ndarray:
    sigma: object = model.posterior_std(batch)
    if sigma is None:
        return np.full(len(batch), np.nan)
    wanted = f"one number per image, ({len(batch)},), or None"
    if not isinstance(sigma, Tensor):
        raise _unusable(model, "`posterior_std`", type(sigma).__name__, wanted)
    if sigma.shape != (len(batch),):
        raise _unusable(model, "`posterior_std`", f"values of {tuple(sigma.shape)}", wanted)
    if not (sigma.isfinite() & (sigma >= 0)).all():
        raise _unusable(model, "`posterior_std`", "values that are negative, NaN or infinite",
                        "deviations of at least 0")  # fmt: skip
    return _array(sigma)


def _unusable(model: Reconstructor, method: str, gave: str, wanted: str) -> ModelError:
    return ModelError(
        f"{method} of {type(model).__name__} gave {gave}, expected {wanted}: the model cannot be "
        "assessed (docs/own-model.md)"
    )


def _array(values: Tensor) -> np.ndarray:
    return values.detach().cpu().numpy().astype(np.float64)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0)
