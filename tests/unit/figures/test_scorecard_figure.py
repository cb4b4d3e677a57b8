"""The drawn scorecard shows the numbers of its table, line by line."""

from __future__ import annotations

import numpy as np
import pytest

from tonegap.figures.encoding import svg_bytes
from tonegap.figures.scorecard import draw
from tonegap.groups import LIGHT_AND_DARK
from tonegap.statistics.scorecard import scorecard


@pytest.fixture(scope="module")
def card(study_images):
    kl = study_images["mse"] * 100.0 + study_images["nmse"]
    return scorecard(study_images.assign(u_kl=kl), LIGHT_AND_DARK)


def test_every_score_has_its_line(card) -> None:
    """Sigma on top, the error itself below; equal tables give equal bytes."""
    drawing = draw(card, LIGHT_AND_DARK, "Phantom.")
    left, right = drawing.figure.axes[:2]
    words = [label.get_text() for label in left.get_yticklabels()]
    assert words == ["Sigma", "KL", "MSE of PCA", "The error itself"]
    assert left.get_ylim()[0] > left.get_ylim()[1]
    again = draw(card, LIGHT_AND_DARK, "Phantom.")
    assert svg_bytes(drawing.figure) == svg_bytes(again.figure)
    assert b"Phantom." in svg_bytes(drawing.figure)
    drawn = np.concatenate([line.get_xdata() for line in right.lines if len(line.get_xdata())])
    for value in card.loc[card["quantity"] == "interaction", "estimate"]:
        assert np.isclose(drawn.astype(float), value).any()


def test_a_score_without_numbers_keeps_its_line(card) -> None:
    """What was not assessed is left out, and its name stays."""
    gone = card.assign(estimate=card["estimate"].mask(card["score"] == "sigma"))
    axes = draw(gone, LIGHT_AND_DARK).figure.axes[0]
    assert axes.get_yticklabels()[0].get_text() == "Sigma"
    places = np.concatenate([np.atleast_1d(line.get_ydata()) for line in axes.lines])
    assert not np.isclose(places.astype(float), 0.17, atol=0.01).any()
