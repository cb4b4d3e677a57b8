"""The panel is the test images of the study's seeds, whatever run draws it."""

from __future__ import annotations

import pandas as pd
from small_cohort import DATA, SHARE, twelve_images

from tonegap.groups import LIGHT_AND_DARK
from tonegap.sampling.panel import draw_panel
from tonegap.sampling.split import draw_split


def test_the_panel_is_the_union_of_the_test_sets() -> None:
    """As the runs of these seeds draw them, each image once."""
    data = DATA.model_copy(update={"panel_seeds": 3})
    tests = set()
    for seed in range(3):
        split = draw_split(
            twelve_images(), data.model_copy(update={"seed": seed}), SHARE, LIGHT_AND_DARK
        )
        tests |= set(split.loc[split["role"] == "test", "md5hash"])
    assert draw_panel(twelve_images(), data, LIGHT_AND_DARK)["md5hash"].tolist() == sorted(tests)


def test_every_run_has_the_same_panel() -> None:
    """Seed and mix do not matter, nor does the order of the cohort."""
    data = DATA.model_copy(update={"panel_seeds": 2})
    expected = draw_panel(twelve_images(), data, LIGHT_AND_DARK)
    other = data.model_copy(update={"seed": 5, "mix": "dark", "n_train": 2})
    shuffled = twelve_images().sample(frac=1.0, random_state=0)
    pd.testing.assert_frame_equal(draw_panel(shuffled, other, LIGHT_AND_DARK), expected)


def test_no_seeds_no_panel() -> None:
    """An empty table with its column."""
    panel = draw_panel(twelve_images(), DATA, LIGHT_AND_DARK)
    assert list(panel.columns) == ["md5hash"]
    assert panel.empty
