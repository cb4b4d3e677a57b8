"""Assessment against brute force: errors by image, groups and conditions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from tonegap.assessment import (
    condition_table,
    per_image_errors,
    pixel_variance,
    reconstruction_errors,
    squared_error,
    summary,
)
from tonegap.groups import LIGHT_AND_DARK, Groups
from tonegap.measures import MEASURES
from tonegap.model.pixels import to_model_range


class Dimmer:
    """Reconstructs half of every value; its deviation is each image's first value plus 1."""

    def __init__(self, *, with_posterior: bool = True) -> None:
        self.with_posterior = with_posterior

    def reconstruct(self, images: Tensor) -> Tensor:
        return images / 2

    def posterior_std(self, images: Tensor) -> Tensor | None:
        return images[:, 0, 0, 0] + 1 if self.with_posterior else None

    def sample(self, count: int, seed: int) -> Tensor:
        raise NotImplementedError


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (7, 6, 6, 3), dtype=np.uint8)


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "group": ["light", "light", "dark", "dark", "dark"],
            "label_coarse": ["x", "x", "x", "x", "y"],
            "label_middle": ["p", "q", "p", "q", "q"],
            "label_fine": ["a", "b", "a", "b", "b"],
            "mse": [0.1, 0.2, 0.3, 0.5, 0.7],
            "nmse": [1.0, np.nan, 2.0, 3.0, 4.0],
            "sigma": [0.9, 0.9, 0.8, 0.8, 0.8],
        }
    )


def test_errors_equal_brute_force(images: np.ndarray) -> None:
    """mse, nmse, sigma and darkest of each image, from their definitions in double precision."""
    frame = per_image_errors(Dimmer(), images, batch_size=3)
    for row, image in zip(frame.itertuples(), images.astype(float) / 127.5 - 1.0, strict=True):
        mse = ((image - image / 2) ** 2).sum() / image.size
        variance = np.mean([image[..., channel].var() for channel in range(3)])
        assert row.mse == pytest.approx(mse, rel=1e-5)
        assert row.nmse == pytest.approx(mse / variance, rel=1e-5)
        assert row.sigma == pytest.approx(image[0, 0, 0] + 1, rel=1e-6)
        assert row.darkest == pytest.approx(image.min() / 2, rel=1e-6)


@pytest.mark.parametrize("batch_size", [1, 2, 7, 50])
def test_batch_size_changes_nothing(images: np.ndarray, batch_size: int) -> None:
    """The batches' size never reaches the numbers, nor the order of rows."""
    expected = per_image_errors(Dimmer(), images, batch_size=4)
    found = per_image_errors(Dimmer(), images, batch_size=batch_size)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-6)


def test_one_colour_picture_has_nmse_one(images: np.ndarray) -> None:
    """The best picture of one colour is the unit of nmse."""
    batch = to_model_range(images)
    flat = batch.mean(dim=(2, 3), keepdim=True).expand_as(batch)
    ratio = squared_error(batch, flat) / pixel_variance(batch)
    torch.testing.assert_close(ratio, torch.ones(7))


@pytest.mark.parametrize("colour", [0, 7, 128, 255])
def test_image_of_one_colour_has_no_nmse(colour: int) -> None:
    """An image without variance gives NaN, never infinity or a huge number."""
    images = np.full((2, 8, 8, 3), colour, dtype=np.uint8)
    frame = per_image_errors(Dimmer(), images, batch_size=2)
    assert frame["nmse"].isna().all()
    assert frame["mse"].notna().all()


def test_image_within_rounding_of_one_colour_has_no_nmse() -> None:
    """A single pixel one level off is rounding, not content: NaN rather than a huge ratio."""
    images = np.full((1, 8, 8, 3), 128, dtype=np.uint8)
    images[0, 3, 3, 1] += 1
    assert per_image_errors(Dimmer(), images, batch_size=1)["nmse"].isna().all()


def test_model_without_posterior_has_no_sigma(images: np.ndarray) -> None:
    """No posterior: NaN in the table, None in the summary and in its gap."""
    frame = per_image_errors(Dimmer(with_posterior=False), images, batch_size=3)
    assert frame["sigma"].isna().all()
    frame["group"] = ["light"] * 3 + ["dark"] * 4
    assert summary(frame, LIGHT_AND_DARK)["sigma"] == {"light": None, "dark": None, "gap": None}


