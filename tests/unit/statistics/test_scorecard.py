"""The scorecard against brute force, against nulls, and on scores with something planted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from tonegap.calibration.simulation import Scenario, draw_study
from tonegap.groups import LIGHT_AND_DARK
from tonegap.measures import SCORES
from tonegap.statistics.scorecard import COLUMNS, UNMOVED, scorecard

N_TEST = 60


def study(seed=0, n_seeds=6, log_slope=-1.0, shares=(0.0, 1.0)) -> pd.DataFrame:
    """Draw a study whose error falls with a group's share, and give it scores of every kind."""
    scenario = Scenario(
        n_test=N_TEST,
        pool_light=338,
        pool_dark=239,
        n_seeds=n_seeds,
        shares=shares,
        log_slope=log_slope,
    )
    rng = np.random.default_rng(seed)
    table = draw_study(scenario, rng)
    noise = rng.normal(size=(6, len(table)))
    of_image = rng.normal(size=pd.factorize(table["md5hash"])[0].max() + 1)
    own = of_image[pd.factorize(table["md5hash"])[0]]
    error, difficulty = np.log(table["mse"]), np.log(table["mse_pca"])
    return table.assign(
        mix=table["share"].astype(str),
        u_jpeg_bytes=np.exp(0.5 * difficulty + 0.5 * own),
        u_darkness=(table["group"] == "dark") + 0.3 * noise[0],
        u_flag=np.exp(error + 0.2 * noise[1]),
        u_anti=-error + 0.3 * noise[2],
        u_ranks=difficulty + 0.01 * noise[3],
        u_noise=noise[4],
    )


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return study()


@pytest.fixture(scope="module")
def card(table) -> pd.DataFrame:
    return scorecard(table, LIGHT_AND_DARK)


def value(card, score, quantity, group="", column="estimate"):
    """Give one number of a scorecard."""
    rows = card[(card["score"] == score) & (card["quantity"] == quantity)]
    return rows.loc[rows["group"] == group, column].item()


def by_run(table, group, compute) -> float:
    """Give the mean over runs of what is computed on a group's rows."""
    mine = table[table["group"] == group]
    return float(np.mean([compute(rows) for _, rows in mine.groupby("run")]))


@pytest.mark.parametrize("score", ["sigma", "u_flag", "u_anti", "mse_pca"])
@pytest.mark.parametrize("group", LIGHT_AND_DARK.pair)
def test_ranks_are_those_of_scipy(table, card, score, group) -> None:
    """S1: Spearman's correlation within a group of a run, mean over runs."""
    expected = by_run(table, group, lambda r: stats.spearmanr(r[score], r["mse"]).statistic)
    assert value(card, score, "rank", group) == pytest.approx(expected)


def test_differences_are_from_the_bars_that_know_no_model(table, card) -> None:
    """S1 less that of PCA's error and of JPEG's bytes, mean of both groups."""
    for quantity, bar in (("rank_less_pca", "mse_pca"), ("rank_less_jpeg", "u_jpeg_bytes")):
        expected = np.mean(
            [value(card, "u_flag", "rank", g) - value(card, bar, "rank", g)
             for g in LIGHT_AND_DARK.pair]
        )  # fmt: skip
        assert value(card, "u_flag", quantity) == pytest.approx(expected)
        assert value(card, bar, quantity) == pytest.approx(0.0)


@pytest.mark.parametrize("score", ["sigma", "u_flag", "u_anti"])
def test_partial_ranks_are_correlations_of_what_complexity_leaves(table, card, score) -> None:
    """S2: straight lines on the ranks of PCA error and JPEG bytes taken away, by numpy."""

    def partial(rows):
        ranks = rows[[score, "mse", "mse_pca", "u_jpeg_bytes"]].rank().to_numpy()
        given = np.column_stack([np.ones(len(rows)), ranks[:, 2:]])
        left = ranks[:, :2] - given @ np.linalg.lstsq(given, ranks[:, :2], rcond=None)[0]
        return np.corrcoef(left.T)[0, 1]

    expected = by_run(table, "dark", partial)
    assert value(card, score, "partial", "dark") == pytest.approx(expected, abs=1e-6)


