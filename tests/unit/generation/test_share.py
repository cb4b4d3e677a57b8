"""Shares among samples: the adjusted count, and a classifier that is judged on unseen images."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sampled_phantoms import PER_GROUP

from tonegap.generation.share import MIN_DIFFERENCE, adjusted_count, fit_group_classifier
from tonegap.statistics.amplification import amplification

IS_DARK = np.repeat([False, True], PER_GROUP)
CLUSTER = np.arange(2 * PER_GROUP)
RATES = st.floats(0.0, 1.0)


@given(share=RATES, tpr=RATES, fpr=RATES)
def test_the_adjusted_count_undoes_the_classifiers_mistakes(share, tpr, fpr) -> None:
    """Whatever its rates, the expected count gives the true share; NaN if it knows little."""
    counted = share * tpr + (1.0 - share) * fpr
    found = adjusted_count(counted, tpr, fpr)
    if tpr - fpr < MIN_DIFFERENCE:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize(
    ("counted", "expected"), [(0.05, 0.0), (0.1, 0.0), (0.5, 0.5), (0.95, 1.0)]
)
def test_the_adjusted_count_stays_a_share(counted: float, expected: float) -> None:
    """Counts beyond what the rates allow are clipped."""
    assert adjusted_count(counted, 0.9, 0.1) == pytest.approx(expected)


@pytest.mark.parametrize("rate", [0.0, math.nan])
def test_unknown_rates_give_no_share(rate: float) -> None:
    """NaN, never a clipped guess."""
    assert math.isnan(adjusted_count(0.5, rate, 0.0))


@pytest.mark.parametrize("dark", [0, 12, 48, 60])
def test_planted_draws_are_counted(world, space, dark: int) -> None:
    """Sixty held-out images, of which 80 % (or another share) are dark."""
    classifier = fit_group_classifier(space.points(world.test().test), IS_DARK, CLUSTER)
    taken = classifier.is_compared(space.points(world.held_out(60 - dark, dark)))
    found = adjusted_count(float(taken.mean()), classifier.tpr, classifier.fpr)
    assert found == pytest.approx(dark / 60, abs=0.1)
    assert classifier.tpr - classifier.fpr > 0.7


@pytest.mark.parametrize(("dropped", "slope"), [(0.0, 1.0), (1.0, 0.0)])
def test_shares_follow_the_mix_with_the_slope_of_the_sampler(
    world, space, dropped: float, slope: float
) -> None:
    """Held-out images drawn by the mix give slope 1; a sampler without dark images gives 0."""
    classifier = fit_group_classifier(space.points(world.test().test), IS_DARK, CLUSTER)
    held = {group: space.points(getattr(world, group)[PER_GROUP:]) for group in ("light", "dark")}
    runs = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        for share in (0.0, 0.5, 1.0):
            dark = round(60 * share * (1.0 - dropped))
            drawn = [rng.choice(held["light"], 60 - dark), rng.choice(held["dark"], dark)]
            counted = float(classifier.is_compared(np.concatenate(drawn)).mean())
            found = adjusted_count(counted, classifier.tpr, classifier.fpr)
            runs.append({"run": f"{share}-{seed}", "seed": seed, "share": share,
                         "sample_share_prior": found})  # fmt: skip
    (row,) = amplification(pd.DataFrame(runs)).to_dict("records")
    assert row["slope"] == pytest.approx(slope, abs=0.1)


def test_rates_are_of_images_that_the_classifier_did_not_see() -> None:
    """Noise: it learns the images by heart, and recognises no others."""
    points = np.random.default_rng(0).normal(size=(120, 300))
    classifier = fit_group_classifier(points, IS_DARK, CLUSTER)
    assert (classifier.is_compared(points) == IS_DARK).all()
    assert abs(classifier.tpr - classifier.fpr) < 0.25


def test_near_duplicates_are_not_judged_by_each_other() -> None:
    """Each noise image four times over: by clusters the rates stay those of a coin."""
    rng = np.random.default_rng(0)
    points = np.repeat(rng.normal(size=(30, 300)), 4, axis=0)
    cluster = np.repeat(np.arange(30), 4)
    known = fit_group_classifier(points, IS_DARK, np.arange(120))
    judged = fit_group_classifier(points, IS_DARK, cluster)
    assert known.tpr - known.fpr > 0.9
    assert abs(judged.tpr - judged.fpr) < 0.5


@pytest.mark.parametrize("compared", [np.zeros(6, dtype=bool), np.arange(6) == 0])
def test_no_classifier_of_one_group_or_one_image(compared: np.ndarray) -> None:
    """None where nothing is left to judge by."""
    points = np.random.default_rng(0).normal(size=(6, 3))
    assert fit_group_classifier(points, compared, np.arange(6)) is None


def test_no_samples_are_none_of_the_group(world, space) -> None:
    """An empty set has an empty answer."""
    classifier = fit_group_classifier(space.points(world.test().test), IS_DARK, CLUSTER)
    assert classifier.is_compared(np.empty((0, len(space.scales)))).shape == (0,)
