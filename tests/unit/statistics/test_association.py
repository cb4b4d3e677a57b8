"""Cramer's V and total variation against scipy and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats.contingency import association

from tonegap.groups import LIGHT_AND_DARK
from tonegap.labels import LABEL_COLUMNS
from tonegap.statistics.association import (
    condition_associations,
    corrected_v,
    cramers_v,
    total_variation,
)


def annotated(prevalence: dict[str, list[float]], n: int, seed: int = 0) -> pd.DataFrame:
    """Draw annotated rows whose fine labels have a given prevalence in each group."""
    rng = np.random.default_rng(seed)
    parts = []
    for group, chances in prevalence.items():
        fine = rng.choice(len(chances), n, p=chances)
        parts.append(pd.DataFrame({"group": group, "label_fine": [f"c{k}" for k in fine]}))
    table = pd.concat(parts, ignore_index=True)
    return table.assign(label_middle=table["label_fine"], label_coarse=table["label_fine"])


@pytest.mark.parametrize("shape", [(2, 2), (2, 7), (2, 100)])
def test_v_is_that_of_scipy(shape) -> None:
    """Any table of two groups, alone and in a stack."""
    counts = np.random.default_rng(0).integers(1, 40, (3, *shape))
    expected = [association(table, method="cramer", correction=False) for table in counts]
    np.testing.assert_allclose(cramers_v(counts), expected)
    assert float(cramers_v(counts[0])) == pytest.approx(expected[0])


def test_total_variation_is_the_share_that_would_have_to_move() -> None:
    """Halves against quarters: a quarter of one group; equal prevalences: none."""
    assert total_variation(np.array([[50, 50], [25, 75]])) == pytest.approx(0.25)
    assert total_variation(np.array([[10, 20], [30, 60]])) == 0.0
    assert total_variation(np.array([[10, 0], [0, 60]])) == 1.0


def test_the_correction_takes_away_what_sampling_adds() -> None:
    """Equal prevalences of 100 conditions: plain V is far above 0, the corrected one is not."""
    table = annotated({"light": [0.01] * 100, "dark": [0.01] * 100}, 1000)
    found = condition_associations(table, LIGHT_AND_DARK)["fine"]
    assert found.v > 0.2
    assert found.v_corrected < 0.08
    counts = pd.crosstab(table["group"], table["label_fine"]).to_numpy()
    assert corrected_v(counts) == found.v_corrected


def test_intervals_cover_the_truth() -> None:
    """Few conditions, many rows: both intervals hold the true value in about 95 %."""
    prevalence = {"light": [0.5, 0.3, 0.2], "dark": [0.3, 0.3, 0.4]}
    exact = 10 * np.array([[5, 3, 2], [3, 3, 4]])
    v, tv = float(cramers_v(exact)), float(total_variation(exact))
    hits = []
    for seed in range(150):
        found = condition_associations(annotated(prevalence, 800, seed), LIGHT_AND_DARK)["fine"]
        hits.append((found.v_low <= v <= found.v_high, found.tv_low <= tv <= found.tv_high))
    assert (np.mean(hits, axis=0) > 0.9).all()
    assert (np.mean(hits, axis=0) < 0.99).all()


def test_rows_of_other_groups_and_without_labels_do_not_count() -> None:
    """Third groups, rows of no group and missing labels change nothing."""
    table = annotated({"light": [0.5, 0.5], "dark": [0.2, 0.8]}, 100)
    more = pd.concat([table, table.assign(group="medium"), table.assign(group=None)])
    more = pd.concat([more, table.assign(label_fine=None)], ignore_index=True)
    one, other = (condition_associations(t, LIGHT_AND_DARK)["fine"] for t in (table, more))
    assert one == other
    assert one.n_rows == 200


def test_levels_without_two_groups_or_two_conditions_are_left_out() -> None:
    """There is nothing to compare."""
    table = annotated({"light": [0.5, 0.5], "dark": [0.2, 0.8]}, 100).assign(label_coarse="one")
    assert set(condition_associations(table, LIGHT_AND_DARK)) == set(LABEL_COLUMNS) - {"coarse"}
    assert condition_associations(table[table["group"] == "dark"], LIGHT_AND_DARK) == {}
