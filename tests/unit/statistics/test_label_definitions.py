"""The same errors under other definitions: gaps, dose responses, corrections for wrong labels."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.formula.api as smf
from confounded_study import draw_confounded

from tonegap.groups import LIGHT_AND_DARK, Groups
from tonegap.statistics.label_definitions import (
    predictive_values_if_equally_good,
    predictive_values_if_second_is_right,
    score_definitions,
)
from tonegap.statistics.within_runs import gap_of, rows_of


@pytest.fixture
def table():
    return draw_confounded(np.random.default_rng(7), tone=0.3)


def scored(table, groups: Groups = LIGHT_AND_DARK):
    return score_definitions(table, groups).set_index(["kind", "definition"])


def swapped(table, share: float, rng: np.random.Generator):
    """Let the second annotator put a share of the images into the other group."""
    names = table["md5hash"].unique()
    wrong = set(names[rng.uniform(size=len(names)) < share])
    return table.assign(
        fst_second=np.where(table["md5hash"].isin(wrong), 7 - table["fst"], table["fst"])
    )


def test_a_definitions_gap_is_that_of_its_rows_alone(table) -> None:
    """By both annotators, and by ITA, recomputed from scratch."""
    table = swapped(table, 0.2, np.random.default_rng(0))
    found = scored(table)
    agreed = table[table["fst"] == table["fst_second"]]
    expected = gap_of(rows_of(agreed, LIGHT_AND_DARK), LIGHT_AND_DARK).value
    assert found.loc[("gap", "fst_both"), "estimate"] == pytest.approx(expected)
    by_ita = table.assign(group=np.where(table["ita"] <= 28.0, "dark", "light"))
    expected = gap_of(rows_of(by_ita, LIGHT_AND_DARK), LIGHT_AND_DARK).value
    assert found.loc[("gap", "ita_28_28"), "estimate"] == pytest.approx(expected)
    assert found.loc[("gap", "study"), "estimate"] == pytest.approx(
        found.loc[("gap", "fst"), "estimate"]
    )


def test_further_groups_serve_the_definitions_that_place_them(table) -> None:
    """FST 4, assessed but not compared, is dark under 4-6 and in no other pair."""
    four = table["md5hash"].isin(table["md5hash"].unique()[1:60:2])
    table = table.assign(fst=table["fst"].mask(four, 4), group=table["group"].mask(four, "medium"))
    found = scored(table)["n_compared"]
    n_four = table.loc[four, "md5hash"].nunique()
    assert found["gap", "fst_4_6"] == found["gap", "fst"] + n_four
    assert found["gap", "study"] == found["gap", "fst"]


def test_dose_responses_are_slopes_of_statsmodels(table) -> None:
    """Log error on skin type, and on ITA per 10 degrees towards dark, within runs."""
    found = scored(table)
    frame = table.assign(y=np.log(table["mse"]), darker=-table["ita"] / 10.0)
    for name, column in (("fst", "fst"), ("ita", "darker")):
        slopes = [
            smf.ols(f"y ~ {column} + C(run)", frame[frame["mix"] == mix]).fit().params[column]
            for mix in ("light", "mixed", "dark")
        ]
        assert found.loc[("slope", name), "estimate"] == pytest.approx(np.mean(slopes))


def test_missing_labels_and_ita_give_reasons(table) -> None:
    """No second annotator and no ITA: those rows say so, the others stay."""
    for bare in (
        table.drop(columns=["fst_second", "ita"]),
        table.assign(fst_second=-1, ita=np.nan),
    ):
        found = scored(bare)
        for key in (("gap", "fst_second"), ("gap", "ita_41_10"), ("slope", "ita")):
            assert found.loc[key, "reason"] != ""
            assert np.isnan(found.loc[key, "estimate"])
        assert found.loc[("corrected", "equally good"), "reason"] == (
            "the second annotator's labels are missing or say nothing"
        )
        assert found.loc[("gap", "fst"), "reason"] == ""


def test_predictive_values_of_equal_annotators_are_recovered() -> None:
    """From the exact table of two independent annotators of accuracy .9 and 30 % dark images."""
    a, dark = 0.9, 0.3
    light_first = np.outer([a, 1 - a], [a, 1 - a]) * (1 - dark)
    dark_first = np.outer([1 - a, a], [1 - a, a]) * dark
    found = predictive_values_if_equally_good(1000.0 * (light_first + dark_first))
    called_dark = a * dark + (1 - a) * (1 - dark)
    assert found == pytest.approx((a * (1 - dark) / (1 - called_dark), a * dark / called_dark))


def test_annotators_who_agree_by_chance_say_nothing() -> None:
    """NaN, not a correction without bounds."""
    assert np.isnan(predictive_values_if_equally_good(np.full((2, 2), 10.0))).all()


def test_second_is_right_is_the_share_it_confirms() -> None:
    """Row by row."""
    counts = np.array([[90.0, 10.0], [30.0, 70.0]])
    assert predictive_values_if_second_is_right(counts) == pytest.approx((0.9, 0.7))


def test_the_correction_undoes_planted_wrong_labels() -> None:
    """Groups mislabelled in 15 %: the gap of true labels comes back within its error."""
    rng = np.random.default_rng(8)
    table = draw_confounded(rng, tone=0.6, n_pool=800, n_test=200)
    names = table["md5hash"].unique()
    wrong = set(names[rng.uniform(size=len(names)) < 0.15])
    flipped = table["md5hash"].isin(wrong)
    told = table.assign(fst_second=table["fst"], fst=table["fst"].mask(flipped, 7 - table["fst"]))
    row = scored(told).loc[("corrected", "second is right")]
    raw = scored(told).loc[("gap", "fst")]
    assert raw["high"] < 0.6
    assert row["low"] < 0.6 < row["high"]
    informative = row["ppv_reference"] + row["ppv_compared"] - 1.0
    assert row["estimate"] == pytest.approx(raw["estimate"] / informative)


def test_spans_count_where_they_lie_wholly(table) -> None:
    """DDI's 1-2 and 5-6 are the paper's groups; a slope takes their middles."""
    spans = table.assign(fst=table["fst"].map(lambda fst: "1-2" if fst < 3 else "5-6"))
    numbers = table.assign(fst=np.where(table["fst"] < 3, 1.5, 5.5))
    found = scored(spans)
    for row in (("gap", "fst"), ("slope", "fst")):
        assert np.isfinite(found.loc[row, "estimate"])
    assert found.loc[("gap", "fst"), "estimate"] == pytest.approx(
        scored(table).loc[("gap", "fst"), "estimate"]
    )
    middles = score_definitions(spans, LIGHT_AND_DARK).set_index(["kind", "definition"])
    slope = smf.ols("np.log(mse) ~ fst + C(run)", numbers).fit().params["fst"]
    assert middles.loc[("slope", "fst"), "estimate"] == pytest.approx(slope, rel=0.2)
