"""The figure of samples: a point per run, and the slope that the statistics give."""

from __future__ import annotations

import pandas as pd
import pytest

from tonegap.figures import generation
from tonegap.groups import LIGHT_AND_DARK
from tonegap.statistics.amplification import amplification


@pytest.fixture
def runs(study) -> pd.DataFrame:
    return study.assign(sample_share_fitted=study["share"])


def test_every_run_is_a_point_of_each_sampler(runs) -> None:
    """One panel per sampler, with the numbers of the table."""
    drawing = generation.draw(runs, LIGHT_AND_DARK, "Phantom images.")
    by_run = runs.drop_duplicates("run")
    assert drawing.data["run"].tolist() == by_run["run"].tolist()
    panels = drawing.figure.axes
    assert len(panels) == 2
    for axes, name in zip(panels, ("sample_share_prior", "sample_share_fitted"), strict=True):
        points = pd.DataFrame(axes.collections[0].get_offsets(), columns=["share", name])
        assert points["share"].tolist() == by_run["share"].tolist()
        assert points[name].tolist() == pytest.approx(by_run[name].tolist())


def test_the_note_has_the_slopes_of_the_statistics(runs) -> None:
    """The figure and metrics/amplification.csv say the same."""
    drawing = generation.draw(runs, LIGHT_AND_DARK)
    note = " ".join(text.get_text() for text in drawing.figure.findobj(match=_has_text))
    for row in amplification(runs).to_dict("records"):
        assert f"{row['sampler']} {row['slope']:.2f} ({row['low']:.2f}" in " ".join(note.split())


def test_a_study_without_samples_has_no_figure(study) -> None:
    """None, so that the catalogue says why."""
    assert generation.draw(study.drop(columns="sample_share_prior"), LIGHT_AND_DARK) is None


def _has_text(artist) -> bool:
    return hasattr(artist, "get_text")