def test_the_interaction_is_the_change_in_standard_deviations(table, card) -> None:
    """S3: a group's mean where its share is 0 less where it is 1, over its SD within runs."""
    parts = []
    for group, unseen in (("dark", 0.0), ("light", 1.0)):
        rows = table[table["group"] == group]
        variance = rows.groupby("run")["u_flag"].var().mean()  # runs are of one size
        means = rows.groupby("share")["u_flag"].mean()
        parts.append((means[unseen] - means[1.0 - unseen]) / np.sqrt(variance))
    assert value(card, "u_flag", "interaction") == pytest.approx(np.mean(parts))
    assert value(card, "u_flag", "interaction") > 1.0


def test_the_worst_tenth_is_counted(table, card) -> None:
    """S4: how many of a group's six worst images of a run are among the score's top six."""

    def found(rows):
        worst, top = (set(rows[name].nlargest(6).index) for name in ("mse", "u_flag"))
        return len(worst & top) / 6

    expected = by_run(table, "light", found)
    assert value(card, "u_flag", "worst_found", "light") == pytest.approx(expected)


def test_the_auc_is_that_of_scikit_learn(table, card) -> None:
    """Chance that a dark image has the larger score, mean over runs, in [0, 1]."""
    expected = np.mean(
        [roc_auc_score(r["group"] == "dark", r["u_darkness"]) for _, r in table.groupby("run")]
    )
    assert value(card, "u_darkness", "auc") == pytest.approx(expected)
    assert value(card, "u_darkness", "auc", column="high") <= 1.0


def test_the_error_itself_knows_everything(card) -> None:
    """S1 = S2 = S4 = 1; it is the yardstick, not a flag."""
    for quantity in ("rank", "partial", "worst_found"):
        for group in LIGHT_AND_DARK.pair:
            for column in ("estimate", "low", "high"):
                found = value(card, "mse", quantity, group, column=column)
                assert found == pytest.approx(1.0, abs=1e-6)
    assert set(card.loc[card["score"] == "mse", "verdict"]) == {"described"}


def test_a_shuffled_score_knows_nothing() -> None:
    """Over many shuffles S1 = S2 = S3 = 0 and S4 = .1; intervals miss about as often as said."""
    table, rng = study(n_seeds=4), np.random.default_rng(5)
    keys = [table["run"], table["group"]]
    shuffled = {
        f"u_shuffled_{n}": table.groupby(keys)["u_flag"].transform(
            lambda values: rng.permutation(values.rank())
        )
        for n in range(60)
    }
    card = scorecard(table.assign(**shuffled), LIGHT_AND_DARK)
    card = card[card["score"].str.startswith("u_shuffled")]
    truth = {"rank": 0.0, "partial": 0.0, "interaction": 0.0, "worst_found": 0.1, "auc": 0.5}
    for quantity, expected in truth.items():
        rows = card[card["quantity"] == quantity]
        spread = rows["estimate"].std() / np.sqrt(len(rows))
        assert rows["estimate"].mean() == pytest.approx(expected, abs=max(4.0 * spread, 1e-9))
        if quantity not in {
            "interaction",
            "auc",
        }:  # which shuffling within a run leaves as they are
            missed = (rows["low"] > expected) | (rows["high"] < expected)
            assert missed.mean() < 0.12


@pytest.mark.parametrize(
    ("score", "verdict"),
    [("u_flag", "flags"), ("u_anti", "anti-flag"), ("u_ranks", "blind"), ("u_noise", "blind")],
)
def test_the_verdict_is_the_planted_one(card, score, verdict) -> None:
    """Ranking alone is no flag, nor is noise; the wrong direction is said."""
    assert set(card.loc[card["score"] == score, "verdict"]) == {verdict}


def test_the_reading_of_each_part_stands_beside_the_verdict(card) -> None:
    """A score that ranks the errors and ignores representation flags twice and is blind once."""
    readings = card[card["score"] == "u_ranks"].set_index(["quantity", "group"])["reading"]
    assert readings["rank", "light"] == readings["rank", "dark"] == "flags"
    assert readings["interaction", ""] == "blind"
    assert readings["auc", ""] == "described"


def test_the_interaction_takes_the_sign_of_the_errors() -> None:
    """Where errors grow with a group's share, a score that grows with them flags."""
    card = scorecard(study(log_slope=1.0), LIGHT_AND_DARK)
    assert value(card, "mse", "interaction") < -0.2
    assert value(card, "u_flag", "interaction") < -0.2
    assert set(card.loc[card["score"] == "u_flag", "verdict"]) == {"flags"}


