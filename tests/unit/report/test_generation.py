"""Sentences on samples say what the interval allows."""

from __future__ import annotations

import pandas as pd
import pytest

from tonegap.groups import LIGHT_AND_DARK
from tonegap.report.generation import generation_sentences


def rows(**numbers: float) -> pd.DataFrame:
    return pd.DataFrame([{"sampler": "prior", "reason": ""} | numbers])


@pytest.mark.parametrize(
    ("low", "slope", "high", "said"),
    [
        (0.9, 1.02, 1.1, "is consistent with following their share"),
        (0.5, 0.6, 0.7, "follows their share in training too little"),
        (1.1, 1.2, 1.3, "exaggerates their share"),
        (-0.1, 0.0, 0.1, "follows their share in training too little"),
    ],
)
def test_the_reading_follows_the_interval(low, slope, high, said):
    """1 inside: consistent; below or above it: too little, or exaggerated."""
    (found,) = generation_sentences(rows(low=low, slope=slope, high=high), LIGHT_AND_DARK)
    assert said in found
    assert f"slope {slope:.2f}, 95 % interval {low:.2f} to {high:.2f}; 1 is faithful" in found
    assert found.startswith("Among draws from the models' prior, the share of dark images")


def test_a_study_without_an_interval_says_why():
    """The reason in place of numbers; no sentence without samples."""
    nothing = dict.fromkeys(("slope", "low", "high"), float("nan"))
    (found,) = generation_sentences(rows(**nothing).assign(reason="2 seeds"), LIGHT_AND_DARK)
    assert found.endswith("cannot be followed over the mixes: 2 seeds.")
    assert generation_sentences(pd.DataFrame(columns=["mix"]), LIGHT_AND_DARK) == []
