"""What holds for every cohort, whatever the tables and the parameters."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from tonegap.cohort.counts import cohort_counts
from tonegap.cohort.rules import CohortParams
from tonegap.cohort.selection import select_cohort
from tonegap.params import FilterParams, GroupsParams

# No deadline: a busy machine is no fault of the code.
EXAMPLES = settings(max_examples=30, deadline=None)
CHOICES = {
    "fitzpatrick_scale": [-1, 1, 2, 3, 4, 5, 6],
    "fitzpatrick_centaur": [-1, 1, 2, 3, 4, 5, 6],
    "label": ["eczema", "melanoma"],
    "qc": ["", "1 Diagnostic", "3 Wrongly labelled"],
    "url": ["", "https://www.dermaamin.com/a.jpg", "phantom:v1?source=a"],
    "status": ["verified", "rendered", "verified", "missing_url", "timeout"],
    "readable": [True, True, True, False],
    "ita": [-20.0, 1.5, 5.5, np.nan],
    "bytes_per_pixel": [0.1, 0.2],
    "width": range(5, 41),
    "height": range(5, 41),
    "pixel_sha256": list("abcdef"),
    "cluster_of": range(5),
}
CONSTANT = {
    "nine_partition_label": "inflammatory",
    "three_partition_label": "non-neoplastic",
    "detail": None,
    "problem": None,
}

filters = st.builds(
    FilterParams,
    exclude_qc=st.sampled_from([(), ("3",), ("1", "3")]),
    min_side=st.integers(1, 20),
    duplicates=st.sampled_from(["keep", "drop_exact", "one_per_cluster"]),
    near_distance=st.just(6),
)
definitions = st.builds(
    lambda column, dark: GroupsParams.model_validate(
        {"column": column, "compare": ["light", "dark"], "define": {"light": [1, 2], "dark": dark}}
    ),
    st.sampled_from(["fst", "fst_second", "fst_both", "ita", "three_partition_label"]),
    st.sampled_from([[5, 6], [4, 5, 6], {"min": 5}]),
)
parameters = st.builds(CohortParams, filters, definitions)


@st.composite
def tables(draw):
    """Draw the rows of all tables at once; clusters are named by their smallest hash."""
    number = draw(st.integers(1, 40))
    chance = np.random.default_rng(draw(st.integers(0, 2**32)))
    drawn = {name: chance.choice(np.array(values), number) for name, values in CHOICES.items()}
    table = pd.DataFrame(drawn).assign(**CONSTANT)
    table["md5hash"] = [f"{n:032x}" for n in range(number)]
    for column in ("qc", "url"):
        table[column] = table[column].astype("string").replace("", None)
    table["cluster"] = table.groupby("cluster_of")["md5hash"].transform("min")
    return table


def select(table, params):
    """Select the cohort from the drawn table."""
    return select_cohort(table, table, table, table.set_index("md5hash")["cluster"], params)


@EXAMPLES
@given(tables(), parameters)
def test_every_row_is_kept_or_excluded_once(table, params):
    """Cohort and exclusions divide the annotated rows; each exclusion has a reason."""
    cohort = select(table, params)
    seen = [*cohort.frame["md5hash"], *cohort.exclusions["md5hash"]]
    assert sorted(seen) == table["md5hash"].tolist()
    assert cohort.exclusions[["step", "reason"]].notna().all(axis=None)


@EXAMPLES
@given(tables(), parameters)
def test_the_flow_adds_up(table, params):
    """Left now is left before minus excluded, and all is light, dark and neither."""
    flow = select(table, params).flow
    for _, steps in flow.groupby("group"):
        lost = steps["left"].shift() - steps["left"]
        assert lost.iloc[1:].tolist() == steps["excluded"].iloc[1:].tolist()
    wide = flow.set_index(["step", "group"])["left"].unstack("group")  # noqa: PD010 - an index
    assert (wide["all"] == wide[["light", "dark", "neither"]].sum(axis=1)).all()
    assert wide["all"].loc["annotated"] == len(table)


@EXAMPLES
@given(tables(), parameters)
def test_the_cohort_obeys_its_rules(table, params):
    """Every kept image has a group, was fetched, is readable and large enough."""
    cohort = select(table, params)
    kept = table.set_index("md5hash").loc[cohort.frame["md5hash"]]
    assert cohort.frame["group"].isin(["light", "dark"]).all()
    assert kept["status"].isin(["verified", "rendered"]).all()
    assert kept["readable"].all()
    assert (kept[["width", "height"]].min(axis=1) >= params.filter.min_side).all()
    assert not kept["qc"].str[0].isin(params.filter.exclude_qc).any()
    assert cohort_counts(cohort)["cohort"]["all"] == len(cohort.frame)


@EXAMPLES
@given(tables(), parameters)
def test_one_image_per_set_remains(table, params):
    """No two kept images are of one set, and of every eligible set one is kept."""
    cohort = select(table, params)
    key = {"drop_exact": "pixel_sha256", "one_per_cluster": "cluster"}.get(params.filter.duplicates)
    if key is None:
        assert len(cohort.frame) == len(cohort.eligible)
        return
    sets = table.set_index("md5hash")[key]
    kept, eligible = (sets[frame["md5hash"]] for frame in (cohort.frame, cohort.eligible))
    assert kept.is_unique
    assert set(kept) == set(eligible)


@EXAMPLES
@given(tables(), parameters, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(table, params, random):
    """The cohort of shuffled tables is the same."""
    order = random.sample(range(len(table)), len(table))
    again = select(table.iloc[order].reset_index(drop=True), params)
    pd.testing.assert_frame_equal(again.frame, select(table, params).frame)
