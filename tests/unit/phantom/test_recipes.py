from __future__ import annotations

import hashlib
import inspect

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tonegap.errors import DataError
from tonegap.phantom.conditions import CONDITIONS
from tonegap.phantom.mixtures import MELANIN_OF_FST, RECIPES
from tonegap.phantom.recipes import COLUMNS, annotation_table
from tonegap.phantom.spec import PhantomSpec, parse_url

CONDITION = {condition.fine: condition for condition in CONDITIONS}
KNOBS = [
    "melanin",
    "blood",
    "size",
    "severity",
    "irregularity",
    "roughness",
    "slope",
    "quality",
    "crop",
    "watermark",
    "lighting",
    "shading",
    "background",
    "upside_down",
    "width",
    "height",
]
SOURCE_KNOBS = {"quality", "crop", "watermark", "source"}
# What the two groups differ in, by recipe; all other columns must have one distribution.
DIFFERENCES = {
    "no_effect": set(),
    "tone": {"melanin"},
    "condition_only": {"label"},
    "source_only": SOURCE_KNOBS,
    "representation_only": {"upside_down"},
    "representation_mild": {"upside_down"},
    "label_noise": {"melanin"},
    "duplicates": {"melanin"},
    "default": {"melanin", "roughness", "shading", "label"} | SOURCE_KNOBS,
}


def _specs(table: pd.DataFrame) -> pd.DataFrame:
    """Add one column per knob to a table, rows without url left out.

    The lesion's knobs depend on the condition; they become places within its range, so that
    they can be compared where the conditions differ.
    """
    rows = table[table["url"].notna()].reset_index(drop=True)
    specs = [parse_url(url) for url in rows["url"]]
    fields = inspect.signature(PhantomSpec).parameters
    knobs = pd.DataFrame({name: [getattr(spec, name) for spec in specs] for name in fields})
    for name in ("size", "severity", "irregularity"):
        low, high = np.array([getattr(CONDITION[label], name) for label in rows["label"]]).T
        knobs[name] = (knobs[name] - low) / (high - low)
    return pd.concat([rows, knobs], axis=1)


@pytest.fixture(scope="module")
def drawn() -> dict[str, pd.DataFrame]:
    """Two hundred rows a group of every recipe, with their knobs."""
    return {name: _specs(annotation_table(name, 200, 200, 20, seed=3)) for name in RECIPES}


def _p_value(light: pd.Series, dark: pd.Series) -> float:
    if not pd.api.types.is_numeric_dtype(light) or pd.api.types.is_bool_dtype(light):
        values = pd.concat([light, dark]).astype(str)
        groups = np.repeat([0, 1], [len(light), len(dark)])
        table = pd.crosstab(groups, values.to_numpy())
        return 1.0 if table.shape[1] == 1 else float(stats.chi2_contingency(table).pvalue)
    return float(stats.ks_2samp(light, dark, method="asymp").pvalue)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("column", [*KNOBS, "family", "source", "label"])
def test_groups_differ_in_what_the_recipe_names(
    recipe: str, column: str, drawn: dict[str, pd.DataFrame]
) -> None:
    """Named knobs differ clearly between light and dark, all others not beyond chance."""
    table = drawn[recipe]
    fst = table["fitzpatrick_scale"]
    p = _p_value(table.loc[fst.isin([1, 2]), column], table.loc[fst.isin([5, 6]), column])
    if column in DIFFERENCES[recipe]:
        assert p < 0.01
    elif not (column == "family" and "label" in DIFFERENCES[recipe]):
        assert p > 0.001


def test_every_recipe_has_a_stated_difference() -> None:
    """No recipe is left out of the comparison above."""
    assert set(DIFFERENCES) == set(RECIPES)


@pytest.mark.parametrize("recipe", RECIPES)
def test_counts_are_exact(recipe: str) -> None:
    """Groups by label have exactly the sizes asked for, under every recipe."""
    fst = annotation_table(recipe, 90, 70, 30, seed=1)["fitzpatrick_scale"]
    assert fst.isin([1, 2]).sum() == 90
    assert fst.isin([5, 6]).sum() == 70
    assert fst.isin([-1, 3, 4]).sum() == 30


def test_columns_and_identifiers() -> None:
    """Columns are Fitzpatrick17k's; md5hash is unique and the md5 of the url where there is one."""
    table = annotation_table("default", 60, 40, 10, seed=1)
    assert tuple(table.columns) == COLUMNS
    assert table["md5hash"].is_unique
    assert table["md5hash"].is_monotonic_increasing
    assert table["url"].isna().sum() == RECIPES["default"].no_url
    for row in table[table["url"].notna()].itertuples():
        assert row.md5hash == hashlib.md5(row.url.encode()).hexdigest()  # noqa: S324 - a name
        assert row.url_alphanum == f"phantomv1{row.md5hash}.jpg"


