"""The decomposition finds what is planted: tone, condition and source, difficulty."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from confounded_study import draw_confounded

from tonegap.groups import LIGHT_AND_DARK
from tonegap.statistics.decomposition import (
    RELIABILITIES,
    STEPS,
    decompose,
    decomposition_sentence,
    gap_given_difficulty,
    on_common_support,
)
from tonegap.statistics.within_runs import OVERALL, no_covariates, rows_of

N_STUDIES = 60


def overall(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the mean over mixes by step, the band's first line only."""
    found = decompose(table, LIGHT_AND_DARK)
    return found[found["mix"] == OVERALL].drop_duplicates("step").set_index("step")


def studies(**planted) -> list[pd.DataFrame]:
    return [
        overall(draw_confounded(np.random.default_rng(seed), **planted))
        for seed in range(N_STUDIES)
    ]


def test_every_step_is_the_regression_of_statsmodels() -> None:
    """Per mix, with the covariates of the step and a constant for each run."""
    table = draw_confounded(np.random.default_rng(1), tone=0.2, condition=0.5, hard=0.3)
    found = decompose(table, LIGHT_AND_DARK).drop_duplicates(["mix", "step"])
    found = found.set_index(["mix", "step"])["estimate"]
    images = table.assign(y=np.log(table["mse"]), dark=(table["group"] == "dark").astype(float))
    terms = {
        "raw": "",
        "condition": " + C(label_fine)",
        "source": " + C(label_fine) + C(source)",
        "complexity": " + C(label_fine) + C(source) + np.log(side) + np.log(bytes_per_pixel)",
        "jpeg": " + C(label_fine) + C(source) + np.log(side) + np.log(bytes_per_pixel)"
        " + np.log(mse_jpeg)",
    }
    kept = on_common_support(rows_of(table, LIGHT_AND_DARK), LIGHT_AND_DARK)
    for step, term in terms.items():
        used = images if step == "raw" else images[kept]
        for mix in ("light", "mixed", "dark"):
            fit = smf.ols(f"y ~ dark + C(run){term}", used[used["mix"] == mix]).fit()
            assert found[mix, step] == pytest.approx(fit.params["dark"]), (mix, step)


def test_difficulty_at_full_reliability_has_the_influence_of_the_whole_regression() -> None:
    """Its clustered error is statsmodels'."""
    table = draw_confounded(np.random.default_rng(1), hard=0.3, noise_of_proxy=0.2)
    rows = rows_of(table, LIGHT_AND_DARK)
    dark, hard = rows.is_group("dark").astype(float), np.log(table["mse_jpeg"].to_numpy())
    columns = np.column_stack([dark, rows.log_mse, hard])
    slope = gap_given_difficulty(columns, no_covariates(len(table)), rows.design.run, 1.0)
    frame = rows.table.assign(y=rows.log_mse, dark=dark, hard=hard)
    fit = smf.ols("y ~ dark + hard + C(run)", frame).fit(
        cov_type="cluster", cov_kwds={"groups": rows.design.unit, "use_correction": False}
    )
    by_unit = np.bincount(rows.design.unit, slope.influence)
    assert slope.value == pytest.approx(fit.params["dark"])
    assert np.sqrt(by_unit @ by_unit) == pytest.approx(fit.bse["dark"])


def test_influence_of_the_band_is_the_derivative_by_brute_force() -> None:
    """Each image's weight nudged in turn moves ``gap - (b / r) shift`` by its influence."""
    rng = np.random.default_rng(4)
    n, r = 40, 0.7
    dark = (np.arange(n) % 2).astype(float)
    hard = rng.normal(size=n) + 0.5 * dark
    y = 0.3 * dark + hard + rng.normal(size=n)
    slope = gap_given_difficulty(
        np.column_stack([dark, y, hard]), no_covariates(n), np.zeros(n, int), r
    )

    def corrected(weight: np.ndarray) -> float:
        root = np.sqrt(weight)[:, None]
        one = np.column_stack([np.ones(n), dark])
        gap, shift = (
            np.linalg.lstsq(root * one, root[:, 0] * values, rcond=None)[0][1]
            for values in (y, hard)
        )
        b = np.linalg.lstsq(root * np.column_stack([one, hard]), root[:, 0] * y, rcond=None)[0][2]
        return float(gap - b / r * shift)

    step = 1e-6
    moved = [(corrected(np.ones(n) + step * np.eye(n)[i]) - slope.value) / step for i in range(n)]
    np.testing.assert_allclose(slope.influence, moved, atol=1e-5)


