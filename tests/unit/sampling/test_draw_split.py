"""The split: the paper's protocol, its switches and its refusals."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest
from scipy import stats

from tonegap.errors import SplitError
from tonegap.groups import LIGHT_AND_DARK, Groups
from tonegap.params import DataParams
from tonegap.sampling.explain import explanation
from tonegap.sampling.split import draw_split
from tonegap.sampling.training import group_draws

MIXES = {"light": 0.0, "mixed": 0.5, "dark": 1.0}
DATA = DataParams(
    image_size=32,
    seed=0,
    mix="mixed",
    n_test=10,
    n_train=30,
    replacement=True,
    duplicates="paper",
    match="none",
    distinct="paper",
    panel_seeds=0,
)


def cohort(light=40, dark=25, clusters=None):
    """Images named l000, l001, ... and d000, ..., of three labels and two sources."""
    names = [f"l{n:03}" for n in range(light)] + [f"d{n:03}" for n in range(dark)]
    frame = pd.DataFrame({"md5hash": names})
    frame["group"] = frame["md5hash"].str[0].map({"l": "light", "d": "dark"})
    frame["label_fine"] = [f"label{n % 3}" for n in range(len(frame))]
    frame["source"] = [f"source{n % 2}" for n in range(len(frame))]
    frame["cluster"] = frame["md5hash"].replace(clusters or {})
    return frame


def draw(images=None, **changes):
    """Draw from the cohort above with changes to the parameters."""
    images = cohort() if images is None else images
    return draw_split(
        images, DATA.model_copy(update=changes), MIXES[changes.get("mix", DATA.mix)], LIGHT_AND_DARK
    )


def names(split, role, group=None):
    """Look up the images of a role, in the order of the draw."""
    rows = split[(split["role"] == role) & (True if group is None else split["group"] == group)]
    return rows["md5hash"].tolist()


@pytest.mark.parametrize(
    ("n_train", "share", "draws"),
    [
        (1668, 0.5, (834, 834)),
        (5, 0.5, (2, 3)),
        (10, 0.35, (6, 4)),
        (100, 0.29, (71, 29)),
        (7, 0.0, (7, 0)),
        (7, 1.0, (0, 7)),
        (3, 0.25, (2, 1)),
    ],
)
def test_group_draws_round_half_up(n_train, share, draws):
    """Dark draws are n_train x share rounded half up, binary fractions notwithstanding."""
    assert group_draws(n_train, share) == draws


def test_the_table_has_the_columns_and_orders_of_the_design():
    """Draws count from 0 within each role; light test images come first."""
    split = draw()
    assert split.columns.tolist() == ["role", "group", "draw", "md5hash", "cluster"]
    assert split.loc[split["role"] == "test", "draw"].tolist() == list(range(20))
    assert split.loc[split["role"] == "train", "draw"].tolist() == list(range(30))
    assert split["group"].tolist()[:20] == ["light"] * 10 + ["dark"] * 10


def test_training_draws_of_the_groups_are_mingled():
    """The order of the draw is shuffled: a prefix of it is no single group."""
    split = draw(n_train=200)
    half = split[split["role"] == "train"]["group"].head(100)
    assert 25 < (half == "dark").sum() < 75


def test_this_manifest_stays_as_it_is():
    """The same seed gives the same manifest in every version: these draws are recorded."""
    split = draw(n_test=3, n_train=6)
    assert names(split, "test") == ["l007", "l029", "l005", "d020", "d018", "d008"]
    assert names(split, "train") == ["l006", "l010", "d011", "d005", "l030", "d021"]


def test_the_order_of_the_cohort_table_does_not_matter():
    """Shuffled rows give the same manifest."""
    shuffled = cohort().sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(draw(shuffled), draw())


def test_seeds_differ_and_mixes_share_their_test_sets():
    """Another seed draws other tests; another mix of the seed draws the same ones."""
    assert names(draw(seed=1), "test") != names(draw(), "test")
    assert names(draw(mix="dark"), "test") == names(draw(mix="light"), "test")


def test_mixes_are_sampled_independently():
    """The light half of the mixed draw is no part of the light mix's draw."""
    drawn = {mix: Counter(names(draw(mix=mix), "train", "light")) for mix in ("mixed", "light")}
    assert not drawn["mixed"] <= drawn["light"]


def test_draws_with_replacement_are_uniform():
    """Each of the 15 dark images left is drawn equally often (chi-square, 3,000 draws)."""
    counts = pd.Series(names(draw(mix="dark", n_train=3000), "train")).value_counts()
    assert len(counts) == 15
    assert stats.chisquare(counts).pvalue > 1e-3


def test_without_replacement_no_image_repeats():
    """Every training draw is another image."""
    train = names(draw(replacement=False), "train")
    assert len(set(train)) == len(train) == 30


@pytest.mark.parametrize("mix", MIXES)
def test_equal_distinct_gives_one_number_for_all_mixes(mix):
    """All mixes hold as many distinct images as the least diverse one may expect."""
    # 15 dark images left, 30 draws of them: 15 (1 - (14/15)^30) = 13.1.
    assert len(set(names(draw(distinct="equal", mix=mix), "train"))) == 13


