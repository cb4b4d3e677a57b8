"""Baselines that measure how hard an image is to reconstruct without a generative model.

Raw squared error mixes a model's treatment of a group with the difficulty of the group's
images. PCA is the best linear model of the same training images; JPEG uses no training
images at all.
"""

from __future__ import annotations

import io
import math

import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8
from PIL import Image
from sklearn.decomposition import PCA
from torch import Tensor

from tonegap.errors import ModelError
from tonegap.model.pixels import to_8_bit, to_model_range

_EXACT_UP_TO_IMAGES = 512
"""Largest number of images for an exact decomposition; above, randomised (Halko et al. 2011)."""

_FEW = 1 / 8
"""Share of the images below which Lanczos' method (ARPACK) finds the components sooner."""


class PcaBaseline:
    """Reconstruction from the leading principal components of the training images.

    Parameters
    ----------
    images
        Training images; an image that was drawn twice counts twice.
    components
        Number of components; limited to one fewer than the number of distinct images, and to
        the number of pixel values.
    seed
        Seed of the randomised decomposition.

    Raises
    ------
    ModelError
        If there are fewer than two distinct images.

    Notes
    -----
    Reconstructions are not clipped to [-1, 1], so that the baseline stays linear.
    """

    def __init__(
        self, images: UInt8[np.ndarray, "count height width 3"], components: int, seed: int
    ) -> None:
        flat = images.reshape(len(images), math.prod(images.shape[1:]))
        distinct = len({row.tobytes() for row in flat})
        if distinct <= 1:
            raise ModelError(
                f"the PCA baseline needs two different training images, found {distinct}; "
                "raise data.n_train or remove pca from evaluate.baselines"
            )
        self.components = min(components, distinct - 1, flat.shape[1])
        self._pca = PCA(  # type: ignore[no-untyped-call] # scikit-learn has no annotations
            n_components=self.components,
            svd_solver=_solver(len(flat), self.components),
            random_state=seed,
            copy=False,
        ).fit(_flat(to_model_range(images)))

    def reconstruct(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch 3 height width"]:
        """Project on the components."""
        projected = self._pca.inverse_transform(self._pca.transform(_flat(images)))
        result = torch.from_numpy(projected).to(images.device)
        return result.reshape(images.permute(0, 2, 3, 1).shape).permute(0, 3, 1, 2)

    def posterior_std(self, images: Float[Tensor, "batch 3 height width"]) -> None:
        """Return None: PCA has no posterior here."""
        del images

    def sample(self, count: int, seed: int) -> Float[Tensor, "count 3 height width"]:
        """Draw square images from the Gaussian that the components describe."""
        scores = np.random.default_rng(seed).standard_normal((count, self.components))
        flat = self._pca.inverse_transform(scores * np.sqrt(self._pca.explained_variance_))
        side = round((flat.shape[1] / 3) ** 0.5)
        images = torch.from_numpy(flat.astype(np.float32)).reshape(count, side, side, 3)
        return images.permute(0, 3, 1, 2).clamp(-1.0, 1.0)


class JpegBaseline:
    """Compression as JPEG and back, by Pillow at its default chroma subsampling.

    Parameters
    ----------
    quality
        1 (worst) to 100.
    """

    def __init__(self, quality: int) -> None:
        self.quality = quality

    def reconstruct(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch 3 height width"]:
        """Compress and decompress every image; values are rounded to 8 bits first."""
        decoded = [self._roundtrip(image) for image in to_8_bit(images)]
        return to_model_range(torch.from_numpy(np.stack(decoded)).to(images.device))

    def _roundtrip(
        self, image: UInt8[np.ndarray, "height width 3"]
    ) -> UInt8[np.ndarray, "height width 3"]:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, format="JPEG", quality=self.quality)
        with Image.open(buffer) as decoded:
            return np.array(decoded)


def _solver(images: int, components: int) -> str:
    if images > _EXACT_UP_TO_IMAGES:
        return "randomized"
    return "arpack" if components <= _FEW * images else "full"


def _flat(images: Float[Tensor, "batch 3 height width"]) -> Float64[np.ndarray, "batch values"]:
    """Put the values of each image in one row, in float64: float32 depends on the processor."""
    return images.permute(0, 2, 3, 1).flatten(1).cpu().double().numpy()