def test_condition_and_source_alone_leave_nothing_and_are_covered() -> None:
    """The raw test rejects often, the adjusted one in about 5 %; 95 % intervals hold 0."""
    found = studies(condition=0.8)
    p = pd.DataFrame([frame["p"] for frame in found])
    assert (p["raw"] <= 0.05).mean() > 0.5
    assert (p["source"] <= 0.05).mean() <= 0.15


def test_a_planted_gap_of_tone_is_found_and_covered() -> None:
    """Bias below a standard error of the mean times 3; coverage 95 % within chance."""
    left = [frame.loc["source"] for frame in studies(tone=0.3, condition=0.8)]
    values = np.array([row["estimate"] for row in left])
    assert values.mean() == pytest.approx(0.3, abs=3 * values.std() / np.sqrt(N_STUDIES))
    covered = [row["low"] <= 0.3 <= row["high"] for row in left]
    assert np.mean(covered) >= 0.87


def test_pure_difficulty_goes_with_its_proxy_at_the_proxys_reliability() -> None:
    """A noisy codec leaves a part at r = 1 and none at its true reliability, .74 here (.7)."""
    band = []
    for seed in range(30):
        table = draw_confounded(np.random.default_rng(seed), hard=0.5, noise_of_proxy=0.3)
        found = decompose(table, LIGHT_AND_DARK)
        rows = found[(found["mix"] == OVERALL) & (found["step"] == "jpeg")]
        band.append(rows.set_index("reliability")["estimate"])
    means = pd.DataFrame(band).mean()
    assert list(means.index) == list(RELIABILITIES)
    assert means[1.0] == pytest.approx(0.5 * (1 - 0.25 / 0.34), abs=0.03)
    assert means[0.7] == pytest.approx(0.5 * (1 - 0.25 / 0.34 / 0.7), abs=0.03)


def test_images_without_a_counterpart_leave_until_nothing_changes() -> None:
    """A condition of one group leaves; then a source that only it shared leaves as well."""
    table = draw_confounded(np.random.default_rng(0))
    light = (table["group"] == "light").to_numpy()
    image = table["md5hash"].to_numpy()
    first, second = image[light][0], image[light][1]
    bridge = image[~light][0]
    table.loc[table["md5hash"] == first, "source"] = "rare.org"
    table.loc[table["md5hash"] == bridge, ["source", "label_fine"]] = ["rare.org", "only dark"]
    table.loc[table["md5hash"] == second, "label_fine"] = "only light"
    rows = rows_of(table, LIGHT_AND_DARK)
    kept = on_common_support(rows, LIGHT_AND_DARK)
    assert set(rows.table["md5hash"][~kept]) == {first, second, bridge}
    assert overall(table).loc["support", "n_left_out"] == 3


def test_every_step_has_a_row_and_says_why_it_has_no_number() -> None:
    """Without sizes and codec: those steps give a reason, the others numbers."""
    table = draw_confounded(np.random.default_rng(0)).drop(columns=["side", "mse_jpeg"])
    found = overall(table)
    assert list(found.index) == list(STEPS)
    assert found.loc["complexity", "reason"].startswith("the table lacks positive side")
    assert np.isnan(found.loc["jpeg", "estimate"])
    assert found.loc["source", "reason"] == ""
    assert np.isfinite(found.loc["pca", "estimate"])


def test_difficulty_is_the_mean_over_mixes_so_that_no_mix_is_favoured() -> None:
    """A PCA that is a factor easier under one mix changes nothing."""
    table = draw_confounded(np.random.default_rng(2), hard=0.3, noise_of_proxy=0.2)
    moved = table.assign(mse_pca=table["mse_pca"] * np.where(table["mix"] == "dark", 0.5, 1.0))
    left, plain = overall(moved).loc["pca"], overall(table).loc["pca"]
    assert left["estimate"] == pytest.approx(plain["estimate"])


def test_the_sentence_says_what_goes_and_what_remains() -> None:
    """Points are the difference of the two percentages."""
    frame = pd.DataFrame(
        {
            "mix": OVERALL,
            "step": ["raw", "source"],
            "percent": [36.2, 28.4],
            "percent_low": [30.0, 20.1],
            "percent_high": [42.0, 36.9],
        }
    )
    assert decomposition_sentence(frame) == (
        "Of 36 %, 8 points go with conditions and sources, 28 (20 to 37) remain."
    )
    grown = frame.assign(percent=[10.0, 20.0])
    assert decomposition_sentence(grown) == (
        "The gap is 10 %; at equal conditions and sources it is 20 % (20 to 37)."
    )
    assert decomposition_sentence(frame.assign(percent=[36.0, np.nan])) == ""
