"""Boxes: their numbers are Tukey's, and every run is shown."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.cbook import boxplot_stats

from tonegap.figures import boxes
from tonegap.figures.boxes import box_of

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
    drawing = boxes.draw(study, "mse", "MSE, [-1, 1] range", "scale")
    axes = drawing.figure.axes[0]
    drawn = np.concatenate([points.get_offsets()[:, 1] for points in axes.collections])
    np.testing.assert_allclose(np.sort(drawn), np.sort(drawing.data["mse"]))
    medians = drawing.data.groupby(["mix", "group"])["mse"].median()
    flat = [line.get_ydata() for line in axes.lines if len(set(line.get_ydata())) == 1]
    heights = {round(float(y[0]), 12) for y in flat}
    assert {round(float(median), 12) for median in medians} <= heights


def test_mixes_stand_in_order_of_their_dark_share(study):
    """From no dark images to dark images only, each named with its share."""
    axes = boxes.draw(study, "mse", "MSE, [-1, 1] range", "scale").figure.axes[0]
    labels = [text.get_text() for text in axes.get_xticklabels()]
    assert [label.split("\n")[1] for label in labels] == ["0 % dark", "50 % dark", "100 % dark"]
    assert axes.get_ylabel() == "MSE, [-1, 1] range"


def test_runs_without_the_metric_are_left_out(study):
    """A model without a posterior has no sigma: its runs are not drawn as zero."""
    some = study.assign(sigma=study["sigma"].where(study["mix"] != "mixed"))
    drawing = boxes.draw(some, "sigma", "sigma", "scale")
    assert set(drawing.data["mix"]) == {"light", "dark"}
    assert len(drawing.figure.axes[0].get_xticks()) == 2


def test_a_single_run_makes_a_box(study):
    """One seed is drawn, flat."""
    one = study[study["seed"] == 0]
    drawing = boxes.draw(one, "mse", "MSE, [-1, 1] range", "dark_4_6")
    assert len(drawing.data) == 6


def test_the_note_says_how_many(study):
    """Runs per box and images per run are stated in the picture."""
    drawing = boxes.draw(study, "mse", "MSE", "scale", "Phantom images.")
    note = " ".join(text.get_text() for text in drawing.figure.texts).replace("\n", " ")
    assert "means of 4 runs per box over 30 test images each" in note
    assert "Phantom images." in note


@pytest.mark.parametrize(
    ("definition", "expected"),
    [("scale", "dark (FST 5\N{EN DASH}6)"), ("dark_4_6", "dark (FST 4\N{EN DASH}6)")],
)
def test_the_legend_names_the_skin_types(study, definition, expected):
    """What "dark" means stands in the legend, by definition."""
    figure = boxes.draw(study, "mse", "MSE", definition).figure
    assert any(expected in text.get_text() for text in figure.legends[0].get_texts())
