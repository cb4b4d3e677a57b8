"""One finished model: the errors are those of image clusters, and nothing is said of training."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from confounded_study import draw_confounded
from scipy import stats

from tonegap.errors import DataError
from tonegap.groups import LIGHT_AND_DARK
from tonegap.measures import MEASURES, SCORES
from tonegap.statistics.contrasts import LOG_ERROR
from tonegap.statistics.decomposition import decompose, on_common_support
from tonegap.statistics.design import design_of
from tonegap.statistics.finished import ELSEWHERE, audit_claims, finished_rows
from tonegap.statistics.heterogeneity import condition_gaps, heterogeneity
from tonegap.statistics.influence import gap_without
from tonegap.statistics.label_definitions import score_definitions
from tonegap.statistics.variance import contrast_influence, two_way_variance
from tonegap.statistics.within_runs import OVERALL, rows_of


def one_model(seed: int, copies: int = 0, **planted: float) -> pd.DataFrame:
    """Draw the per-image table of one model; some images are copies of others."""
    rng = np.random.default_rng(seed)
    table = draw_confounded(rng, n_seeds=1, **planted)
    table = table[table["mix"] == "mixed"].reset_index(drop=True)
    table = table.drop(columns=["run", "mix", "share", "seed"])
    for group in ("light", "dark"):
        rows = table.index[table["group"] == group]
        for copy, original in zip(rows[:copies], rows[copies : 2 * copies], strict=True):
            table.loc[copy, ["cluster", "mse"]] = table.loc[original, ["cluster", "mse"]].tolist()
    return table.assign(nmse=table["mse"] * 5, sigma=rng.uniform(size=len(table)))


def clustered(formula: str, table: pd.DataFrame, rows: pd.DataFrame):
    """Fit by statsmodels, with its cluster-robust error brought to our small-sample factor."""
    unit = pd.factorize(rows["cluster"])[0]
    fit = smf.ols(formula, table).fit(
        cov_type="cluster", cov_kwds={"groups": unit, "use_correction": False}
    )
    n = len(np.unique(unit))
    return fit.params["dark"], fit.bse["dark"] * np.sqrt(n / (n - 1)), n


def gap_of(document, metric=LOG_ERROR):
    rows = document["contrasts"] + document["descriptions"]
    return next(row for row in rows if (row["contrast"], row["metric"]) == ("gap", metric))


def test_the_gap_is_that_of_a_regression_with_clustered_errors() -> None:
    """Value, error, interval and p are statsmodels' with t of the clusters less one."""
    table = one_model(1, copies=8, tone=0.3)
    rows = finished_rows(table, "a")
    found = gap_of(audit_claims(rows, "a", LIGHT_AND_DARK))
    data = table.assign(y=np.log(table["mse"]), dark=(table["group"] == "dark").astype(float))
    value, se, n = clustered("y ~ dark", data, table)
    reach = stats.t.ppf(0.975, n - 1) * se
    assert found["estimate"] == pytest.approx(value, rel=1e-5)
    assert found["se"] == pytest.approx(se, rel=1e-5)
    assert found["df"] == pytest.approx(n - 1)
    assert [found["low"], found["high"]] == pytest.approx([value - reach, value + reach], rel=1e-4)
    assert found["p"] == pytest.approx(2 * stats.t.sf(abs(value / se), n - 1), rel=1e-4)
    assert found["percent"] == pytest.approx(100 * np.expm1(value), rel=1e-4)
    assert found["n_seeds"] == 0


def test_copies_widen_the_interval() -> None:
    """Images of one cluster are one observation, not two."""
    table = one_model(2, copies=15)
    alone = table.assign(cluster=table["md5hash"])
    widths = [
        gap["high"] - gap["low"]
        for gap in (
            gap_of(audit_claims(finished_rows(rows, "a"), "a", LIGHT_AND_DARK))
            for rows in (table, alone)
        )
    ]
    assert widths[0] > 1.1 * widths[1]


