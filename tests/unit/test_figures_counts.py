"""The counts of figures 2 and 7, against the reference tables and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tonegap.cohort import fst_counts, prevalence, prevalence_by_group
from tonegap.files.tables import read_csv

LEVELS = {"coarse": 3, "middle": 9, "fine": 114}


@pytest.fixture(scope="module")
def annotations(originals):
    return read_csv(originals / "fitzpatrick17k.csv", ["label"], "the annotation table")


@pytest.fixture(scope="module")
def reference(originals):
    folder = originals.parent.parent / "reference"
    if not folder.is_dir():
        pytest.skip("the reference tables are not on this machine")
    return folder


def test_figure_2_equals_the_reference(annotations, reference):
    """Skin types of the real table are counted as in the reference."""
    expected = pd.read_csv(reference / "fig2.csv")
    pd.testing.assert_frame_equal(fst_counts(annotations), expected, rtol=0, atol=5e-4)


@pytest.mark.parametrize("level", LEVELS)
def test_figure_7_equals_the_reference(annotations, reference, level):
    """Prevalences of the real table equal the reference at every level, row by row."""
    expected = pd.read_csv(reference / f"fig7_{LEVELS[level]}.csv")
    found = prevalence_by_group(annotations, level)
    pd.testing.assert_frame_equal(found, expected, rtol=0, atol=1e-6, check_dtype=False)


def test_skin_types_without_rows_are_counted_as_zero():
    """Every skin type has its row, and an empty table divides by nothing."""
    empty = pd.DataFrame({"fitzpatrick_scale": [], "fitzpatrick_centaur": []}, dtype="int64")
    found = fst_counts(empty)
    assert found["fitzpatrick_scale"].tolist() == [-1, 1, 2, 3, 4, 5, 6]
    assert (found.drop(columns="fitzpatrick_scale") == 0).all(axis=None)


def test_prevalence_by_hand():
    """Shares are within the group; the ratio has half an image added to every label."""
    labels = pd.Series(["a", "a", "a", "b", "b"])
    group = pd.Series(["light", "light", "dark", "light", None], dtype="string")
    found = prevalence(labels, group).set_index("label")
    assert found.loc["a", ["n_all", "n_light", "n_dark"]].tolist() == [3, 2, 1]
    assert found.loc["b", ["n_all", "n_light", "n_dark"]].tolist() == [2, 1, 0]
    np.testing.assert_allclose(found["prev_light"], [2 / 3, 1 / 3])
    np.testing.assert_allclose(found["prev_dark"], [1, 0])
    ratios = [np.log2((1.5 / 2) / (2.5 / 4)), np.log2((0.5 / 2) / (1.5 / 4))]
    np.testing.assert_allclose(found["log2_ratio_dark_light"], ratios)


def test_equally_common_labels_have_ratio_zero():
    """Zero means: as common in one group as in the other."""
    labels = pd.Series(["a", "b", "a", "b"])
    group = pd.Series(["light", "light", "dark", "dark"], dtype="string")
    np.testing.assert_allclose(prevalence(labels, group)["log2_ratio_dark_light"], 0, atol=1e-15)


def test_an_empty_group_has_prevalence_zero():
    """A group without images gives numbers, not divisions by zero."""
    found = prevalence(pd.Series(["a", "b"]), pd.Series(["light", "light"], dtype="string"))
    assert (found["prev_dark"] == 0).all()
    assert np.isfinite(found["log2_ratio_dark_light"]).all()