def test_without_harm_there_is_nothing_to_warn_of() -> None:
    """Representation does not move the error: no verdict, and the numbers all the same."""
    card = scorecard(study(log_slope=0.0), LIGHT_AND_DARK)
    rows = card[card["score"] == "u_flag"]
    assert set(rows["verdict"]) == {"not assessable"}
    assert set(rows["because"]) == {UNMOVED}
    assert rows["estimate"].notna().all()


def test_few_seeds_leave_it_undecided_and_say_so() -> None:
    """Three seeds could agree by chance."""
    card = scorecard(study(n_seeds=3), LIGHT_AND_DARK)
    rows = card[card["score"] == "u_flag"]
    assert set(rows["verdict"]) == {"undecided"}
    assert set(rows["because"]) == {"3 seeds are too few to show it"}


def test_two_seeds_are_not_assessed() -> None:
    """The reason stands in the place of the numbers."""
    card = scorecard(study(n_seeds=2), LIGHT_AND_DARK)
    assert card["estimate"].isna().all()
    assert card["reason"].str.len().gt(0).all()
    assert "needs at least 3" in value(card, "u_flag", "interaction", column="reason")


def test_a_mix_that_is_missing_is_named() -> None:
    """Without pure mixes there is no interaction; the ranks are there."""
    card = scorecard(study(shares=(0.0, 0.5)), LIGHT_AND_DARK)
    reason = value(card, "u_flag", "interaction", column="reason")
    assert "share 1" in reason
    assert np.isfinite(value(card, "u_flag", "rank", "dark"))


def test_an_image_counts_where_it_has_the_score_under_every_mix(table) -> None:
    """An ensemble that some images lack is scored on the others, the same ones in both mixes."""
    gone = (table["md5hash"] % 5 == 0) & (table["share"] == 0.0)
    ensemble = table["u_flag"].mask(gone)
    card = scorecard(table.assign(u_ensemble=ensemble), LIGHT_AND_DARK)
    kept = table[table["md5hash"] % 5 != 0]
    expected = scorecard(kept.assign(u_ensemble=kept["u_flag"]), LIGHT_AND_DARK)
    for quantity, group in (("rank", "dark"), ("interaction", ""), ("partial", "light")):
        assert value(card, "u_ensemble", quantity, group) == pytest.approx(
            value(expected, "u_ensemble", quantity, group)
        )
    n_images = value(card, "u_ensemble", "interaction", column="n_images")
    assert n_images == kept["md5hash"].nunique()


def test_a_score_that_no_image_has_says_what_it_needs(table) -> None:
    """NaN in every row, as for a model without a posterior."""
    card = scorecard(table.assign(sigma=np.nan), LIGHT_AND_DARK)
    reason = value(card, "sigma", "rank", "light", column="reason")
    assert reason == "no image has Sigma, which needs a model with a posterior"
    assert set(card.loc[card["score"] == "sigma", "verdict"]) == {"not assessable"}


def test_an_old_table_has_the_scores_that_it_has(table) -> None:
    """A study collected before the scores existed: sigma, PCA and the error."""
    old = table[[name for name in table if not str(name).startswith("u_")]]
    card = scorecard(old, LIGHT_AND_DARK)
    assert list(dict.fromkeys(card["score"])) == ["sigma", "mse_pca", "mse"]
    assert "u_jpeg_bytes" in value(card, "sigma", "partial", "light", column="reason")
    assert np.isfinite(value(card, "sigma", "rank_less_pca"))


def test_scores_stand_in_the_order_of_their_table(card) -> None:
    """Sigma, the model's, the user's own, those that know no model, the error itself."""
    kinds = card.drop_duplicates("score").set_index("score")["kind"]
    assert kinds.index[0] == SCORES[0].name == "sigma"
    assert kinds.index[-1] == "mse"
    assert list(dict.fromkeys(kinds)) == ["model", "own", "no model", "error"]
    assert list(card.columns) == list(COLUMNS)


def test_a_factor_on_a_score_changes_nothing(table, card) -> None:
    """Every quantity is free of the score's unit."""
    scaled = scorecard(table.assign(u_flag=1e6 * table["u_flag"]), LIGHT_AND_DARK)
    numbers = ["estimate", "low", "high", "p", "p_beyond"]
    pd.testing.assert_frame_equal(scaled[numbers], card[numbers])


def test_without_rows_there_is_an_empty_table() -> None:
    """With its columns."""
    empty = scorecard(study().iloc[:0], LIGHT_AND_DARK)
    assert list(empty.columns) == list(COLUMNS)
    assert empty.empty
