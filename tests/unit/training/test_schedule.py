"""The learning rate rises linearly, then falls along half a cosine, as a function of the step."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tonegap.training.schedule import LearningRate

RATES = st.builds(
    LearningRate,
    peak=st.floats(1e-6, 1.0),
    schedule=st.sampled_from(["constant", "cosine"]),
    warmup=st.floats(0.0, 0.99),
    steps=st.integers(1, 2000),
)


@given(RATES)
def test_every_rate_lies_in_the_range(rate):
    """No step is wasted at zero, none is above the peak."""
    found = [rate.at(step) for step in range(rate.steps)]
    assert all(0.0 < value <= rate.peak for value in found)


@given(RATES)
def test_the_rate_rises_then_falls(rate):
    """The warm-up ends at the peak; after it no rate is larger than the one before."""
    found = [rate.at(step) for step in range(rate.steps)]
    top = round(rate.warmup * rate.steps)
    assert all(a < b for a, b in itertools.pairwise(found[: top + 1]))
    assert all(a >= b for a, b in itertools.pairwise(found[top:]))


def test_the_papers_rate_is_constant():
    """Without warm-up every step has the same rate."""
    rate = LearningRate(1e-4, "constant", 0.0, 405)
    assert {rate.at(step) for step in range(405)} == {1e-4}


def test_the_cosine_is_pytorchs():
    """Without warm-up the rates are those of CosineAnnealingLR."""
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=50)
    ours = LearningRate(0.3, "cosine", 0.0, 50)
    for step in range(50):
        assert math.isclose(ours.at(step), optimiser.param_groups[0]["lr"], rel_tol=1e-9)
        optimiser.step()
        theirs.step()


def test_the_warm_up_is_linear():
    """Steps of a warm-up of nine have tenths of the peak."""
    rate = LearningRate(1.0, "cosine", 0.3, 30)
    assert [rate.at(step) for step in range(10)] == pytest.approx([k / 10 for k in range(1, 11)])
