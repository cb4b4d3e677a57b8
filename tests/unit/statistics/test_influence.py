"""The gap without some of the images is the gap of a table that never had them."""

from __future__ import annotations

import numpy as np
import pytest
from confounded_study import draw_confounded

from tonegap.groups import LIGHT_AND_DARK
from tonegap.statistics.influence import N_CONDITIONS, gap_without
from tonegap.statistics.within_runs import gap_of, rows_of


@pytest.fixture
def table():
    return draw_confounded(np.random.default_rng(6), tone=0.2)


def gap(table) -> float:
    return gap_of(rows_of(table, LIGHT_AND_DARK), LIGHT_AND_DARK).value


def test_of_each_cluster_one_image_stays(table) -> None:
    """That whose md5 sorts first; the estimate is that of the smaller table."""
    names = sorted(table["md5hash"].unique())
    pairs = {name: names[2 * (n // 2)] for n, name in enumerate(names)}
    table["cluster"] = table["md5hash"].map(pairs)
    row = gap_without(table, LIGHT_AND_DARK).set_index("left_out").loc["duplicates"]
    left = table[table["md5hash"] == table["cluster"]]
    assert row["n_left_out"] == len(names) - left["md5hash"].nunique()
    assert row["estimate"] == pytest.approx(gap(left))


def test_flagged_images_leave(table) -> None:
    """Any text in qc is a flag, blanks are none; without the column there is no row."""
    flagged = table["md5hash"].isin(table["md5hash"].unique()[:9])
    table["qc"] = np.where(flagged, "1 Diagnostic", " ")
    row = gap_without(table, LIGHT_AND_DARK).set_index("left_out").loc["flagged"]
    assert row["n_left_out"] == 9
    assert row["estimate"] == pytest.approx(gap(table[~flagged]))
    bare = gap_without(table.drop(columns="qc"), LIGHT_AND_DARK)
    assert "flagged" not in set(bare["left_out"])


def test_the_largest_conditions_leave_one_at_a_time(table) -> None:
    """By number of images; the change is in points of the first row's per cent."""
    found = gap_without(table, LIGHT_AND_DARK)
    rows = found[found["left_out"] == "condition"]
    sizes = table.drop_duplicates("md5hash")["label_fine"].value_counts()
    assert list(rows["n_left_out"]) == sorted(sizes, reverse=True)[:N_CONDITIONS]
    first = rows.iloc[0]
    assert first["estimate"] == pytest.approx(gap(table[table["label_fine"] != first["label"]]))
    assert first["change"] == pytest.approx(first["percent"] - found["percent"].iloc[0])


def test_a_condition_that_makes_the_gap_shows(table) -> None:
    """A gap planted in one condition only goes with it."""
    label = table["label_fine"].value_counts().index[0]
    hit = (table["label_fine"] == label) & (table["group"] == "dark")
    rows = gap_without(table.assign(mse=table["mse"] * np.where(hit, 8.0, 1.0)), LIGHT_AND_DARK)
    rows = rows[rows["left_out"] == "condition"].set_index("label")
    assert rows["change"].idxmin() == label


def test_one_condition_alone_says_why_nothing_is_left(table) -> None:
    """The reason names what is missing."""
    found = gap_without(table.assign(label_fine="all"), LIGHT_AND_DARK).set_index("left_out")
    assert found.loc["condition", "reason"].startswith("needs 3 image clusters, has 0")
    assert np.isnan(found.loc["condition", "estimate"])


def test_duplicates_are_copies_where_the_table_tells_them_from_subjects(table) -> None:
    """Of one person's different images none leaves; without the column clusters are copies."""
    names = sorted(table["md5hash"].unique())
    person = table["md5hash"].map({name: names[2 * (n // 2)] for n, name in enumerate(names)})
    own = gap_without(table.assign(cluster=person, copies=table["md5hash"]), LIGHT_AND_DARK)
    assert own.set_index("left_out").loc["duplicates", "n_left_out"] == 0
    twins = gap_without(table.assign(cluster=person, copies=person), LIGHT_AND_DARK)
    old = gap_without(table.assign(cluster=person), LIGHT_AND_DARK)
    assert twins["n_left_out"].tolist() == old["n_left_out"].tolist()
