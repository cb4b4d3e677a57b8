"""Scores by neighbours, colour, bytes and brightness, against other libraries."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.spatial.distance import mahalanobis
from skimage.transform import downscale_local_mean
from sklearn.neighbors import NearestNeighbors
from small_scores import pictures, setting_of, small_model

from tonegap.model.pixels import to_model_range
from tonegap.uncertainty import (
    colour_distance,
    darkness,
    jpeg_bytes,
    latent_knn,
    neighbours,
    pixel_knn,
)

DRAWN = pictures(9)[[0, 1, 2, 3, 1, 1, 4, 5, 6, 7, 8, 2]]
IMAGES = pictures(4, seed=1)


def score(fit, images=IMAGES, drawn=DRAWN, model=None):
    """Give the only column of a score."""
    values = fit(setting_of(model or small_model(), drawn))(to_model_range(images))
    (column,) = values.values()
    return column.numpy()


def neighbour_distance(training, points, count=5):
    """Give the mean distance to the nearest rows by scikit-learn."""
    return NearestNeighbors(n_neighbors=count).fit(training).kneighbors(points)[0].mean(1)


def test_latent_distance_is_that_of_scikit_learn_with_repeats_as_rows() -> None:
    """Five nearest posterior means of the draw, each repeat a neighbour of its own."""
    model = small_model()

    def latent(images):
        return model.encode(to_model_range(images)).mu.flatten(1).numpy()

    expected = neighbour_distance(latent(DRAWN), latent(IMAGES))
    np.testing.assert_allclose(score(latent_knn.fit, model=model), expected, rtol=1e-6)


def test_pixel_distance_is_that_of_scikit_learn() -> None:
    """Of pictures averaged down to 16 x 16; smaller ones are stretched."""
    rng = np.random.default_rng(0)
    drawn, images = (rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8) for n in (7, 3))

    def small(pixels):
        halved = [downscale_local_mean(image / 127.5 - 1.0, (2, 2, 1)) for image in pixels]
        return np.stack(halved).reshape(len(pixels), -1)

    expected = neighbour_distance(small(drawn), small(images))
    np.testing.assert_allclose(score(pixel_knn.fit, images, drawn), expected, rtol=1e-5)


def test_five_copies_of_an_image_are_at_distance_zero() -> None:
    """And fewer rows than five are all counted."""
    copies = np.repeat(IMAGES[:1], 5, axis=0)
    assert score(pixel_knn.fit, IMAGES[:1], copies) == pytest.approx([0.0])
    points = torch.tensor([[0.0, 0.0]])
    rows = torch.tensor([[3.0, 4.0], [0.0, 1.0]])
    assert neighbours.mean_distance(points, rows).tolist() == pytest.approx([3.0])


def test_colour_distance_is_that_of_scipy() -> None:
    """Mahalanobis with the mean and covariance of the draw, repeats counted."""
    colours, drawn = (x.reshape(len(x), -1, 3).mean(1) / 127.5 - 1.0 for x in (IMAGES, DRAWN))
    covariance = np.cov(drawn.T, bias=True) + colour_distance.ROUNDING_VARIANCE * np.eye(3)
    inverse = np.linalg.inv(covariance)
    expected = [mahalanobis(colour, drawn.mean(0), inverse) for colour in colours]
    np.testing.assert_allclose(score(colour_distance.fit), expected, rtol=1e-5)


def test_a_draw_of_one_image_has_colours_at_a_distance() -> None:
    """Without scatter, rounding to 8 bits is the unit; the image itself is at zero."""
    one = np.repeat(IMAGES[:1], 3, axis=0)
    found = score(colour_distance.fit, IMAGES, one)
    assert found[0] == pytest.approx(0.0, abs=1e-3)
    assert np.isfinite(found).all()
    assert (found[1:] > 1.0).all()


def test_bytes_are_those_of_the_file() -> None:
    """As Pillow writes it at the setting's quality."""
    expected = []
    for image in IMAGES:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, format="JPEG", quality=50)
        expected.append(len(buffer.getvalue()))
    assert score(jpeg_bytes.fit).tolist() == expected


def test_darkness_goes_from_white_to_black() -> None:
    """Zero to one."""
    grey = np.stack([np.full((8, 8, 3), value, dtype=np.uint8) for value in (255, 0, 51)])
    assert score(darkness.fit, grey).tolist() == pytest.approx([0.0, 1.0, 0.8])
