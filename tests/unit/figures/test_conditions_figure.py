"""Errors by condition, and their scatter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tonegap.figures import conditions
from tonegap.figures.conditions import MIN_IMAGES, condition_errors, with_gaps
from tonegap.groups import LIGHT_AND_DARK


def _images(rows):
    columns = ["mix", "share", "md5hash", "group", "label_fine", "mse"]
    return pd.DataFrame(rows, columns=columns)


def _drawn(images):
    errors = condition_errors(images, "fine", LIGHT_AND_DARK)
    return conditions.draw(errors, LIGHT_AND_DARK)


def test_an_image_of_several_runs_counts_once():
    """Means are over images, not over draws: by hand."""
    found = condition_errors(
        _images(
            [
                ("light", 0.0, "a", "light", "plaque", 1.0),
                ("light", 0.0, "a", "light", "plaque", 3.0),
                ("light", 0.0, "b", "light", "plaque", 8.0),
                ("light", 0.0, "c", "dark", "plaque", 9.0),
                ("light", 0.0, "d", "dark", "nevus", 5.0),
            ]
        ),
        "fine",
        LIGHT_AND_DARK,
    )
    assert found["label"].tolist() == ["plaque"], "a condition of one group only has no gap"
    row = found.iloc[0]
    assert (row["n_reference"], row["n_compared"]) == (2, 1)
    assert (row["mse_reference"], row["mse_compared"], row["gap"]) == (5.0, 9.0, 4.0)
    assert not row["drawn"]


@pytest.mark.parametrize("level", ["coarse", "middle", "fine"])
def test_errors_equal_a_plain_loop(study_images, level):
    """Every cell equals what loops over mixes, labels and groups give."""
    found = condition_errors(study_images, level, LIGHT_AND_DARK)
    for row in found.itertuples():
        for group, side in (("light", "reference"), ("dark", "compared")):
            chosen = study_images[
                (study_images["mix"] == row.mix)
                & (study_images[f"label_{level}"] == row.label)
                & (study_images["group"] == group)
            ]
            means = [part["mse"].mean() for _, part in chosen.groupby("md5hash")]
            assert getattr(row, f"n_{side}") == len(means)
            assert getattr(row, f"mse_{side}") == pytest.approx(np.mean(means))


def test_points_are_the_drawn_rows(study_images):
    """Each panel's points are the table's rows of that mix with enough images."""
    drawing = conditions.draw(
        condition_errors(study_images, "fine", LIGHT_AND_DARK), LIGHT_AND_DARK
    )
    kept = drawing.data[drawing.data["drawn"]]
    assert (kept[["n_reference", "n_compared"]].min(axis=1) >= MIN_IMAGES).all()
    for axes, mix in zip(drawing.figure.axes, ["light", "mixed", "dark"], strict=False):
        expected = kept.loc[kept["mix"] == mix, ["mse_reference", "mse_compared"]]
        np.testing.assert_allclose(axes.collections[0].get_offsets(), expected)


def test_the_rule_is_stated(study_images):
    """The picture says how many conditions it shows and which it leaves out."""
    figure = conditions.draw(
        condition_errors(study_images, "fine", LIGHT_AND_DARK), LIGHT_AND_DARK
    ).figure
    note = " ".join(text.get_text() for text in figure.texts).replace("\n", " ")
    assert f"at least {MIN_IMAGES} test images in each" in note


def test_conditions_that_are_all_too_rare_give_empty_panels():
    """Nothing to draw is drawn as nothing, without failing."""
    rows = [
        ("mixed", 0.5, "a", "light", "rash", 1.0),
        ("mixed", 0.5, "b", "dark", "rash", 2.0),
    ]
    drawing = conditions.draw(
        condition_errors(_images(rows), "fine", LIGHT_AND_DARK), LIGHT_AND_DARK
    )
    assert drawing.data["drawn"].tolist() == [False]
    assert len(drawing.figure.axes[0].collections[0].get_offsets()) == 0


def test_gaps_stand_above_their_light_error(study_images):
    """Each drawn condition has its interval and its shrunken gap, inside the axes."""
    errors = condition_errors(study_images, "fine", LIGHT_AND_DARK)
    gaps = errors[["mix", "label"]].assign(low=-0.5, high=1.5, shrunken=0.25)
    drawing = conditions.draw(with_gaps(errors, gaps.iloc[1:]), LIGHT_AND_DARK)
    drawn = drawing.data[drawing.data["drawn"]]
    known = drawn.dropna(subset="log_gap_shrunken")
    mix = known["mix"].iloc[0]
    rows = known[known["mix"] == mix]
    panel = drawing.figure.axes[list(dict.fromkeys(errors["mix"])).index(mix)]
    lines = next(c for c in panel.collections if hasattr(c, "get_segments")).get_segments()
    ends = {(x, y) for line in lines for x, y in line}
    for x in rows["mse_reference"]:
        assert (x, x * np.exp(-0.5)) in ends
        assert (x, x * np.exp(1.5)) in ends
        assert panel.get_ylim()[0] <= x * np.exp(-0.5)
        assert x * np.exp(1.5) <= panel.get_ylim()[1]
