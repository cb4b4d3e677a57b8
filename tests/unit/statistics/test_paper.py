"""Eleven sentences of the paper, each with its contrasts, numbers and verdict."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tonegap.calibration.simulation import Scenario, draw_study
from tonegap.groups import Groups
from tonegap.statistics.claims import assess_claims
from tonegap.statistics.paper import Part, paper_sentences, verdict_of

STRONG = Scenario(
    n_seeds=8,
    n_test=150,
    pool_light=900,
    pool_dark=800,
    image_sd=0.4,
    log_gap=0.25,
    log_slope=-0.4,
)
NUMBERS = ("estimate", "low", "high", "p")


def joined(scenario: Scenario = STRONG, seed: int = 0) -> pd.DataFrame:
    """Draw the paper's study and the one at equal distinct images."""
    rng = np.random.default_rng(seed)
    parts = []
    for number, distinct in enumerate(("paper", "equal")):
        table = draw_study(scenario, rng).assign(distinct=distinct)
        parts.append(table.assign(run=table["run"] + 1000 * number))
    table = pd.concat(parts, ignore_index=True)
    return table.assign(label_fine=[f"c{k % 6}" for k in table["cluster"] // 2])


def annotated(coarse: float, fine: float) -> pd.DataFrame:
    """Make annotated rows whose plain V is ``coarse`` and ``fine``: two conditions each."""
    rows = []
    for group, sign in (("light", 1), ("dark", -1)):
        for k in range(1000):
            of = {
                name: "first" if k < 500 * (1 + sign * v) else "second"
                for name, v in (("coarse", coarse), ("middle", coarse), ("fine", fine))
            }
            rows.append({"group": group, **{f"label_{name}": label for name, label in of.items()}})
    return pd.DataFrame(rows)


def sentences(table: pd.DataFrame, rows: pd.DataFrame | None = None) -> dict[int, dict[str, Any]]:
    """Give the rows by their number."""
    found = paper_sentences(assess_claims(table, "x"), table, rows)
    json.dumps(found, allow_nan=False)
    return {row["number"]: row for row in found}


def test_the_papers_own_effects_are_found_sentence_by_sentence() -> None:
    """Planted gap, own share effect and equal sigma: every row but sensitivity is decided."""
    rows = sentences(joined(), annotated(0.1, 0.42))
    assert list(rows) == list(range(1, 12))
    verdicts = {number: row["verdict"] for number, row in rows.items()}
    supported = {1, 2, 3, 4, 5, 6, 9, 10}
    assert {number for number in supported if verdicts[number] != "supported"} == set()
    assert verdicts[7] == verdicts[8] == "undecided"
    # With a gap and an own share effect, training on dark images alone is the most even.
    assert rows[11]["shown"] in {"", "unevenness_less_100"}
    assert verdicts[11] != "supported"


def test_rows_wait_for_runs_at_equal_distinct_images() -> None:
    """Slopes and sensitivity wait, and say for what; the own share effect is shown all the same."""
    table = joined()
    rows = sentences(table[table["distinct"] == "paper"])
    waiting = {number for number, row in rows.items() if row["waiting"]}
    assert waiting == {2, 3, 7}
    for number in waiting:
        assert rows[number]["verdict"] == "not assessable"
        assert (
            "waits for runs at equal distinct images (studies/paper_equal.yaml)"
            in (rows[number]["reason"])
        )
        assert all(rows[number][name] is None for name in NUMBERS)
    own = rows[2]["parts"][1]
    assert (own["contrast"], own["verdict"]) == ("own_share_effect", "supported")
    assert rows[4]["parts"][1]["reason"].startswith("waits")
    assert rows[4]["verdict"] == "supported"


def test_every_arm_is_read_against_the_papers_bound() -> None:
    """Row 1 holds each arm's mean, as pandas has it; one arm above .07 contradicts."""
    table = joined()
    paper = table[table["distinct"] == "paper"]
    row = sentences(paper)[1]
    means = paper.groupby(["share", "group"])["mse"].mean()
    found = {part["contrast"]: part["estimate"] for part in row["parts"]}
    assert found == {
        f"mse_{100 * share:g}_{group}": pytest.approx(mean, rel=1e-5)
        for (share, group), mean in means.items()
    }
    one = (paper["share"] == 0.0) & (paper["group"] == "dark")
    high = sentences(paper.assign(mse=paper["mse"] * np.where(one, 3.0, 1.0)))[1]
    assert (high["verdict"], high["shown"]) == ("contradicted", "mse_0_dark")


def test_a_row_shows_the_part_that_decides() -> None:
    """Its numbers are those of the largest p value; parts that stand beside decide nothing."""
    rows = sentences(joined())
    for number in (2, 3):
        parts = [part for part in rows[number]["parts"] if part["decides"]]
        weakest = max(parts, key=lambda part: part["p"])
        assert rows[number]["shown"] == weakest["contrast"]
        assert [rows[number][name] for name in NUMBERS] == [weakest[name] for name in NUMBERS]
        assert rows[number]["contrast"] == ", ".join(part["contrast"] for part in parts)
    assert [part["decides"] for part in rows[5]["parts"]] == [True, False]


@pytest.mark.parametrize(
    ("coarse", "fine", "then"),
    [
        (0.1, 0.42, "supported"),
        (0.1, 0.1, "contradicted"),
        (0.45, 0.5, "contradicted"),
        (0.1, 0.31, "undecided"),
    ],
)
def test_prevalences_differ_little_or_much_against_a_medium_effect(coarse, fine, then) -> None:
    """Cohen's V = .3 for two groups: coarse labels below it, fine ones above."""
    table = joined()
    row = sentences(table[table["distinct"] == "paper"], annotated(coarse, fine))[10]
    assert row["verdict"] == then
    by_name = {part["contrast"]: part for part in row["parts"]}
    assert by_name["cramers_v_fine"]["estimate"] == pytest.approx(fine, abs=0.002)
    assert by_name["total_variation_fine"]["estimate"] == pytest.approx(fine, abs=0.002)
    assert by_name["cramers_v_middle"]["verdict"] == "described"


def test_what_is_missing_is_said_row_by_row() -> None:
    """No annotated rows, no labels, no sigma: those rows say why, the others stand."""
    table = joined().drop(columns=["label_fine", "sigma"])
    rows = sentences(table)
    missing = {number for number, row in rows.items() if row["verdict"] == "not assessable"}
    assert missing == {8, 9, 10, 11}
    assert "annotated images" in rows[10]["reason"]
    assert "label_fine" in rows[11]["reason"]
    assert "without a posterior" in rows[8]["reason"]


def test_sentences_speak_of_the_groups_of_the_study() -> None:
    """No word of the paper's groups where others are compared."""
    table = joined()
    table["group"] = table["group"].replace({"light": "young", "dark": "old"})
    claims = assess_claims(table, "x", Groups("young", "old", {}))
    text = json.dumps(paper_sentences(claims, table, None))
    assert "old images are reconstructed worse" in text
    assert "dark" not in text
    assert "light" not in text


def test_the_verdict_of_a_row_is_that_of_a_conjunction() -> None:
    """Largest p supports; any part contradicts after Holm; a missing part is not assessable."""
    part = Part("a", "A", "log_mse", {}, p_supports=0.04, p_contradicts=1.0)
    against = replace(part, p_supports=1.0, p_contradicts=0.02)
    missing = replace(part, p_supports=math.nan, p_contradicts=math.nan)
    assert verdict_of([part, part], 0.05) == "supported"
    assert verdict_of([part, replace(part, p_supports=0.06)], 0.05) == "undecided"
    assert verdict_of([part, against], 0.05) == "contradicted"
    assert verdict_of([part, part, against], 0.05) == "undecided"
    assert verdict_of([part, missing], 0.05) == "not assessable"
    assert verdict_of([against, missing], 0.05) == "contradicted"
