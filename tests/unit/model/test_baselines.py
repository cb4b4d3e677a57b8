"""Baselines against scikit-learn's definitions, brute force and Pillow."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from tonegap.errors import ModelError
from tonegap.model.baselines import JpegBaseline, PcaBaseline


def pictures(count: int, side: int = 8, seed: int = 0) -> np.ndarray:
    """Smooth random images, so that few components say much."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (count, 2, 2, 3), dtype=np.uint8)
    big = [
        Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR) for image in coarse
    ]
    noise = random.integers(0, 20, (count, side, side, 3))
    return np.clip(np.stack([np.asarray(b) for b in big]).astype(int) + noise, 0, 255).astype(
        np.uint8
    )


def scaled(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1.0


def test_pca_equals_projection_by_singular_values() -> None:
    """Reconstructions are the mean plus the projection on the leading right singular vectors."""
    train, test = pictures(30), pictures(5, seed=1)
    flat = train.reshape(30, -1) / 127.5 - 1.0
    mean = flat.mean(axis=0)
    basis = np.linalg.svd(flat - mean, full_matrices=False)[2][:6]
    centred = test.reshape(5, -1) / 127.5 - 1.0 - mean
    expected = (mean + centred @ basis.T @ basis).reshape(test.shape).transpose(0, 3, 1, 2)
    found = PcaBaseline(train, components=6, seed=0).reconstruct(scaled(test))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-4)


def test_pca_of_many_images_is_nearly_the_best() -> None:
    """The randomised decomposition loses under 1 % of squared error against the exact one."""
    train = pictures(600)
    flat = train.reshape(600, -1) / 127.5 - 1.0
    singular = np.linalg.svd(flat - flat.mean(axis=0), compute_uv=False)
    best = (singular[8:] ** 2).sum() / flat.size
    found = PcaBaseline(train, components=8, seed=0).reconstruct(scaled(train))
    error = float((found - scaled(train)).square().mean())
    assert best * 0.999 < error < best * 1.01


def test_pca_is_a_function_of_its_seed() -> None:
    """Two randomised fits with one seed give equal reconstructions."""
    train = pictures(600)
    first, second = (PcaBaseline(train, 8, seed=3).reconstruct(scaled(train[:4])) for _ in range(2))
    assert torch.equal(first, second)


def test_pca_components_are_limited_by_distinct_images() -> None:
    """Ten draws of four images support three components, which reproduce those images."""
    train = np.concatenate([pictures(4)] * 3)[:10]
    model = PcaBaseline(train, components=32, seed=0)
    assert model.components == 3
    torch.testing.assert_close(
        model.reconstruct(scaled(train)), scaled(train).double(), rtol=0.0, atol=1e-12
    )


def test_pca_leaves_its_training_images_alone() -> None:
    """Fitting in place never reaches the caller's array."""
    train = pictures(12)
    before = train.copy()
    PcaBaseline(train, 3, seed=0)
    np.testing.assert_array_equal(train, before)


@pytest.mark.parametrize("train", [pictures(1)[:0], pictures(1), np.repeat(pictures(1), 5, axis=0)])
def test_pca_of_one_image_is_refused(train: np.ndarray) -> None:
    """Fewer than two different images: one line that says what to change."""
    with pytest.raises(ModelError, match=r"two different training images, found [01]"):
        PcaBaseline(train, 3, seed=0)


def test_pca_samples_vary_as_the_training_images() -> None:
    """Samples have the training images' mean and variance along the leading component."""
    train = pictures(40)
    model = PcaBaseline(train, 5, seed=0)
    samples = model.sample(4000, seed=0)
    assert samples.shape == (4000, 3, 8, 8)
    torch.testing.assert_close(samples.mean(dim=0), scaled(train).mean(dim=0), rtol=0.0, atol=0.05)
    spread = samples.flatten(1).var(dim=0).sum() / scaled(train).flatten(1).var(dim=0).sum()
    assert 0.4 < float(spread) < 1.05
    assert model.posterior_std(samples) is None


@pytest.mark.parametrize("quality", [10, 90])
def test_jpeg_equals_pillows_roundtrip(quality: int) -> None:
    """Each image comes back as Pillow decodes its own file of that quality."""
    images = pictures(3, side=16)
    found = JpegBaseline(quality).reconstruct(scaled(images))
    for image, result in zip(images, found, strict=True):
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=quality)
        decoded = np.asarray(Image.open(io.BytesIO(buffer.getvalue())))
        np.testing.assert_array_equal(((result.permute(1, 2, 0) + 1) * 127.5).round(), decoded)


def test_jpeg_error_falls_with_quality() -> None:
    """Better quality, smaller squared error."""
    images = scaled(pictures(4, side=32))
    errors = [
        float((JpegBaseline(quality).reconstruct(images) - images).square().mean())
        for quality in (5, 50, 95)
    ]
    assert errors[0] > errors[1] > errors[2] > 0