def test_every_step_of_the_decomposition_is_a_regression_with_clustered_errors() -> None:
    """Conditions, sources, sizes and difficulty are held equal as statsmodels does."""
    table = one_model(3, tone=0.2, condition=0.5, hard=0.3)
    rows = finished_rows(table, "a")
    found = decompose(rows, LIGHT_AND_DARK, finished=True)
    found = found[found["mix"] == OVERALL].drop_duplicates("step").set_index("step")
    data = table.assign(y=np.log(table["mse"]), dark=(table["group"] == "dark").astype(float))
    kept = on_common_support(rows_of(rows, LIGHT_AND_DARK, finished=True), LIGHT_AND_DARK)
    sizes = " + np.log(side) + np.log(bytes_per_pixel)"
    terms = {
        "raw": "",
        "condition": " + C(label_fine)",
        "source": " + C(label_fine) + C(source)",
        "complexity": f" + C(label_fine) + C(source){sizes}",
        "jpeg": f" + C(label_fine) + C(source){sizes} + np.log(mse_jpeg)",
    }
    for step, term in terms.items():
        used = data if step == "raw" else data[kept]
        value, se, _ = clustered(f"y ~ dark{term}", used, used)
        assert found.loc[step, "estimate"] == pytest.approx(value), step
        assert found.loc[step, "se"] == pytest.approx(se, rel=1e-6), step
        assert found.loc[step, "reason"] == ""


def test_a_true_null_is_rejected_as_often_as_promised() -> None:
    """At 5 %, over 400 models whose images alone were sampled."""
    rng, dark = np.random.default_rng(0), np.arange(60) % 3 == 0
    names = [f"{n}" for n in range(60)]
    clusters = [f"{n // 6}-{n % 3 == 0}" for n in range(60)]  # of two and of four images
    rows = pd.DataFrame({"md5hash": names, "cluster": clusters})
    rows["group"] = np.where(dark, "dark", "light")
    design = design_of(finished_rows(rows, "a"), finished=True)
    weights = np.array([1.0 if arm.group == "dark" else -1.0 for arm in design.arms])
    rejected = 0
    for _ in range(400):
        values = rng.standard_normal(60) + rng.standard_normal(20)[design.unit]
        variance = two_way_variance(design, contrast_influence(design, values, weights), weights)
        t = (values[dark].mean() - values[~dark].mean()) / np.sqrt(variance.total)
        rejected += 2 * stats.t.sf(abs(t), variance.df) <= 0.05
    assert 0.03 <= rejected / 400 <= 0.09


def test_other_tables_work_with_one_model() -> None:
    """Conditions, heterogeneity, influence and definitions have estimates and no seeds."""
    rows = finished_rows(one_model(4, tone=0.3), "a")
    conditions = condition_gaps(rows, LIGHT_AND_DARK, finished=True)
    assert (conditions["reason"] == "").any()
    assert heterogeneity(conditions)["tau"].notna().all()
    influence = gap_without(rows, LIGHT_AND_DARK, finished=True)
    assert (influence["reason"] == "").all()
    labels = score_definitions(rows, LIGHT_AND_DARK, finished=True).set_index("definition")
    assert labels.loc["study", "estimate"] == pytest.approx(influence["estimate"].iloc[0])
    for table in (conditions, influence, labels):
        assert (table["n_seeds"] == 0).all()


def test_a_study_of_one_seed_is_still_not_assessable() -> None:
    """Only a table that is declared to be of a finished model goes without seeds."""
    rows = finished_rows(one_model(5), "a")
    found = decompose(rows, LIGHT_AND_DARK)
    assert found["reason"].str.contains("needs 3 seeds, has 1").any()
    assert found["estimate"].isna().all()


def test_two_models_are_no_finished_model() -> None:
    """Their scatter would be taken for that of images."""
    rows = finished_rows(one_model(6), "a")
    rows.loc[:10, "run"] = "b"
    with pytest.raises(DataError, match="it holds 2 runs"):
        design_of(rows, finished=True)


