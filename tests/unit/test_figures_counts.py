"""The counts of figures 2 and 7, against the reference tables and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tonegap.cohort.conditions import prevalence
from tonegap.figures.annotated import annotated_counts
from tonegap.files.tables import read_csv
from tonegap.groups import LIGHT_AND_DARK
from tonegap.labels import ANNOTATION_LABELS

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


def _grouped(annotations):
    """Rows of data/groups.csv, grouped by plain loops."""
    names = {1: "light", 2: "light", 5: "dark", 6: "dark"}
    fst = annotations["fitzpatrick_scale"]
    second = annotations["fitzpatrick_centaur"]
    return pd.DataFrame({"group": fst.map(names), "fst": fst, "fst_second": second})


def test_figure_2_equals_the_reference(annotations, reference):
    """Skin types of the real table are counted as in the reference, for both annotators."""
    expected = pd.read_csv(reference / "fig2.csv")
    rows = _grouped(annotations)
    first = annotated_counts(rows, "fst", LIGHT_AND_DARK)
    second = annotated_counts(rows, "fst_second", LIGHT_AND_DARK)
    assert first["n"].tolist() == expected["n_scale"].tolist()
    assert second["n"].tolist() == expected["n_centaur"].tolist()
    np.testing.assert_allclose(first["percent"], expected["pct_scale"], rtol=0, atol=5e-4)


@pytest.mark.parametrize("level", LEVELS)
def test_figure_7_equals_the_reference(annotations, reference, level):
    """Prevalences of the real table equal the reference at every level, row by row."""
    expected = pd.read_csv(reference / f"fig7_{LEVELS[level]}.csv")
    labels = annotations[ANNOTATION_LABELS[level]]
    found = prevalence(labels, _grouped(annotations)["group"], LIGHT_AND_DARK)
    found.columns = expected.columns
    pd.testing.assert_frame_equal(found, expected, rtol=0, atol=1e-6, check_dtype=False)


def test_values_without_rows_are_counted_as_zero():
    """Every skin type has its row, and an empty table divides by nothing."""
    empty = pd.DataFrame({"group": [], "fst": [], "fst_second": []}, dtype="object")
    found = annotated_counts(empty, "fst", LIGHT_AND_DARK)
    assert found["value"].tolist() == ["missing", "1", "2", "3", "4", "5", "6"]
    assert (found.drop(columns="value") == 0).all(axis=None)


def test_prevalence_by_hand():
    """Shares are within the group; the ratio has half an image added to every label."""
    labels = pd.Series(["a", "a", "a", "b", "b"])
    group = pd.Series(["light", "light", "dark", "light", None], dtype="string")
    found = prevalence(labels, group, LIGHT_AND_DARK).set_index("label")
    assert found.loc["a", ["n_all", "n_reference", "n_compared"]].tolist() == [3, 2, 1]
    assert found.loc["b", ["n_all", "n_reference", "n_compared"]].tolist() == [2, 1, 0]
    np.testing.assert_allclose(found["prev_reference"], [2 / 3, 1 / 3])
    np.testing.assert_allclose(found["prev_compared"], [1, 0])
    ratios = [np.log2((1.5 / 2) / (2.5 / 4)), np.log2((0.5 / 2) / (1.5 / 4))]
    np.testing.assert_allclose(found["log2_ratio"], ratios)


def test_equally_common_labels_have_ratio_zero():
    """Zero means: as common in one group as in the other."""
    labels = pd.Series(["a", "b", "a", "b"])
    group = pd.Series(["light", "light", "dark", "dark"], dtype="string")
    np.testing.assert_allclose(
        prevalence(labels, group, LIGHT_AND_DARK)["log2_ratio"], 0, atol=1e-15
    )


def test_an_empty_group_has_prevalence_zero():
    """A group without images gives numbers, not divisions by zero."""
    found = prevalence(
        pd.Series(["a", "b"]), pd.Series(["light", "light"], dtype="string"), LIGHT_AND_DARK
    )
    assert (found["prev_compared"] == 0).all()
    assert np.isfinite(found["log2_ratio"]).all()


def test_spans_of_skin_types_have_bars_of_their_own():
    """A table of pairs shows them after the type that they begin with."""
    rows = pd.DataFrame({"group": ["light", "dark", None], "fst": ["1-2", "5-6", "3"]})
    found = annotated_counts(rows, "fst", LIGHT_AND_DARK).set_index("value")
    assert found.index.tolist() == ["missing", "1", "1-2", "2", "3", "4", "5", "5-6", "6"]
    assert found.loc[["1-2", "5-6", "3", "4"], "n"].tolist() == [1, 1, 1, 0]
