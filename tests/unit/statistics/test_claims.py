"""Verdicts follow from corrected p values, and what cannot be assessed says why."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats
from statsmodels.stats.multitest import multipletests

from tonegap.calibration.simulation import Scenario, draw_study
from tonegap.groups import Groups
from tonegap.statistics.claims import Claims, assess_claims, no_claims
from tonegap.statistics.contrasts import AUC_MARGIN
from tonegap.statistics.declared import declared_contrasts
from tonegap.statistics.inference import Estimate
from tonegap.statistics.verdicts import Finding, with_verdicts

SMALL = Scenario(n_seeds=4, n_test=40, pool_light=150, pool_dark=120)
OVERALL, OWN_SHARE = ("gap_overall", "log_mse"), ("own_share_effect", "log_mse")
STRONG = Scenario(
    n_seeds=6, n_test=300, pool_light=3000, pool_dark=2000, log_gap=0.4, log_slope=-0.3
)


def study(scenario: Scenario = SMALL) -> pd.DataFrame:
    """Draw a simulated study."""
    return draw_study(scenario, np.random.default_rng(5))


def row(claims: Claims, name: str, metric: str = "mse") -> pd.Series:
    """One row of the table of contrasts."""
    table = claims.table()
    return table[(table["contrast"] == name) & (table["metric"] == metric)].iloc[0]


def found(
    value: float,
    margin: float | None = None,
    se: float = 1.0,
    df: float = 50.0,
    seeds: int = 10,
) -> Estimate:
    """Make an estimate with a given value."""
    return Estimate(value, se, df, margin, 100, 90, 3 * seeds, seeds)


def verdict(expected: str, estimate: Estimate) -> str:
    """Give the verdict on a contrast that stands alone in its family."""
    contrast = next(c for c in declared_contrasts((0.0, 0.5, 1.0)) if c.expected == expected)
    return with_verdicts([Finding(contrast, estimate)], 0.05)[0].verdict


def test_planted_effects_are_found_with_the_right_sign() -> None:
    """A study with a large gap, falling errors and equal sigma supports all three claims."""
    claims = assess_claims(study(STRONG), "planted")
    assert [claims.verdict(c) for c in ("C1", "C2", "C3")] == ["supported"] * 3


def test_the_opposite_effect_contradicts() -> None:
    """Errors that rise with a group's share and a gap against light contradict C1 and C2."""
    opposite = Scenario(
        n_seeds=8,
        n_test=300,
        pool_light=3000,
        pool_dark=2000,
        log_gap=-0.4,
        log_slope=0.3,
        sigma_shift=1.0,
    )
    claims = assess_claims(study(opposite), "opposite")
    assert [claims.verdict(c) for c in ("C1", "C2", "C3")] == ["contradicted"] * 3


def test_estimates_are_plain_arm_means() -> None:
    """The gap in mixed is the difference of pandas' means; counts are those of its rows."""
    table = study()
    mixed = table[table["share"] == 0.5]
    means = mixed.groupby("group")["mse"].mean()
    found = row(assess_claims(table, "x"), "gap_mixed")
    assert found["estimate"] == pytest.approx(means["dark"] - means["light"])
    assert found["n_images"] == mixed["md5hash"].nunique()
    assert found["n_clusters"] == mixed["cluster"].nunique()
    assert (found["n_runs"], found["n_seeds"]) == (4, 4)


def test_p_and_interval_are_those_of_t() -> None:
    """P, interval and the two one-sided tests against scipy's t distribution."""
    two_sided = found(2.0)
    assert two_sided.p == pytest.approx(2 * (1 - stats.t.cdf(2.0, 50)))
    assert two_sided.interval() == pytest.approx(stats.t.interval(0.95, 50, 2.0, 1.0))
    equivalence = found(0.5, margin=2.0)
    lower, upper = stats.t.sf(2.5, 50), stats.t.cdf(-1.5, 50)
    assert equivalence.p == pytest.approx(max(lower, upper))


def test_equivalence_needs_the_90_percent_interval_within_the_margin() -> None:
    """At p = .05 exactly, the interval touches the margin."""
    reach = stats.t.ppf(0.95, 50)
    touching = found(2.0 - reach, margin=2.0)
    assert touching.p == pytest.approx(0.05)
    assert touching.interval(0.90)[1] == pytest.approx(2.0)