def test_what_needs_training_mixes_is_not_testable() -> None:
    """C1 says why; C2 and C3 have verdicts, corrected for the two of them."""
    document = audit_claims(finished_rows(one_model(7, tone=0.5), "a"), "a", LIGHT_AND_DARK)
    claims = {row["claim"]: row for row in document["claims"]}
    assert claims["C1"]["verdict"] == "not assessable"
    assert claims["C1"]["reason"] == ELSEWHERE
    assert claims["C2"]["verdict"] == "supported"
    assert claims["C2"]["p_holm"] == pytest.approx(2 * claims["C2"]["p"])
    for row in document["contrasts"]:
        if row["estimate"] is not None:
            assert "one model" in row["sentence"]
            assert "mix" not in row["sentence"]


def test_a_model_without_a_posterior_has_no_verdict_on_sigma() -> None:
    """And the gap's p is then not corrected for a second claim."""
    table = one_model(8, tone=0.5).assign(sigma=np.nan)
    document = audit_claims(finished_rows(table, "a"), "a", LIGHT_AND_DARK)
    claims = {row["claim"]: row for row in document["claims"]}
    assert claims["C3"]["verdict"] == "not assessable"
    assert "a model without a posterior has no sigma" in claims["C3"]["reason"]
    assert claims["C2"]["p_holm"] == pytest.approx(claims["C2"]["p"])


def test_sigma_can_be_shown_to_warn_or_to_mislead() -> None:
    """No number of seeds is asked for: the model is what it is."""
    table = one_model(9, tone=0.8)
    dark = (table["group"] == "dark").to_numpy()
    for sign, verdict in ((1.0, "flags"), (-1.0, "anti-flag")):
        sigma = table["sigma"] + sign * dark + 1.0
        rows = finished_rows(table.assign(sigma=sigma), "a")
        found = audit_claims(rows, "a", LIGHT_AND_DARK)["contrasts"]
        flag = next(row for row in found if row["contrast"] == "sigma_flag")
        assert flag["verdict"] == verdict


def test_every_measure_and_score_of_the_tables_has_its_gap() -> None:
    """A new row of the tables of measures and scores appears without a change here."""
    table = one_model(10)
    rng = np.random.default_rng(0)
    measures = [row.name for row in MEASURES if row.per_image]
    scores = [row.name for row in SCORES]
    columns = [*measures, *scores, "u_of_the_user", "ita_seen"]
    table = table.assign(**{name: rng.uniform(0.1, 1.0, len(table)) for name in columns})
    document = audit_claims(finished_rows(table, "a"), "a", LIGHT_AND_DARK)
    rows = document["contrasts"] + document["descriptions"]
    gaps = {row["metric"] for row in rows if row["contrast"] == "gap"}
    assert gaps >= {LOG_ERROR, *measures}
    shown = {row["contrast"] for row in rows}
    for score in (*scores, "u_of_the_user"):
        assert {f"{score}_gap", f"{score}_auc", f"{score}_error_rank_dark"} <= shown
    without = {row["contrast"] for row in rows if row["estimate"] is None}
    assert without <= {"own_share_effect", "sigma_flag"}


def test_shifts_of_tone_have_their_means_and_their_slope() -> None:
    """A shift has no worse side: it is described by group, and by the slope of a line."""
    table, rng = one_model(11), np.random.default_rng(0)
    seen = rng.normal(30.0, 25.0, len(table))
    shift = -0.3 * (seen - 40.0) + rng.normal(0.0, 2.0, len(table))
    table = table.assign(ita_seen=seen, ita_shift_skin=shift)
    document = audit_claims(finished_rows(table, "a"), "a", LIGHT_AND_DARK)
    rows = {(row["contrast"], row["metric"]): row for row in document["descriptions"]}
    dark = table["group"] == "dark"
    mean = rows["mean_dark", "ita_shift_skin"]
    assert mean["estimate"] == pytest.approx(shift[dark].mean(), rel=1e-5)
    slope = rows["tone_slope", "tone_slope"]
    assert slope["estimate"] == pytest.approx(np.polyfit(seen, shift, 1)[0], rel=1e-4)
    assert slope["high"] < 0.0