def test_a_cluster_in_both_groups_is_set_aside():
    """A picture with both labels enters neither test nor training."""
    images = cohort(clusters={"l000": "d000"})
    drawn = pd.concat(
        [
            draw(images, seed=seed, n_train=200, duplicates="clusters_stay_together")
            for seed in range(5)
        ]
    )
    assert not set(drawn["md5hash"]) & {"l000", "d000"}


def test_whole_clusters_enter_the_test_set():
    """A cluster is in the test set with all its images or with none."""
    pairs = {f"l{n:03}": f"l{n - 1:03}" for n in range(1, 40, 2)}
    split = draw(cohort(clusters=pairs), duplicates="clusters_stay_together", seed=2)
    tested = split[(split["role"] == "test") & (split["group"] == "light")]
    assert tested["cluster"].value_counts().tolist() == [2] * 5


@pytest.mark.parametrize("together", ["paper", "clusters_stay_together"])
@pytest.mark.parametrize(
    ("match", "columns"),
    [("condition", ["label_fine"]), ("condition_source", ["label_fine", "source"])],
)
def test_matched_test_sets_have_equal_counts(match, columns, together):
    """Light and dark test sets have the same conditions (and sources), count by count."""
    images = cohort(clusters={"l001": "l000", "d003": "d000"})
    split = draw(images, match=match, duplicates=together, seed=5)
    tested = split[split["role"] == "test"].merge(images.drop(columns=["group", "cluster"]))
    counts = tested.groupby(["group", *columns]).size()
    assert counts["light"].to_dict() == counts["dark"].to_dict()
    assert counts.sum() == 20


REFUSALS = {
    "the dark pool has 25 images but data.n_test asks for 26": {"n_test": 26},
    "the dark pool has 0 images left after the test draw": {"n_test": 25},
    r"light pool has 30 images left .* draws 31 of them without": {
        "n_train": 31,
        "mix": "light",
        "replacement": False,
    },
    r"light and dark share 25 images .* at most 25": {"n_test": 26, "match": "condition"},
    r"too few for the mix 'light'": {"n_test": 25, "mix": "light", "distinct": "equal"},
}


@pytest.mark.parametrize("message", REFUSALS)
def test_pools_too_small_are_refused_in_one_line(message):
    """The error names the pool, what was asked of it and what to lower."""
    with pytest.raises(SplitError, match=message) as caught:
        draw(**REFUSALS[message])
    assert "\n" not in str(caught.value)
    assert "lower data.n_test" in str(caught.value)


@pytest.mark.parametrize(("match", "dark"), [("none", 0), ("condition", 5)])
def test_where_no_test_set_can_be_had_no_smaller_one_is_advised(match, dark):
    """Without a dark image, or a condition that both groups have, less is no help."""
    images = cohort(light=5, dark=dark)
    images.loc[images["group"] == "dark", "label_fine"] = "of dark only"
    with pytest.raises(SplitError, match=r"pool has 0 images|share 0 images") as caught:
        draw(images, n_test=2, match=match)
    assert "lower" not in str(caught.value)


def test_one_cluster_is_a_test_set_or_none():
    """No test set of 0 images is advised: there is no such thing."""
    images = cohort(light=6, clusters={f"l{n:03}": "l000" for n in range(6)})
    with pytest.raises(SplitError, match=r"set data.n_test to 6, or filter"):
        draw(images, n_test=2, duplicates="clusters_stay_together")


def test_clusters_that_cannot_add_up_are_refused():
    """Pairs cannot fill an odd test set; the error says which sizes they can fill."""
    pairs = {f"l{n:03}": f"l{n - 1:03}" for n in range(1, 40, 2)}
    with pytest.raises(SplitError, match=r"= 9 test images.*set data.n_test to 8 or 10"):
        draw(cohort(clusters=pairs), n_test=9, duplicates="clusters_stay_together")


@pytest.mark.parametrize("seed", range(12))
def test_clusters_that_can_add_up_are_never_refused(seed):
    """Two clusters of 3 make 6 beside one of 4, whichever the random order meets first."""
    groups = [(0, 4), (4, 7), (7, 10)]  # cluster sizes 4, 3, 3 among ten light images
    light = {f"l{n:03}": f"l{low:03}" for low, high in groups for n in range(low, high)}
    small = cohort(clusters=light)
    small = small[(small["group"] == "dark") | small["md5hash"].isin(light)]
    split = draw(small, n_test=6, mix="dark", seed=seed, duplicates="clusters_stay_together")
    tested = split[(split["role"] == "test") & (split["group"] == "light")]
    assert sorted(Counter(tested["cluster"]).values()) == [3, 3]


def test_a_mix_that_leaves_one_group_alone_needs_none_of_it():
    """A light mix is drawn though the test set took every dark image."""
    assert set(names(draw(n_test=25, mix="light"), "train")) <= set(cohort()["md5hash"][:40])