def bounded(value: float, se: float, bound: float, margin: float | None = None) -> Estimate:
    """Make an estimate of a bounded measure, from ten seeds."""
    return Estimate(value, se, 9.0, margin, 100, 90, 30, 10, bound)


@pytest.mark.parametrize(("value", "se"), [(0.0, 0.05), (0.2, 0.1), (-0.45, 0.03), (0.47, 0.2)])
def test_the_interval_of_an_auc_is_that_of_its_logit(value, se) -> None:
    """Logit of the AUC with the delta method's standard error, brought back: within [0, 1]."""
    auc = 0.5 + value
    reach = stats.t.ppf(0.975, 9) * se / (auc * (1.0 - auc))
    expected = special.expit(special.logit(auc) + np.array([-reach, reach])) - 0.5
    assert bounded(value, se, 0.5).interval() == pytest.approx(tuple(expected))


def test_the_interval_of_a_correlation_is_fishers() -> None:
    """With Fisher's standard error 1 / sqrt(n - 3) it is scipy's interval of a correlation."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    found = stats.pearsonr(x, x + rng.normal(size=200))
    rho = found.statistic
    ours = Estimate(rho, (1.0 - rho**2) / np.sqrt(197), 1e9, None, 200, 200, 30, 10, 1.0)
    assert ours.interval() == pytest.approx(tuple(found.confidence_interval()), rel=1e-6)


@pytest.mark.parametrize("bound", [0.5, 1.0, math.inf])
@pytest.mark.parametrize("margin", [None, 0.056])
def test_p_and_interval_never_disagree(bound, margin) -> None:
    """P is at most .05 exactly when the interval that belongs to it leaves the null out."""
    rng = np.random.default_rng(1)
    decided = set()
    for _ in range(300):
        value, se = rng.uniform(-0.49, 0.49), 10.0 ** rng.uniform(-3, 0)
        tested = bounded(value, se, bound, margin)
        if margin is None:
            low, high = tested.interval()
            excluded = not low <= 0.0 <= high
        else:
            low, high = tested.interval(0.90)
            excluded = -margin < low and high < margin
            assert (tested.p_beyond <= 0.05) == (low > margin or high < -margin)
        assert -bound <= low <= value <= high <= bound
        assert (tested.p <= 0.05) == excluded
        decided.add(excluded)
    assert decided == {True, False}


def test_an_auc_of_one_in_every_run_says_that_its_interval_has_no_width() -> None:
    """Groups that never overlap leave no scatter; the sentence tells, and no warning comes."""
    table = study()
    table["sigma"] = (table["group"] == "dark") + table["sigma"]
    found = row(assess_claims(table, "x"), "sigma_auc_50", "sigma_auc")
    assert found["estimate"] == pytest.approx(0.5)
    assert found["low"] == pytest.approx(0.5, abs=1e-6)
    assert "so the interval has no width" in found["sentence"]
    assert found["verdict"] == "undecided"
    assert "no width" not in row(assess_claims(study(), "x"), "gap_mixed")["sentence"]


def test_the_two_tests_of_an_equivalence_are_one_sided_t_tests() -> None:
    """`p` and `p_beyond` against scipy's t on the nearer bound of the margin."""
    for value in (0.5, -0.5, 3.0, -3.0):
        tested = found(value, margin=2.0)
        t = (2.0 - abs(value)) / 1.0
        assert tested.p == pytest.approx(stats.t.sf(t, 50))
        assert tested.p_beyond == pytest.approx(stats.t.cdf(t, 50))
    assert math.isnan(found(2.0).p_beyond)


def test_few_seeds_cannot_contradict_an_equivalence() -> None:
    """However far and alike: four seeds give no p below 1/16, as the sign test; ten do."""
    contrast = next(c for c in declared_contrasts((0.0, 1.0)) if c.expected == "equivalent")
    for seeds, then in ((4, "undecided"), (10, "contradicted")):
        estimate = found(0.49, AUC_MARGIN, 0.001, df=float(seeds - 1), seeds=seeds)
        signs = stats.binomtest(seeds, seeds, 0.5, alternative="greater").pvalue
        assert estimate.p_beyond >= signs
        assert estimate.p_beyond == pytest.approx(signs, rel=1e-6)
        assert with_verdicts([Finding(contrast, estimate)], 0.05)[0].verdict == then


