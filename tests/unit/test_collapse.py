"""A collapsed posterior looks like parity: it is named, in a run and in a study."""

from __future__ import annotations

import pandas as pd
import pytest

from tonegap.collapse import collapse_warning, is_collapsed
from tonegap.facts import caveats_of


@pytest.mark.parametrize(
    ("sigma", "collapsed"),
    [
        ([1.0, 1.0], True),
        ([0.995, 1.004], True),
        ([1.0, None], True),
        ([0.3, 0.3], False),
        ([1.0, 0.9], False),
        ([None, None], False),
        ([], False),
    ],
)
def test_every_image_at_the_priors_deviation_is_a_collapse(sigma, collapsed):
    """One image that the latent knows of is none; a model without a posterior neither."""
    assert is_collapsed(pd.Series(sigma, dtype="float64")) is collapsed


def test_the_words_say_that_it_is_no_parity():
    """One run, some runs, no run."""
    assert "no parity" in collapse_warning(1, of=1)
    assert collapse_warning(2, of=30).startswith("In 2 of 30 runs the posterior has collapsed")
    assert collapse_warning(0, of=30) == ""
    assert (
        "In 1 of 3 runs" in caveats_of({"collapsed": ["a"], "runs_done": 3, "runs_planned": 3})[0]
    )
    assert caveats_of({"collapsed": [], "runs_done": 3, "runs_planned": 3}) == []
