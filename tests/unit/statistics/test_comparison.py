"""Paired comparison: what a candidate changes, judged from the side of the group served worse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from confounded_study import draw_confounded

from tonegap.errors import StudyError
from tonegap.groups import LIGHT_AND_DARK
from tonegap.statistics.comparison import compare
from tonegap.statistics.within_runs import OVERALL

N_PAIRS = 200


@pytest.fixture
def baseline():
    return draw_confounded(np.random.default_rng(9), tone=0.4)


def retrained(table: pd.DataFrame, rng: np.random.Generator, **planted: float) -> pd.DataFrame:
    """Train again with other seeds: new run, run x group and cell factors; planted log changes."""
    run, _ = pd.factorize(table["run"])
    dark = (table["group"] == "dark").to_numpy()
    half = 2 * run + dark
    change = 0.15 * rng.standard_normal(run.max() + 1)[run]
    change += 0.03 * rng.standard_normal(half.max() + 1)[half]
    change += 0.2 * rng.standard_normal(len(table))
    change += np.where(dark, planted.get("dark", 0.0), planted.get("light", 0.0))
    return table.assign(mse=table["mse"] * np.exp(change))


def overall(found) -> pd.DataFrame:
    table = found.table
    return table[table["mix"] == OVERALL].set_index("quantity")


def test_changes_are_means_of_log_ratios(baseline) -> None:
    """By group, candidate over baseline; their difference is the change of the gap."""
    candidate = retrained(baseline, np.random.default_rng(1), dark=-0.2)
    found = overall(compare(baseline, candidate, LIGHT_AND_DARK))["estimate"]
    d = np.log(candidate["mse"]) - np.log(baseline["mse"])
    expected = d.groupby(baseline["group"]).mean()
    assert found["d_reference"] == pytest.approx(expected["light"])
    assert found["d_compared"] == pytest.approx(expected["dark"])
    assert found["d_gap"] == pytest.approx(expected["dark"] - expected["light"])
    assert found["d_gap"] == pytest.approx(found["gap_candidate"] - found["gap_baseline"])


def test_the_order_of_rows_and_names_of_runs_do_not_matter(baseline) -> None:
    """Rows are paired by mix, seed and image."""
    candidate = retrained(baseline, np.random.default_rng(1), dark=-0.2)
    shuffled = candidate.sample(frac=1.0, random_state=0).assign(run="other-" + candidate["run"])
    one, other = (compare(baseline, c, LIGHT_AND_DARK) for c in (candidate, shuffled))
    pd.testing.assert_frame_equal(one.table, other.table)


@pytest.mark.parametrize(
    ("planted", "verdict"),
    [
        ({"dark": -0.3}, "mitigates"),
        ({"light": 0.3, "dark": 0.1}, "levels down"),
        ({"dark": 0.3}, "worse"),
        ({"dark": -1.5}, "worse"),  # the sign turns and light images are now worse off
        ({"light": 0.2, "dark": 0.2}, "no difference shown"),
    ],
)
def test_verdicts_are_those_of_what_is_planted(baseline, planted, verdict) -> None:
    """The gap at baseline is .4 in log error, dark served worse."""
    candidate = retrained(baseline, np.random.default_rng(2), **planted)
    found = compare(baseline, candidate, LIGHT_AND_DARK)
    assert found.verdict == verdict
    assert found.sentence.startswith(verdict.capitalize())


def test_where_light_is_served_worse_its_error_decides() -> None:
    """The mirror image of a mitigation is one."""
    baseline = draw_confounded(np.random.default_rng(9), tone=-0.4)
    candidate = retrained(baseline, np.random.default_rng(2), light=-0.3)
    assert compare(baseline, candidate, LIGHT_AND_DARK).verdict == "mitigates"


@pytest.mark.slow
def test_the_same_method_with_other_seeds_is_told_apart_in_about_five_per_cent() -> None:
    """Over 200 pairs of studies: within three standard errors of 5 %, for gap and error."""
    rejected = []
    for seed in range(N_PAIRS):
        rng = np.random.default_rng(seed)
        baseline = draw_confounded(rng, tone=0.3, n_test=30, n_pool=120)
        found = overall(compare(baseline, retrained(baseline, rng), LIGHT_AND_DARK))
        rejected.append((found.loc[["d_gap", "d_compared"], "p"] <= 0.05).tolist())
    rates = np.mean(rejected, axis=0)
    assert (np.abs(rates - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / N_PAIRS)).all(), rates


def test_one_mix_each_is_a_pair_whatever_its_name(baseline) -> None:
    """Two draws of one study: light-only against mixed training."""
    first, second = (baseline[baseline["mix"] == mix] for mix in ("light", "mixed"))
    found = overall(compare(first, second, LIGHT_AND_DARK))
    assert found.loc["d_gap", "n_seeds"] == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[t["seed"] != 2], "the candidate has no runs of seed 2"),
        (lambda t: t[t["mix"] != "dark"], "the candidate has no runs of mix dark"),
        (lambda t: t.drop(index=t.index[7]), "1 rows are in one table only, such as image"),
        (
            lambda t: pd.concat([t, t.assign(run="again-" + t["run"])]),
            "the candidate has 2 runs of mix dark and seed 0",
        ),
    ],
)
def test_what_has_no_partner_is_refused(baseline, change, message) -> None:
    """The error says which seed, mix or image, and what to do."""
    with pytest.raises(StudyError, match=message):
        compare(baseline, change(baseline), LIGHT_AND_DARK)


def test_two_seeds_are_too_few(baseline) -> None:
    """No error could be seen."""
    two = baseline[baseline["seed"] < 2]
    with pytest.raises(StudyError, match="needs 3 seeds, has 2"):
        compare(two, two, LIGHT_AND_DARK)