def test_the_sentence_says_when_only_the_number_of_seeds_holds_back() -> None:
    """An interval beyond the margin from four seeds is not called undecided without a reason."""
    contrast = next(c for c in declared_contrasts((0.0, 1.0)) if c.expected == "equivalent")
    few = found(0.4, AUC_MARGIN, 0.01, df=3.0, seeds=4)
    assert few.seeds_are_too_few
    text = with_verdicts([Finding(contrast, few)], 0.05)[0].to_mapping()["sentence"]
    assert "4 seeds are too few to show that:" in text
    assert "agree in one of 8 such studies" in text
    for other in (
        found(0.4, AUC_MARGIN, 0.01, seeds=10),
        found(0.06, AUC_MARGIN, 0.01, df=3.0, seeds=4),
        found(0.4, None, 0.01, df=3.0, seeds=4),
    ):
        assert not other.seeds_are_too_few


def test_contradicting_an_equivalence_is_corrected_like_supporting_it() -> None:
    """Beyond the margin at .04 alone contradicts; beside two other tests it does not."""
    alone, *others = [c for c in declared_contrasts((0.0, 0.5, 1.0)) if c.family == "sigma_by_mix"]
    reach = stats.t.isf(0.04, 50)
    beyond = Finding(alone, found(AUC_MARGIN + reach * 0.1, AUC_MARGIN, 0.1))
    assert with_verdicts([beyond], 0.05)[0].verdict == "contradicted"
    unclear = [Finding(other, found(AUC_MARGIN, AUC_MARGIN, 0.1)) for other in others]
    first = with_verdicts([beyond, *unclear], 0.05)[0]
    assert first.verdict == "undecided"
    assert first.p_beyond_holm == pytest.approx(3 * 0.04)


def test_the_sentence_names_the_test_that_its_p_belongs_to() -> None:
    """Within the margin where C3 is supported or open, beyond it where it is contradicted."""
    contrast = next(c for c in declared_contrasts((0.0, 1.0)) if c.expected == "equivalent")
    near, far = found(0.0, AUC_MARGIN, 0.001), found(0.4, AUC_MARGIN, 0.01)
    rows = [with_verdicts([Finding(contrast, e)], 0.05)[0].to_mapping() for e in (near, far)]
    assert "p < 0.001 for lying within the margin" in rows[0]["sentence"]
    assert "p < 0.001 for lying beyond the margin" in rows[1]["sentence"]
    assert rows[1]["p_holm"] == pytest.approx(1.0)
    assert rows[1]["p_beyond_holm"] < 0.001
    assert rows[0]["p_tests"] == "the contrast lies 0.056 or more from 0"


@pytest.mark.parametrize(
    ("expected", "estimate", "verdict_then"),
    [
        ("negative", found(-3.0), "supported"),
        ("negative", found(3.0), "contradicted"),
        ("negative", found(-1.0), "undecided"),
        ("positive", found(3.0), "supported"),
        ("positive", found(-3.0), "contradicted"),
        ("equivalent", found(0.0, AUC_MARGIN, 0.01), "supported"),
        ("equivalent", found(0.0, AUC_MARGIN, 0.10), "undecided"),
        ("equivalent", found(-0.2, AUC_MARGIN, 0.05), "contradicted"),
        ("none", found(9.0), "described"),
    ],
)
def test_verdicts(expected, estimate, verdict_then) -> None:
    """Direction decides between supported and contradicted; a wide interval proves nothing."""
    assert verdict(expected, estimate) == verdict_then


def test_holm_is_applied_within_each_family_only() -> None:
    """Corrected p values equal statsmodels' on the family's own p values."""
    table = assess_claims(study(), "x").contrasts_table()
    for _, family in table[table["p"].notna()].groupby("family"):
        expected = multipletests(family["p"], method="holm")[1]
        np.testing.assert_allclose(family["p_holm"], expected)
    assert (table.groupby("family").size() > 1).any()


