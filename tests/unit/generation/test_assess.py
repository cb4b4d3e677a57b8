"""What models generate, end to end on phantoms: nulls, planted shares, a dropped group."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sampled_phantoms import CPU, PER_GROUP

from tonegap.generation.assess import COLUMNS, assess_generation, compare_samples
from tonegap.groups import LIGHT_AND_DARK, Groups

GROUP = np.repeat(["light", "dark"], PER_GROUP)


def compare(network, real, groups=LIGHT_AND_DARK, **pictures):
    return compare_samples(pictures, real, groups, network, seed=0, batch_size=32, device=CPU)


def test_real_images_pass_as_samples(world, network) -> None:
    """The null of every number: distance 0, share one half, tones at chance, kernel distance 0."""
    found = compare(network, world.test(), prior=world.held_out(PER_GROUP, PER_GROUP))
    row = found.table.iloc[0]
    assert list(found.table.columns) == list(COLUMNS)
    assert found.per_image["sample_distance_prior"].mean() == pytest.approx(0.0, abs=0.1)
    assert row["share"] == pytest.approx(0.5, abs=0.1)
    assert row["ita_distance"] < 2.5 * row["ita_distance_null"]
    for side in ("reference", "compared"):
        assert abs(row[f"kid_{side}"]) < 2.0 * row[f"kid_sd_{side}"]
    assert found.absent == {"fitted": "the model has no encoder and decoder"}


def test_a_sampler_that_drops_a_group_is_found_out(world, network) -> None:
    """No dark samples: share 0, dark images far off, no kernel distance for dark."""
    found = compare(network, world.test(), prior=world.held_out(PER_GROUP, 0))
    row = found.table.iloc[0]
    assert row["share"] == pytest.approx(0.0, abs=0.05)
    assert found.per_image.loc[GROUP == "dark", "sample_distance_prior"].mean() > 0.7
    assert math.isnan(row["kid_compared"])
    assert abs(row["kid_reference"]) < 2.0 * row["kid_sd_reference"]
    assert row["ita_distance"] > 5.0 * row["ita_distance_null"]


def test_a_planted_share_is_counted(world, network) -> None:
    """Forty-eight dark of sixty held-out images: four fifths, whatever the training draw."""
    found = compare(network, world.test(), fitted=world.held_out(12, 48))
    assert found.table.iloc[0]["share"] == pytest.approx(0.8, abs=0.1)
    assert found.table.iloc[0]["samples"] == 60
    assert found.absent == {"prior": "the model does not sample"}


def test_a_group_beside_the_pair_is_covered_and_not_counted(world, network) -> None:
    """A third group has distances, and no part in the classifier or the kernel distances."""
    real = world.test()
    plain = compare(network, real, prior=world.held_out(20, 40))
    real.facts.loc[:9, "group"] = "medium"
    groups = Groups("light", "dark", {"medium": "FST 3-4"})
    found = compare(network, real, groups, prior=world.held_out(20, 40))
    assert found.per_image["sample_distance_prior"].notna().all()
    assert found.table.iloc[0]["share"] == pytest.approx(plain.table.iloc[0]["share"], abs=0.1)


def test_one_group_alone_has_no_share(world, network) -> None:
    """Without both groups nothing can be told apart: NaN, and the tones stand."""
    found = compare(network, world.real(world.light[:9], world.dark[:0]),
                    prior=world.held_out(5, 5))  # fmt: skip
    row = found.table.iloc[0]
    assert math.isnan(row["share"])
    assert math.isnan(row["kid_reference"])
    assert math.isfinite(row["ita_distance"])
    assert row["kid_images"] == 0


class Painter:
    """A model in float64 that draws one colour, if it draws."""

    def __init__(self, *, draws: bool) -> None:
        self.draws = draws

    def reconstruct(self, images):
        return images.double()

    def posterior_std(self, images):
        return None

    def sample(self, count, seed):
        if not self.draws:
            raise NotImplementedError
        return torch.full((count, 3, 32, 32), 0.25, dtype=torch.float64)


def test_a_model_is_assessed_in_its_own_format(world, network) -> None:
    """Samples of a model in float64 are compared in float64."""
    found = assess_generation(
        Painter(draws=True), world.test(), LIGHT_AND_DARK, network, count=3, seed=0, batch_size=32,
        device=CPU,
    )  # fmt: skip
    assert list(found.pictures) == ["prior"]
    assert next(network.parameters()).dtype == torch.float64


def test_a_model_that_cannot_sample_has_no_columns(world, network) -> None:
    """No column, no row, and the reasons."""
    found = assess_generation(
        Painter(draws=False), world.test(), LIGHT_AND_DARK, network, count=3, seed=0,
        batch_size=32, device=CPU,
    )  # fmt: skip
    assert found.per_image.columns.empty
    assert list(found.table.columns) == list(COLUMNS)
    assert len(found.table) == 0
    assert set(found.absent) == {"prior", "fitted"}