def test_no_images_give_an_empty_table() -> None:
    """An empty test set is a table without rows, with its columns."""
    frame = per_image_errors(Dimmer(), np.empty((0, 4, 4, 3), dtype=np.uint8), batch_size=2)
    full = per_image_errors(Dimmer(), np.zeros((1, 8, 8, 3), dtype=np.uint8), batch_size=2)
    assert list(frame.columns) == list(full.columns)
    assert len(frame) == 0


def test_every_measure_of_an_image_has_its_column(images: np.ndarray) -> None:
    """The columns are the rows of the table of measures; LPIPS needs a network of the run."""
    found = per_image_errors(Dimmer(), images, batch_size=3, more={"lpips_squeeze": squared_error})
    listed = {row.name for row in MEASURES if row.per_image and not row.needs}
    assert listed <= set(found.columns)
    np.testing.assert_array_equal(found["lpips_squeeze"], found["mse"])


def test_baseline_errors_are_the_same_measure(images: np.ndarray) -> None:
    """A baseline's error is the mse that a model with these reconstructions has."""
    expected = per_image_errors(Dimmer(), images, batch_size=3)["mse"]
    np.testing.assert_allclose(reconstruction_errors(Dimmer(), images, 2), expected, rtol=1e-6)


def test_gap_is_dark_minus_light(table: pd.DataFrame) -> None:
    """Means by group, and a positive gap where dark fares worse; NaN are left out."""
    found = summary(table, LIGHT_AND_DARK)
    assert found["mse"] == pytest.approx({"light": 0.15, "dark": 0.5, "gap": 0.35})
    assert found["nmse"] == pytest.approx({"light": 1.0, "dark": 3.0, "gap": 2.0})
    assert found["sigma"] == pytest.approx({"light": 0.9, "dark": 0.8, "gap": -0.1})
    assert list(found) == ["mse", "nmse", "sigma"]


def test_baselines_join_the_summary(table: pd.DataFrame) -> None:
    """Columns of baselines are summarised like the model's."""
    found = summary(table.assign(mse_pca=2 * table["mse"], mse_jpeg=1.0), LIGHT_AND_DARK)
    assert found["mse_pca"]["gap"] == pytest.approx(0.7)
    assert found["mse_jpeg"] == {"light": 1.0, "dark": 1.0, "gap": 0.0}


def test_missing_group_has_no_gap(table: pd.DataFrame) -> None:
    """One group alone gives its mean, and None for the other and for the gap."""
    found = summary(table[table["group"] == "dark"], LIGHT_AND_DARK)
    assert found["mse"]["dark"] == pytest.approx(0.5)
    assert found["mse"]["light"] is None
    assert found["mse"]["gap"] is None


def test_a_group_beside_the_pair_has_a_mean_and_no_part_in_the_gap(table: pd.DataFrame) -> None:
    """The gap is of the compared pair, in the order of the definition."""
    groups = Groups("dark", "light", {"medium": "FST 3-4", "light": "FST 1-2", "dark": "FST 5-6"})
    found = summary(table.assign(group=["light", "medium", "dark", "dark", "medium"]), groups)
    assert list(found["mse"]) == ["dark", "light", "medium", "gap"]
    expected = {"dark": 0.4, "light": 0.1, "medium": 0.45, "gap": -0.3}
    assert found["mse"] == pytest.approx(expected)


def test_conditions_equal_brute_force(table: pd.DataFrame) -> None:
    """Every level, group and label that has images: its count and means, groups as they come."""
    found = condition_table(table)
    expected = {
        (level, label, group): cell
        for level in ("coarse", "middle", "fine")
        for group in table["group"].unique()
        for label in sorted(table[f"label_{level}"].unique())
        if len(cell := table[(table[f"label_{level}"] == label) & (table["group"] == group)])
    }
    keys = list(found[["level", "label", "group"]].itertuples(index=False, name=None))
    assert keys == list(expected)
    for row, cell in zip(found.itertuples(), expected.values(), strict=True):
        assert row.n == len(cell)
        assert row.mse == pytest.approx(cell["mse"].mean())
        assert row.sigma == pytest.approx(cell["sigma"].mean())


def test_conditions_count_every_image_once_per_level(table: pd.DataFrame) -> None:
    """Counts of each level add up to all images."""
    assert condition_table(table).groupby("level")["n"].sum().unique().tolist() == [5]