@pytest.mark.parametrize(
    ("spoil", "name", "metric", "says"),
    [
        (lambda t: t[t["seed"] < 2], "gap_mixed", "mse", "there are 2"),
        (lambda t: t[t["seed"] == 0], "gap_mixed", "mse", "seeds needs at least 3"),
        (
            lambda t: t[(t["share"] != 0.0) | (t["seed"] == 1)],
            "slope_dark",
            "mse",
            "there are 1 with dark test images under the mix with share 0",
        ),
        (
            lambda t: pd.concat([t, t[t["run"] == 1].assign(run=99)]),
            "gap_mixed",
            "mse",
            "2 runs have the same mix (share 0.5) and the same seed",
        ),
        (lambda t: t.assign(mse=t["mse"] * 1e200), "gap_mixed", "mse", "not finite in 320 of"),
        (lambda t: t.assign(mse=t["mse"] * 1e-200), "gap_mixed", "mse", "the same in every row"),
        (lambda t: t.assign(mse_pca=0.5), "gap_mixed", "mse_given_pca", "positive and not all"),
        (lambda t: t[t["share"] != 0.5], "gap_mixed", "mse", "no dark test images under"),
        (lambda t: t[t["share"] == 0.5], "slope_dark", "mse", "one mix only"),
        (lambda t: t[t["group"] == "dark"], "gap_mixed", "mse", "no light test images"),
        (lambda t: t.assign(mse=1.0), "gap_mixed", "mse", "the same in every row"),
        (lambda t: t.assign(cluster="one"), "gap_mixed", "mse", "clusters needs at least 3"),
        (lambda t: t.assign(sigma=np.nan), "sigma_auc_50", "sigma_auc", "without a posterior"),
        (lambda t: t.drop(columns="mse"), "slope_dark", "mse", "mse is missing"),
        (lambda t: t, "gap_best_equal_distinct", "log_mse", "waits for runs at equal distinct"),
        (
            lambda t: t.assign(distinct="paper"),
            "slope_dark_equal_distinct",
            "log_mse",
            "studies/paper_equal.yaml",
        ),
        (lambda t: t.assign(mse=t["mse"].where(t.index > 0, 0.0)), *OVERALL, "has no logarithm"),
        (lambda t: t[t["share"] != 1.0], *OWN_SHARE, "test images under the mix with share 1"),
        (
            lambda t: t.assign(share=t["share"].replace({1.0: 0.4, 0.5: 0.2})),
            *OVERALL,
            "no mixes that are symmetric about an even one",
        ),
        (
            lambda t: t[(t["run"] != 0) | (t["group"] == "dark")],
            *OVERALL,
            "test images of one group only",
        ),
        (lambda t: t, "gap_mixed", "mse_given_jpeg", "mse_given_jpeg is missing"),
    ],
)
def test_degenerate_studies_are_not_assessable_and_say_why(spoil, name, metric, says) -> None:
    """No estimate, no warning, the reason in table and sentence; JSON without NaN."""
    claims = assess_claims(spoil(study()), "x")
    finding = row(claims, name, metric)
    assert finding["verdict"] == "not assessable"
    assert says in finding["reason"]
    assert finding["reason"] in finding["sentence"]
    assert math.isnan(finding["estimate"])
    json.dumps(claims.to_mapping(), allow_nan=False)


def test_an_arm_with_few_seeds_spares_the_others() -> None:
    """Light-only runs of one seed: the slopes are not assessable, the mixed gap is."""
    table = study()
    lacking = table[(table["share"] != 0.0) | (table["seed"] == 1)]
    claims = assess_claims(lacking, "x")
    assert (
        row(claims, "gap_mixed")["estimate"]
        == row(assess_claims(table, "x"), "gap_mixed")["estimate"]
    )
    assert (claims.verdict("C1"), claims.verdict("C2")) == ("not assessable", "not assessable")


def test_an_infinite_error_spoils_only_what_uses_it() -> None:
    """One infinite error under light-only training: no slope of its group, the mixed gap stands."""
    table = study()
    first = table.index[(table["share"] == 0.0) & (table["group"] == "dark")][0]
    table.loc[first, "mse"] = np.inf
    claims = assess_claims(table, "x")
    assert "mse is missing or not finite in 1 of" in row(claims, "slope_dark")["reason"]
    assert row(claims, "slope_light")["verdict"] != "not assessable"
    assert row(claims, "gap_mixed")["verdict"] != "not assessable"
    json.dumps(claims.to_mapping(), allow_nan=False)


def test_five_mixes_have_slopes_over_all_and_a_test_of_sigma_each() -> None:
    """A sweep: the slope is polyfit's over five arm means; C3 has five lines."""
    shares = (0.0, 0.25, 0.5, 0.75, 1.0)
    scenario = Scenario(shares=shares, n_seeds=4, n_test=40, pool_light=150, pool_dark=120)
    table = study(scenario)
    claims = assess_claims(table, "sweep")
    means = table[table["group"] == "dark"].groupby("share")["mse"].mean()
    slope = np.polyfit(means.index, means.to_numpy(), 1)[0]
    assert row(claims, "slope_dark")["estimate"] == pytest.approx(slope)
    tests = claims.contrasts_table()["contrast"].str.match(r"sigma_auc_\d")
    assert tests.sum() == 5