def test_a_seed_fixes_the_table_and_another_changes_it() -> None:
    """The table is a function of its arguments."""
    first = annotation_table("default", 30, 20, 10, seed=5)
    pd.testing.assert_frame_equal(first, annotation_table("default", 30, 20, 10, seed=5))
    assert not set(first["md5hash"]) & set(annotation_table("default", 30, 20, 10, 6)["md5hash"])


def test_labels_form_a_hierarchy() -> None:
    """Each fine label has one middle label, each middle label one coarse label."""
    table = annotation_table("default", 200, 150, 30, seed=2)
    levels = table[["label", "nine_partition_label", "three_partition_label"]].drop_duplicates()
    assert len(levels) == len(CONDITIONS) == levels["label"].nunique()
    middle = levels[["nine_partition_label", "three_partition_label"]].drop_duplicates()
    assert middle["nine_partition_label"].is_unique
    assert middle["three_partition_label"].nunique() == 3
    assert len(middle) == 5


def test_fst_says_the_tone_where_labels_are_right(drawn: dict[str, pd.DataFrame]) -> None:
    """Under ``tone`` melanin lies in the range of the row's Fitzpatrick type."""
    for row in drawn["tone"].itertuples():
        low, high = MELANIN_OF_FST[row.fitzpatrick_scale]
        assert low <= row.melanin <= high


@pytest.mark.parametrize(("recipe", "light", "dark"), [("label_noise", 0.04, 0.20)])
def test_label_noise_has_its_rates(
    recipe: str, light: float, dark: float, drawn: dict[str, pd.DataFrame]
) -> None:
    """The share of rows whose melanin is the other group's is the planted one."""
    table = drawn[recipe]
    is_dark = table["fitzpatrick_scale"].isin([5, 6])
    is_light = table["fitzpatrick_scale"].isin([1, 2])
    skin_dark = table["melanin"] >= MELANIN_OF_FST[5][0]
    for wrong, rate in ((skin_dark[is_light], light), (~skin_dark[is_dark], dark)):
        assert stats.binomtest(int(wrong.sum()), len(wrong), rate).pvalue > 0.001


def test_centaur_label_is_noisier_on_dark_skin(drawn: dict[str, pd.DataFrame]) -> None:
    """The Centaur label keeps the group of about 88 % of light and 60 % of dark rows."""
    table = drawn["tone"]
    kept = {}
    for name, types in {"light": [1, 2], "dark": [5, 6]}.items():
        rows = table[table["fitzpatrick_scale"].isin(types)]
        kept[name] = rows["fitzpatrick_centaur"].isin(types).mean()
    assert kept["light"] == pytest.approx(0.88, abs=0.05)
    assert kept["dark"] == pytest.approx(0.60, abs=0.06)
    assert table["fitzpatrick_centaur"].isin([-1, 1, 2, 3, 4, 5, 6]).all()


def test_default_has_the_flaws_of_real_tables(drawn: dict[str, pd.DataFrame]) -> None:
    """Unknown types, quality flags, wrong labels and copies all occur, and stay few."""
    table = drawn["default"]
    wrong = table["qc"].eq("3 Wrongly labelled")
    assert 0 < wrong.mean() < 0.03
    assert (table["fitzpatrick_scale"] == -1).sum() > 0
    mislabelled = table["label"].map(lambda label: CONDITION[label].family) != table["family"]
    assert 0 < mislabelled.mean() < 0.05
    assert table["copy"].notna().mean() == pytest.approx(0.04, abs=0.01)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"recipe": "tones"}, "did you mean 'tone'"),
        ({"n_light": -1}, "n_light is -1"),
        ({"n_dark": 10**9}, "n_dark"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_impossible_tables_are_refused(arguments: dict[str, object], message: str) -> None:
    """Unknown recipes, impossible counts and seeds are DataErrors."""
    with pytest.raises(DataError, match=message):
        annotation_table(**arguments)


def test_empty_groups_are_allowed() -> None:
    """A table may lack any group, copies included."""
    assert annotation_table("default", 0, 0, 0).empty
    assert len(annotation_table("duplicates", 10, 0, 0)) == 10
    assert len(annotation_table("default", 0, 25, 0)) == 25
