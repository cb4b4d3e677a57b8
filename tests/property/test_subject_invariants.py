"""No subject crosses: not train and test, not the groups, whatever the cohort and the switches."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from tonegap.cohort.units import unit_columns
from tonegap.errors import SplitError
from tonegap.groups import LIGHT_AND_DARK
from tonegap.params import DataParams
from tonegap.sampling.crossing import crossings
from tonegap.sampling.split import draw_split

MIXES = {"light": 0.0, "mixed": 0.5, "dark": 1.0}
EXAMPLES = settings(max_examples=60, deadline=None)


@st.composite
def cohorts(draw):
    """Draw images with subjects of one to four images and near duplicates, across the groups."""
    number = draw(st.integers(24, 60))
    chance = np.random.default_rng(draw(st.integers(0, 2**32)))
    frame = pd.DataFrame(
        {"md5hash": [f"{n:032x}" for n in chance.permutation(10 * number)[:number]]}
    )
    frame["group"] = chance.choice(["light", "dark"], number)
    frame["label_fine"] = chance.choice(["eczema", "acne"], number)
    frame["source"] = "a"
    people = chance.integers(0, max(number // draw(st.integers(1, 3)), 1), number)
    mixed = draw(st.sampled_from([0.0, 0.1]))
    # A person has one group, but for some wrong labels.
    of_person = chance.choice(["light", "dark"], people.max() + 1)[people]
    frame["group"] = np.where(chance.random(number) < mixed, frame["group"], of_person)
    named = chance.random(number) < draw(st.sampled_from([0.5, 1.0]))
    names = pd.Series([f"p{n}" if known else None for n, known in zip(people, named, strict=True)])
    twins = chance.integers(0, number, number)
    copied = chance.random(number) < 0.15
    pairs = frame["md5hash"].where(~copied, frame["md5hash"].iloc[twins].to_numpy())
    copies = frame.groupby(pairs)["md5hash"].transform("min").set_axis(frame["md5hash"])
    return frame.assign(**unit_columns(frame["md5hash"], copies, names)), names


PARAMETERS = st.builds(
    DataParams,
    image_size=st.just(32),
    seed=st.integers(0, 2**63 - 1),
    mix=st.sampled_from(sorted(MIXES)),
    n_test=st.integers(1, 5),
    n_train=st.integers(1, 12),
    replacement=st.booleans(),
    duplicates=st.sampled_from(["paper", "clusters_stay_together"]),
    match=st.sampled_from(["none", "condition"]),
    distinct=st.sampled_from(["paper", "equal"]),
)


@EXAMPLES
@given(cohorts(), PARAMETERS)
def test_no_subject_crosses(drawn, data):
    """By the names that the table gave, not by our codes; clusters too if they stay together."""
    cohort, names = drawn
    try:
        split = draw_split(cohort, data, MIXES[data.mix], LIGHT_AND_DARK)
    except SplitError:
        reject()
    person = split["md5hash"].map(pd.Series(names.to_numpy(), cohort["md5hash"]))
    test = split["role"] == "test"
    assert not set(person[test].dropna()) & set(person[~test].dropna())
    assert split.groupby(person)["group"].nunique().max() in {1, np.nan} or person.isna().all()
    counted = crossings(split, cohort)
    assert counted["subjects_in_test_and_training"] == counted["subjects_in_several_groups"] == 0
    clusters = set(split["cluster"][test]) & set(split["cluster"][~test])
    assert counted["clusters_in_test_and_training"] == len(clusters)
    if data.duplicates == "clusters_stay_together":
        assert not clusters


@EXAMPLES
@given(cohorts())
def test_clusters_join_subjects_and_copies_and_nothing_else(drawn):
    """Against a search by hand: images of one cluster are linked by a chain of the two."""
    cohort, _ = drawn
    left, components = set(cohort["md5hash"]), []
    by_name = cohort.set_index("md5hash")
    while left:
        frontier = reached = {left.pop()}
        while frontier:
            rows = by_name.loc[sorted(frontier)]
            linked = cohort["copies"].isin(rows["copies"]) | cohort["subject"].isin(rows["subject"])
            frontier = set(cohort["md5hash"][linked]) - reached
            reached |= frontier
        left -= reached
        components.append(reached)
    for component in components:
        assert set(by_name.loc[sorted(component), "cluster"]) == {min(component)}
