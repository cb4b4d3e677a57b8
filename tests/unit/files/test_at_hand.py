"""How many images the runs will see, by group."""

from __future__ import annotations

import pandas as pd
import pytest

from tonegap.files.at_hand import NEITHER, UNMEASURED, count_images, in_words
from tonegap.files.parameters import read_params
from tonegap.params import GroupsParams, Range
from tonegap.tables import ANNOTATION_COLUMNS

ROWS = [
    ("a" * 32, 1, -1, "https://e.org/a.jpg"),
    ("b" * 32, 6, -1, None),
    ("c" * 32, 5, -1, None),
    ("d" * 32, 3, -1, "phantom:x"),
    ("e" * 32, 2, -1, "phantom:y"),
]
COLUMNS = ["md5hash", "fitzpatrick_scale", "fitzpatrick_centaur", "url"]
TABLE = pd.DataFrame(ROWS, columns=COLUMNS).reindex(columns=list(ANNOTATION_COLUMNS))
LISTED = {"a" * 32: None, "b" * 32: "0" * 64}


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        (False, {"light": 2, "dark": 0, NEITHER: 1}),
        (True, {"light": 2, "dark": 1, NEITHER: 1}),
    ],
)
def test_listed_images_and_phantoms_are_counted(repository, accepted, expected):
    """Copies count only where they are accepted; rows without image never do."""
    params = read_params(repository / "params.yaml")
    fetch = params.fetch.model_copy(update={"accept_unverified": accepted})
    counts = count_images(TABLE, LISTED, params.model_copy(update={"fetch": fetch}))
    assert counts == expected


def test_groups_that_are_not_compared_are_counted(repository):
    """Whatever the parameters call a group; the two that are compared come first."""
    params = read_params(repository / "params.yaml")
    groups = GroupsParams(
        column="fst", compare=("b", "a"), define={"c": (3,), "a": (1,), "b": (6,)}
    )
    counts = count_images(TABLE, LISTED, params.model_copy(update={"groups": groups}))
    assert list(counts.items()) == [("b", 0), ("a", 1), ("c", 1), (NEITHER, 1)]


def test_groups_by_measured_tone_are_not_known_yet(repository):
    """Before stage hash has measured, images are counted and put into no group."""
    params = read_params(repository / "params.yaml")
    define = {"light": Range(min=41.0, max=None), "dark": Range(min=None, max=10.0)}
    groups = GroupsParams(column="ita", compare=("light", "dark"), define=define)
    counts = count_images(TABLE, LISTED, params.model_copy(update={"groups": groups}))
    assert counts == {UNMEASURED: 3}
    assert in_words(counts, 5) == f"3 of 5 annotated images: 3 {UNMEASURED}"


def test_the_counts_are_said_in_one_phrase():
    """The total, the rows and every group."""
    counts = {"light": 2, "dark": 1, NEITHER: 1}
    assert in_words(counts, 5) == "4 of 5 annotated images: 2 light, 1 dark, 1 in neither group"