def test_one_image_per_group_is_not_assessable() -> None:
    """A single image in each group has no scatter between images: no verdict, no warning."""
    table = study()
    first = table.groupby("group")["md5hash"].transform("min")
    claims = assess_claims(table[table["md5hash"] == first], "x")
    assert {claims.verdict(c) for c in ("C1", "C2", "C3")} == {"not assessable"}


def test_constant_arms_do_not_divide_by_zero() -> None:
    """Errors that differ between groups but not within them have p near 0, no warning."""
    table = study()
    table["mse"] = np.where(table["group"] == "dark", 2.0, 1.0)
    found = row(assess_claims(table, "x"), "gap_mixed")
    assert found["estimate"] == 1.0
    assert 0.0 <= found["p"] < 1e-6


def test_sigma_missing_in_one_mix_spares_the_others() -> None:
    """Only what needs the missing rows is not assessable."""
    table = study()
    table.loc[table["share"] == 0.0, "sigma"] = np.nan
    claims = assess_claims(table, "x")
    assert row(claims, "sigma_auc_0", "sigma_auc")["verdict"] == "not assessable"
    assert row(claims, "sigma_auc_50", "sigma_auc")["verdict"] != "not assessable"
    assert claims.verdict("C3") == "not assessable"


def test_joined_studies_serve_each_contrast_with_its_own_rows() -> None:
    """Rows marked `equal` serve only the contrasts that need them; alone, they serve all."""
    paper, equal = study(), draw_study(SMALL, np.random.default_rng(6))
    equal["run"] += 1000
    paper["distinct"], equal["distinct"] = "paper", "equal"
    both = assess_claims(pd.concat([paper, equal], ignore_index=True), "x")
    of_equal, of_paper = assess_claims(equal, "x"), assess_claims(paper, "x")
    for name in ("own_share_effect", "gap_overall", "gap_best", "slope_dark", "sensitivity"):
        twin = f"{name}_equal_distinct"
        found = row(both, twin, "log_mse")
        assert not found["waiting"]
        assert found["estimate"] == row(of_equal, twin, "log_mse")["estimate"]
        assert found["estimate"] == row(of_equal, name, "log_mse")["estimate"]
        own = row(both, name, "log_mse")["estimate"]
        assert own == row(of_paper, name, "log_mse")["estimate"]
        assert row(of_paper, twin, "log_mse")["waiting"]


def test_what_decides_c2_is_the_overall_gap() -> None:
    """Without mixed runs the gap of the two pure mixes decides, and the mixed gap says why not."""
    table = study(STRONG)
    claims = assess_claims(table[table["share"] != 0.5], "x")
    assert row(claims, "gap_mixed", "log_mse")["verdict"] == "not assessable"
    assert claims.verdict("C2") == "supported"
    assert claims.verdicts()["C2"].because == "gap_overall supported"


def test_other_groups_and_names_give_the_same_numbers() -> None:
    """A third group changes nothing; the two compared may have any name."""
    table = study()
    third = table.assign(group="other", md5hash=-1 - table["md5hash"], cluster=-1)
    third = third.assign(mse=third["mse"] * 3.0)
    renamed = pd.concat([table, third], ignore_index=True)
    renamed["group"] = renamed["group"].replace({"light": "young", "dark": "old"})
    groups = Groups("young", "old", {"young": "to 40", "old": "from 60", "other": "40 to 60"})
    theirs = assess_claims(renamed, "x", groups)
    ours = assess_claims(table, "x")
    numbers = ["estimate", "low", "high", "p", "p_holm", "mde"]
    pd.testing.assert_frame_equal(theirs.table()[numbers], ours.table()[numbers])
    document = theirs.to_mapping()
    assert document["gap"] == "old minus young"
    assert "slope_old" in {c["contrast"] for c in document["descriptions"]}
    assert "dark" not in json.dumps(document)


