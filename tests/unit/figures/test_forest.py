"""Forest plots show the numbers of their tables, line by line."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from confounded_study import draw_confounded

from tonegap.figures.encoding import svg_bytes
from tonegap.figures.forest import draw_comparison, draw_decomposition, draw_forest
from tonegap.groups import LIGHT_AND_DARK
from tonegap.statistics.comparison import compare
from tonegap.statistics.decomposition import decompose


@pytest.fixture(scope="module")
def table():
    return draw_confounded(np.random.default_rng(0), tone=0.3, condition=0.4)


def test_lines_stand_in_order_with_estimate_and_interval() -> None:
    """Top to bottom; what was not assessed says so."""
    rows = pd.DataFrame(
        {
            "label": ["first", "second"],
            "percent": [12.3, np.nan],
            "percent_low": [-0.02, np.nan],
            "percent_high": [25.0, np.nan],
            "emphasis": [True, False],
        }
    )
    drawing = draw_forest(rows, "Gap, %")
    axes = drawing.figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["first", "second"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["12 (0.0 to 25)", "not assessed"]
    bar = next(
        line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_ydata()[1] == 0
    )
    assert list(bar.get_xdata()) == [-0.02, 25.0]


def test_the_decomposition_shows_every_step_overall(table) -> None:
    """The band of reliabilities stands below its codec, weakly; encoding repeats to the byte."""
    found = decompose(table, LIGHT_AND_DARK)
    drawing = draw_decomposition(found, LIGHT_AND_DARK, "Phantom.")
    assert list(drawing.data["percent"]) == list(found[found["mix"] == "overall"]["percent"])
    labels = list(drawing.data["label"])
    place = labels.index("+ error of JPEG")
    assert labels[place + 1 : place + 3] == ["at reliability 0.85", "at reliability 0.7"]
    assert list(drawing.data["emphasis"][place : place + 3]) == [True, False, False]
    again = draw_decomposition(found, LIGHT_AND_DARK, "Phantom.")
    assert svg_bytes(drawing.figure) == svg_bytes(again.figure)
    assert b"Phantom." in svg_bytes(drawing.figure)


def test_the_comparison_names_the_groups(table) -> None:
    """Changes strongly, the two gaps weakly."""
    found = compare(table, table.assign(mse=table["mse"] * 0.9), LIGHT_AND_DARK)
    data = draw_comparison(found.table, LIGHT_AND_DARK).data
    assert list(data["label"][:2]) == ["error, light", "error, dark"]
    assert list(data["emphasis"]) == [True, True, True, False, False]
    np.testing.assert_allclose(data["percent"][:2], -10.0)