def test_the_explanation_counts_what_the_split_holds():
    """Pools, distinct images and crossing clusters by hand."""
    images = cohort(light=6, dark=4, clusters={"l001": "l000", "d001": "l000", "d003": "d002"})
    data = DATA.model_copy(update={"n_test": 1, "n_train": 4})
    split = pd.DataFrame(
        {
            "role": ["test", "test", "train", "train", "train", "train"],
            "group": ["light", "dark", "light", "light", "dark", "dark"],
            "draw": [0, 1, 0, 1, 2, 3],
            "md5hash": ["l000", "d002", "l001", "l005", "d003", "d003"],
            "cluster": ["l000", "d002", "l000", "l005", "d002", "d002"],
        }
    )
    table = explanation(images, split, data, MIXES, LIGHT_AND_DARK).set_index("quantity")
    found = {quantity: tuple(row) for quantity, row in table.T.items()}
    assert found == {
        "cohort": (6, 4, 10),
        "subjects of several images in the cohort": (0, 0, 0),
        "clusters of several images in the cohort": (1, 2, 2),
        "set aside: subject in several groups": (0, 0, 0),
        "test": (1, 1, 2),
        "test, distinct conditions": (1, 1, 2),
        "left for training": (5, 3, 8),
        "training draws": (2, 2, 4),
        "training, distinct": (2, 1, 3),
        "training, distinct expected, mix light": (
            round(5 * (1 - 0.8**4), 1),
            0,
            round(5 * (1 - 0.8**4), 1),
        ),
        "training, distinct expected, mix mixed": (1.8, 1.7, 3.5),
        "training, distinct expected, mix dark": (0, 2.4, 2.4),
        "clusters in test and training": (1, 1, 2),
        "test with an image of its cluster in training": (1, 1, 2),
        "clusters of the split in several groups": (0, 0, 0),
    }


@pytest.mark.parametrize("mix", list(MIXES))
def test_the_explanation_expects_what_equal_diversity_draws(mix):
    """With `distinct: equal` every mix holds exactly the number that is expected of it."""
    data = DATA.model_copy(update={"mix": mix, "distinct": "equal", "n_train": 30})
    images = cohort()
    table = explanation(
        images,
        draw_split(images, data, MIXES[data.mix], LIGHT_AND_DARK),
        data,
        MIXES,
        LIGHT_AND_DARK,
    ).set_index("quantity")
    expected = table.loc[f"training, distinct expected, mix {mix}"]
    assert tuple(expected) == tuple(table.loc["training, distinct"])


def test_the_explanation_knows_mixes_that_cannot_be_drawn():
    """Two draws give one distinct image, too few for one of each group; pure mixes are fine."""
    data = DATA.model_copy(update={"mix": "dark", "distinct": "equal", "n_test": 1, "n_train": 2})
    images = cohort(light=16, dark=16)
    split = draw_split(images, data, MIXES["dark"], LIGHT_AND_DARK)
    table = explanation(images, split, data, MIXES, LIGHT_AND_DARK).set_index("quantity")
    expected = table.filter(like="training, distinct expected", axis="index")
    assert expected.isna().all(axis=1).tolist() == [mix == "mixed" for mix in MIXES]
    assert not table.drop(expected.index).isna().any(axis=None)
    with pytest.raises(SplitError, match="too few for the mix"):
        draw_split(images, data.model_copy(update={"mix": "mixed"}), MIXES["mixed"], LIGHT_AND_DARK)


def test_the_explanation_shows_that_clusters_stay_together():
    """With the switch on, no cluster crosses and those set aside are counted."""
    images = cohort(clusters={"l001": "l000", "d001": "d000", "d002": "l002"})
    data = DATA.model_copy(update={"duplicates": "clusters_stay_together"})
    table = explanation(
        images,
        draw_split(images, data, MIXES[data.mix], LIGHT_AND_DARK),
        data,
        MIXES,
        LIGHT_AND_DARK,
    ).set_index("quantity")
    assert tuple(table.loc["set aside: cluster in several groups"]) == (1, 1, 2)
    crossing = ["clusters in test and training", "clusters of the split in several groups"]
    assert (table.loc[crossing] == 0).all(axis=None)


def test_a_third_group_is_tested_and_never_trained_on():
    """Its images have a test set of their own, and the other draws stay as they were."""
    three = Groups("light", "dark", {"light": "", "dark": "", "medium": ""})
    images = cohort()
    medium = cohort(light=20, dark=0).assign(group="medium")
    medium["md5hash"] = medium["cluster"] = "m" + medium["md5hash"]
    found = draw_split(pd.concat([images, medium]), DATA, MIXES[DATA.mix], three)
    assert len(names(found, "test", "medium")) == DATA.n_test
    pair = found[found["group"] != "medium"].reset_index(drop=True)
    pd.testing.assert_frame_equal(pair, draw(images))
    assert set(found.loc[found["role"] == "train", "group"]) == {"light", "dark"}
