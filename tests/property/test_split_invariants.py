"""What holds for every split, whatever the cohort, the seed and the switches."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from tonegap.errors import SplitError
from tonegap.groups import LIGHT_AND_DARK
from tonegap.params import DataParams
from tonegap.sampling.explain import explanation
from tonegap.sampling.split import draw_split
from tonegap.sampling.training import group_draws

MIXES = {"light": 0.0, "quarter": 0.25, "mixed": 0.5, "dark": 1.0}

# No deadline: a busy machine is no fault of the code.
EXAMPLES = settings(max_examples=50, deadline=None)

# Large enough for most parameters below, so that few examples are passed over.
SIZES = st.integers(16, 40)


@st.composite
def cohorts(draw):
    """Draw cohorts; some images are near duplicates, across groups, labels and sources."""
    light, dark = draw(SIZES), draw(SIZES)
    chance = np.random.default_rng(draw(st.integers(0, 2**32)))
    number = light + dark
    frame = pd.DataFrame(
        {
            "md5hash": [f"{n:032x}" for n in chance.permutation(number)],
            "group": ["light"] * light + ["dark"] * dark,
            "label_fine": chance.choice(
                ["eczema", "melanoma", "rosacea"], number, p=[0.7, 0.2, 0.1]
            ),
            "source": chance.choice(["atlas-a", "atlas-b"], number, p=[0.8, 0.2]),
        }
    )
    others = draw(st.integers(0, number // 3))
    kin = np.where(
        chance.random(number) < others / number,
        chance.integers(0, others + 1, number),
        number + np.arange(number),
    )
    frame["cluster"] = frame.groupby(kin)["md5hash"].transform("min")
    return frame


def parameters(**fixed):
    """Draw the section `data`, with some keys fixed."""
    usual = {
        "image_size": st.just(32),
        "seed": st.integers(0, 2**63 - 1),
        "mix": st.sampled_from(sorted(MIXES)),
        "n_test": st.integers(1, 4),
        "n_train": st.integers(1, 12),
        "replacement": st.booleans(),
        "duplicates": st.sampled_from(["paper", "clusters_stay_together"]),
        "match": st.sampled_from(["none", "condition", "condition_source"]),
        "distinct": st.sampled_from(["paper", "equal"]),
    }
    return st.builds(DataParams, **usual | {key: st.just(value) for key, value in fixed.items()})


def split_or_skip(cohort, data):
    """Draw, or pass over an example whose pools are too small."""
    try:
        return draw_split(cohort, data, MIXES[data.mix], LIGHT_AND_DARK)
    except SplitError:
        reject()


def role(split, name):
    """Rows of one role."""
    return split[split["role"] == name]


@EXAMPLES
@given(cohorts(), parameters())
def test_test_and_training_are_disjoint_and_of_the_asked_sizes(cohort, data):
    """Two test sets of n_test distinct images, exact group shares, nothing shared."""
    split = split_or_skip(cohort, data)
    test, train = role(split, "test"), role(split, "train")
    assert test["group"].value_counts().to_dict() == {"light": data.n_test, "dark": data.n_test}
    assert test["md5hash"].is_unique
    assert not set(test["md5hash"]) & set(train["md5hash"])
    light, dark = group_draws(data.n_train, MIXES[data.mix])
    assert ((train["group"] == "light").sum(), (train["group"] == "dark").sum()) == (light, dark)
    assert train["draw"].tolist() == list(range(data.n_train))


@EXAMPLES
@given(cohorts(), parameters())
def test_rows_of_the_split_are_rows_of_the_cohort(cohort, data):
    """Group and cluster of each draw are those of its image."""
    split = split_or_skip(cohort, data)
    known = cohort.set_index("md5hash").loc[split["md5hash"], ["group", "cluster"]]
    assert known.to_numpy().tolist() == split[["group", "cluster"]].to_numpy().tolist()


@EXAMPLES
@given(cohorts(), parameters(), st.randoms(use_true_random=False))
def test_the_same_seed_gives_the_same_manifest(cohort, data, random):
    """The manifest depends on the images and the parameters, not on the order of rows."""
    split = split_or_skip(cohort, data)
    order = random.sample(range(len(cohort)), len(cohort))
    pd.testing.assert_frame_equal(
        draw_split(cohort.iloc[order], data, MIXES[data.mix], LIGHT_AND_DARK), split
    )


@EXAMPLES
@given(cohorts(), parameters(distinct="paper"), st.sampled_from(sorted(MIXES)))
def test_every_mix_of_a_seed_has_the_same_test_sets(cohort, data, other):
    """Mixes differ in training alone, so their results are comparable image by image."""
    split = split_or_skip(cohort, data)
    again = split_or_skip(cohort, data.model_copy(update={"mix": other}))
    pd.testing.assert_frame_equal(role(again, "test"), role(split, "test"))


@EXAMPLES
@given(cohorts(), parameters(duplicates="clusters_stay_together"))
def test_no_cluster_crosses_when_clusters_stay_together(cohort, data):
    """No cluster is in test and training, nor in light and dark, nor half in a test set."""
    split = split_or_skip(cohort, data)
    test = role(split, "test")
    assert not set(test["cluster"]) & set(role(split, "train")["cluster"])
    assert split.groupby("cluster")["group"].nunique().max() == 1
    whole = cohort["cluster"].value_counts()[test["cluster"].unique()]
    assert test["cluster"].value_counts().to_dict() == whole.to_dict()


@EXAMPLES
@given(cohorts(), parameters(match="condition"))
def test_matched_test_sets_have_equal_condition_counts(cohort, data):
    """Under match: condition, light and dark test sets hold the same conditions."""
    assert_matched(cohort, split_or_skip(cohort, data), ["label_fine"])


@EXAMPLES
@given(cohorts(), parameters(match="condition_source"))
def test_matched_test_sets_have_equal_condition_and_source_counts(cohort, data):
    """Under match: condition_source, they hold the same conditions of the same sources."""
    assert_matched(cohort, split_or_skip(cohort, data), ["label_fine", "source"])


def assert_matched(cohort, split, columns):
    """Compare the strata of the two test sets."""
    tested = role(split, "test")[["md5hash"]].merge(cohort, on="md5hash")
    counts = tested.groupby(["group", *columns]).size()
    assert counts["light"].to_dict() == counts["dark"].to_dict()


@EXAMPLES
@given(cohorts(), parameters(distinct="equal"))
def test_equal_distinct_holds_for_every_mix(cohort, data):
    """All mixes draw the same number of distinct images, or the split is refused."""
    splits = [split_or_skip(cohort, data.model_copy(update={"mix": mix})) for mix in MIXES]
    assert len({role(split, "train")["md5hash"].nunique() for split in splits}) == 1


@EXAMPLES
@given(cohorts(), parameters(replacement=False))
def test_without_replacement_nothing_repeats(cohort, data):
    """Every draw without replacement is another image."""
    assert role(split_or_skip(cohort, data), "train")["md5hash"].is_unique


@EXAMPLES
@given(cohorts(), parameters())
def test_the_explanation_agrees_with_the_split(cohort, data):
    """Counts of the explanation are those of the split, and `both` never exceeds the sum."""
    split = split_or_skip(cohort, data)
    table = explanation(cohort, split, data, MIXES, LIGHT_AND_DARK).set_index("quantity")
    assert table.loc["test", "all"] == 2 * data.n_test
    assert table.loc["training draws", "all"] == data.n_train
    assert table.loc["training, distinct", "all"] == role(split, "train")["md5hash"].nunique()
    table = table.dropna()  # mixes that cannot be drawn
    assert (table["all"] <= table["light"] + table["dark"] + 0.11).all()  # rounded to 0.1
