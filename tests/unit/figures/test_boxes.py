"""Boxes: their numbers are Tukey's, and every run is shown."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.cbook import boxplot_stats

from tonegap.figures import boxes
from tonegap.figures.boxes import box_of
from tonegap.groups import LIGHT_AND_DARK, Groups
from tonegap.measures import MEASURES, SCORES

MSE, SIGMA = MEASURES[0], SCORES[0]

VALUES = st.lists(st.floats(-1e3, 1e3, allow_subnormal=False), min_size=1, max_size=40)


@given(VALUES)
def test_box_equals_matplotlibs_own(values):
    """Quartiles and whiskers are those of an implementation nobody here wrote."""
    (expected,) = boxplot_stats(np.array(values))
    box = box_of(np.array(values))
    found = [box.lower_whisker, box.lower_quartile, box.median, box.upper_quartile]
    names = ["whislo", "q1", "med", "q3"]
    np.testing.assert_allclose(found, [expected[name] for name in names], rtol=0, atol=1e-9)
    np.testing.assert_allclose(box.upper_whisker, expected["whishi"], rtol=0, atol=1e-9)


@given(VALUES)
def test_quartiles_are_numpys(values):
    """Each edge of the box is numpy's quantile."""
    box = box_of(np.array(values))
    found = [box.lower_quartile, box.median, box.upper_quartile]
    assert found == np.quantile(values, [0.25, 0.5, 0.75]).tolist()


def test_drawn_boxes_and_points_are_the_data(study):
    """Medians and points on the axes are those of the table beside the figure."""
    drawing = boxes.draw(study, MSE, LIGHT_AND_DARK)
    axes = drawing.figure.axes[0]
    drawn = np.concatenate([points.get_offsets()[:, 1] for points in axes.collections])
    np.testing.assert_allclose(np.sort(drawn), np.sort(drawing.data["mse"]))
    medians = drawing.data.groupby(["mix", "group"])["mse"].median()
    flat = [line.get_ydata() for line in axes.lines if len(set(line.get_ydata())) == 1]
    heights = {round(float(y[0]), 12) for y in flat}
    assert {round(float(median), 12) for median in medians} <= heights


def test_mixes_stand_in_order_of_their_share(study):
    """From no dark images to dark images only, each named with its share."""
    axes = boxes.draw(study, MSE, LIGHT_AND_DARK).figure.axes[0]
    labels = [text.get_text() for text in axes.get_xticklabels()]
    assert [label.split("\n")[1] for label in labels] == ["0 % dark", "50 % dark", "100 % dark"]
    assert axes.get_ylabel() == MSE.axis


def test_runs_without_the_metric_are_left_out(study):
    """A model without a posterior has no sigma: its runs are not drawn as zero."""
    some = study.assign(sigma=study["sigma"].where(study["mix"] != "mixed"))
    drawing = boxes.draw(some, SIGMA, LIGHT_AND_DARK)
    assert set(drawing.data["mix"]) == {"light", "dark"}
    assert len(drawing.figure.axes[0].get_xticks()) == 2


def test_a_single_run_makes_a_box(study):
    """One seed is drawn, flat."""
    one = study[study["seed"] == 0]
    drawing = boxes.draw(one, MSE, LIGHT_AND_DARK)
    assert len(drawing.data) == 6


def test_the_note_says_how_many(study):
    """Runs per box and images per run are stated in the picture."""
    drawing = boxes.draw(study, MSE, LIGHT_AND_DARK, "Phantom images.")
    note = " ".join(text.get_text() for text in drawing.figure.texts).replace("\n", " ")
    assert "means of 4 runs per box over 30 test images each" in note
    assert "Phantom images." in note


def test_the_legend_says_what_the_groups_hold(study):
    """The legend says what "dark" means, in the words of the study's settings."""
    groups = Groups("light", "dark", {"light": "FST 1-2", "dark": "FST 4-6"})
    figure = boxes.draw(study, MSE, groups).figure
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "test: light (FST 1\N{EN DASH}2)",
        "test: dark (FST 4\N{EN DASH}6)",
    ]


def test_a_third_group_has_boxes_of_its_own(study):
    """A group that is only assessed is drawn beside the pair, and boxes do not overlap."""
    third = study[study["group"] == "dark"].assign(group="middle")
    groups = Groups("light", "dark", {"light": "", "dark": "", "middle": "FST 3-4"})
    drawing = boxes.draw(pd.concat([study, third]), MSE, groups)
    axes = drawing.figure.axes[0]
    assert len(axes.patches) == 3 * 3
    edges = sorted(
        (box.get_path().vertices[:, 0].min(), box.get_path().vertices[:, 0].max())
        for box in axes.patches
    )
    assert all(left[1] < right[0] for left, right in itertools.pairwise(edges))
    assert len(drawing.figure.legends[0].get_texts()) == 3


def test_other_variables_stand_under_their_own_names(study):
    """Groups by sex are named by sex, in the legend and in the shares of the mixes."""
    by_sex = study.assign(group=study["group"].map({"light": "male", "dark": "female"}))
    figure = boxes.draw(by_sex, MSE, Groups("male", "female", {})).figure
    texts = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert [text.split("\n")[1] for text in texts] == ["0 % female", "50 % female", "100 % female"]
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["test: male", "test: female"]