def test_json_has_the_documented_keys_and_every_contrast() -> None:
    """The mapping survives JSON unchanged and holds tested and described contrasts."""
    mapping = assess_claims(study(), "small").to_mapping()
    assert json.loads(json.dumps(mapping, allow_nan=False)) == mapping
    assert mapping["schema"] == "tonegap-claims-2"
    assert [claim["claim"] for claim in mapping["claims"]] == ["C1", "C2", "C3"]
    verdicts = {c["verdict"] for c in mapping["contrasts"] if c["family"] != "flag"}
    assert verdicts <= {"supported", "undecided", "contradicted", "not assessable"}
    assert {c["verdict"] for c in mapping["descriptions"]} == {"described", "not assessable"}
    declared = len(declared_contrasts((0.0, 0.5, 1.0)))
    assert len(mapping["contrasts"]) + len(mapping["descriptions"]) == declared + 1  # the flag
    waiting = {c["contrast"] for c in mapping["contrasts"] if c["waiting"]}
    assert waiting == {
        f"{name}_equal_distinct"
        for name in (
            *("own_share_effect", "gap_overall", "gap_mixed", "gap_worst", "gap_best"),
            *("slope_light", "slope_dark", "sensitivity"),
        )
    }


def test_log_rows_and_no_others_have_percents() -> None:
    """Percent is 100 (exp(x) - 1) of estimate, bounds and minimum detectable effect."""
    table = assess_claims(study(), "small").table()
    assessed = table[table["estimate"].notna()]
    is_log = assessed["metric"] == "log_mse"
    pairs = {"percent": "estimate", "percent_low": "low", "percent_high": "high"}
    for shown, value in {**pairs, "mde_percent": "mde"}.items():
        expected = 100.0 * (np.exp(assessed.loc[is_log, value]) - 1.0)
        np.testing.assert_allclose(assessed.loc[is_log, shown], expected)
        assert assessed.loc[~is_log, shown].isna().all()


def test_contrasts_within_runs_ignore_factors_of_runs() -> None:
    """A factor on all errors of a run moves slopes and the worst case, not what decides."""
    table = study()
    factor = np.exp(np.random.default_rng(3).normal(size=12))
    moved = table.assign(mse=table["mse"] * factor[table["run"]])
    before, after = assess_claims(table, "x"), assess_claims(moved, "x")
    for name in ("own_share_effect", "gap_overall", "gap_mixed", "curvature"):
        for column in ("estimate", "se"):
            same = row(before, name, "log_mse")[column]
            assert row(after, name, "log_mse")[column] == pytest.approx(same)
    for name in ("slope_dark", "gap_worst"):
        other = row(after, name, "log_mse")["estimate"]
        assert abs(other - row(before, name, "log_mse")["estimate"]) > 0.1


def test_unequal_test_sets_of_runs_do_not_bring_their_factors_back() -> None:
    """Half of a run's light images missing: the run's factor still cancels."""
    table = study()
    lacking = table[(table["run"] != 0) | (table["group"] == "dark") | (table.index % 2 == 0)]
    moved = lacking.assign(mse=lacking["mse"] * np.where(lacking["run"] == 0, 5.0, 1.0))
    before, after = assess_claims(lacking, "x"), assess_claims(moved, "x")
    for name in ("own_share_effect", "gap_overall"):
        same = row(before, name, "log_mse")["estimate"]
        assert row(after, name, "log_mse")["estimate"] == pytest.approx(same)


def test_the_document_rounds_to_six_digits_and_carries_the_caveats() -> None:
    """Numbers that processors round differently in the last place do not change the file."""
    mapping = assess_claims(study(), "small").to_mapping(["Phantoms."])
    assert mapping["caveats"] == ["Phantoms."]
    assert mapping["gap"] == "dark minus light"
    table = assess_claims(study(), "small").contrasts_table()
    estimates = [c["estimate"] for c in mapping["contrasts"] if c["estimate"] is not None]
    assert estimates == [float(f"{value:.6g}") for value in table["estimate"].dropna()]


def test_without_a_study_the_document_is_empty_but_whole() -> None:
    """The same schema, no claims, the caveats kept."""
    mapping = no_claims(["Nothing yet."])
    assert mapping["schema"] == "tonegap-claims-2"
    assert mapping["study"] is None
    assert (mapping["claims"], mapping["contrasts"], mapping["descriptions"]) == ([], [], [])
    assert mapping["paper"] == []
    assert mapping["caveats"] == ["Nothing yet."]


def test_sentences_speak_plainly() -> None:
    """Value, interval, corrected p, sample and reading stand in one sentence."""
    text = row(assess_claims(study(STRONG), "x"), "gap_mixed")["sentence"]
    for part in ("Gap with an even mix, MSE: +", "95 % interval", "Holm-corrected p", "6 seeds"):
        assert part in text
    assert text.endswith("consistent with the claim.")
