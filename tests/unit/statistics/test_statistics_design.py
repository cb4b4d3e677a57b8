"""The crossed design is read off the study table, and bad tables are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tonegap.errors import DataError
from tonegap.groups import LIGHT_AND_DARK
from tonegap.statistics.design import (
    Arm,
    design_of,
    ordinary_rows,
    rows_of_equal_distinct,
    rows_of_pair,
)


def small_table() -> pd.DataFrame:
    """Two seeds x two mixes; image b is a near duplicate of a."""
    rows = [
        (f"{share}-{seed}", share, seed, image, group, cluster)
        for share in (0.5, 0.0)
        for seed in (7, 3)
        for image, group, cluster in (("a", "light", "a"), ("b", "dark", "a"), ("c", "dark", "c"))
    ]
    names = ["run", "share", "seed", "md5hash", "group", "cluster"]
    return pd.DataFrame(rows, columns=names)


def test_arms_are_sorted_pairs_and_codes_point_to_them() -> None:
    """Every row's arm code names its own mix and group."""
    table = small_table()
    design = design_of(table)
    assert design.arms == (
        Arm(0.0, "dark"),
        Arm(0.0, "light"),
        Arm(0.5, "dark"),
        Arm(0.5, "light"),
    )
    named = [design.arms[code] for code in design.arm]
    assert named == list(zip(table["share"], table["group"], strict=True))


def test_the_unit_is_the_cluster_and_the_seed_not_the_run() -> None:
    """Near duplicates share a unit, even across groups; runs of one seed share a seed."""
    design = design_of(small_table())
    assert (design.n_units, design.n_seeds) == (2, 2)
    assert np.unique(design.run).size == 4
    assert design.unit[0] == design.unit[1] != design.unit[2]


def test_an_image_without_a_cluster_is_its_own() -> None:
    """A missing cluster falls back to the image's id."""
    table = small_table()
    table["cluster"] = None
    assert design_of(table).n_units == 3


def test_absent_arms_get_no_coefficient() -> None:
    """A contrast is written in the order of the arms that exist."""
    design = design_of(small_table())
    wanted = {Arm(0.5, "dark"): 1.0, Arm(1.0, "light"): -1.0}
    np.testing.assert_array_equal(design.coefficients_of(wanted), [0, 0, 1, 0])


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda t: t.drop(columns="seed"), "no column 'seed'"),
        (lambda t: t.iloc[:0], "no rows"),
        (lambda t: t.assign(group=None), "'group' is empty in 12 rows"),
        (lambda t: t.assign(seed=np.nan), "'seed' is empty in 12 rows"),
        (lambda t: t.assign(share=50.0), "share is 50.0 in a row"),
        (lambda t: t.assign(share="half"), "share is half in a row"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "image a has more than one row in run 0.5-7"),
        (lambda t: t.assign(run="one"), r"run one has more than one share \(0.5, 0.0\)"),
        (
            lambda t: t.assign(run=t["share"]),
            r"run 0.5 has more than one seed \(7, 3\), so that it is not a single draw",
        ),
        (
            lambda t: t.assign(group=["light", "dark", "dark"] * 3 + ["dark"] * 3),
            r"image a has more than one group \(light, dark\)",
        ),
    ],
)
def test_a_bad_table_is_refused_in_one_line(spoil, says) -> None:
    """The message names the column or value, on one line."""
    with pytest.raises(DataError, match=says) as caught:
        design_of(spoil(small_table()))
    assert "\n" not in str(caught.value)


def test_counts_by_arm_tell_what_is_unfinished() -> None:
    """Seeds, units and runs of each arm; light-only lacks seed 3, mixed has seed 7 twice."""
    table = small_table()
    again = table[table["run"] == "0.5-7"].assign(run="again")
    design = design_of(pd.concat([table[table["run"] != "0.0-3"], again]))
    dark = [arm.group == "dark" for arm in design.arms]
    np.testing.assert_array_equal(design.seeds_by_arm, [1, 1, 2, 2])
    np.testing.assert_array_equal(design.units_by_arm[dark], [2, 2])
    np.testing.assert_array_equal(design.runs_by_cell.max(axis=1), [1, 1, 2, 2])
    assert design.runs_by_cell.sum() == 8


def test_trusted_tables_are_coded_alike() -> None:
    """Leaving the search for faults out changes nothing else."""
    first, second = design_of(small_table()), design_of(small_table(), trusted=True)
    np.testing.assert_array_equal(first.unit, second.unit)
    assert first.arms == second.arms


def test_runs_on_equal_distinct_images_stand_apart() -> None:
    """Beside other runs they are left out; alone, or in a table without the column, nothing is."""
    table = pd.DataFrame({"run": ["a", "b", "c"], "distinct": ["paper", "equal", "paper"]})
    table.index = pd.Index([7, 7, 7])
    assert ordinary_rows(table)["run"].tolist() == ["a", "c"]
    assert rows_of_equal_distinct(table)["run"].tolist() == ["b"]
    alone = table[table["distinct"] == "equal"]
    assert ordinary_rows(alone)["run"].tolist() == ["b"]
    old = table.drop(columns="distinct")
    assert ordinary_rows(old)["run"].tolist() == ["a", "b", "c"]
    assert rows_of_equal_distinct(old).empty


def test_other_groups_are_arms_but_not_of_the_pair() -> None:
    """A third group has its own arms; the rows of the pair leave it out."""
    table = small_table()
    third = table.assign(group="medium", md5hash=table["md5hash"] + "-", cluster="m")
    both = pd.concat([table, third], ignore_index=True)
    assert {arm.group for arm in design_of(both).arms} == {"light", "dark", "medium"}
    pd.testing.assert_frame_equal(rows_of_pair(both, LIGHT_AND_DARK), table)
