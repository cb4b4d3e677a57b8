"""Distinct images: the closed form, and the number that all mixes can hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tonegap.sampling.diversity import (
    divide,
    equal_distinct,
    expected_distinct,
    repetition,
    repetitive_draws,
)


@pytest.mark.parametrize(("pool", "draws"), [(1, 5), (2, 3), (7, 4), (50, 80)])
def test_expected_distinct_is_the_sum_over_images(pool, draws):
    """The closed form equals one minus the chance to miss an image, summed over images."""
    assert expected_distinct(pool, draws) == pytest.approx(pool * (1 - (1 - 1 / pool) ** draws))


def test_expected_distinct_agrees_with_simulation():
    """Simulated draws with replacement have the expected diversity, within 5 standard errors."""
    rng = np.random.default_rng(4)
    counts = [len(np.unique(rng.integers(40, size=60))) for _ in range(2000)]
    error = np.std(counts) / np.sqrt(len(counts))
    assert expected_distinct(40, 60) == pytest.approx(np.mean(counts), abs=5 * error)


@pytest.mark.parametrize(("pool", "draws"), [(0, 0), (0, 9), (9, 0)])
def test_nothing_drawn_is_nothing_distinct(pool, draws):
    """Without pool or draws the expectation is zero, not an error."""
    assert expected_distinct(pool, draws) == 0


def test_the_papers_mixes_have_the_known_diversity():
    """The paper's draws hold 1,490 (light), 788 + 656 (mixed), 1,055 (dark) images."""
    found = [
        expected_distinct(n, k) for n, k in [(7255, 1668), (7255, 834), (1668, 834), (1668, 1668)]
    ]
    assert [round(value) for value in found] == [1490, 788, 656, 1055]


def test_the_papers_mixes_come_down_to_the_dark_one():
    """Equal diversity leaves the paper's least diverse mix as it is."""
    assert equal_distinct((7255, 1668), 1668) == int(expected_distinct(1668, 1668))


@pytest.mark.parametrize(
    "pools", [(30, 4), (4, 30), (1, 1), (12, 12), (7255, 1668), (10**6, 10**6)]
)
@pytest.mark.parametrize("compared", [0, 1, 5, 10, 19, 20])
def test_every_mix_can_hold_as_many(pools, compared):
    """No group is asked for more than its draws and its pool, nor, rounding apart, than by chance.

    So a mix that nobody has thought of yet changes the number for none of the others.
    """
    draws = (20 - compared, compared)
    parts = divide(equal_distinct(pools, 20), draws)
    for part, pool, count in zip(parts, pools, draws, strict=True):
        assert part <= min(pool, count)
        assert part <= max(expected_distinct(pool, count) + 0.5, count > 0)


def test_an_empty_pool_leaves_nothing_to_hold():
    """The number is that of the smaller pool."""
    assert equal_distinct((0, 5), 20) == 0


def test_divide_rounds_half_up_and_leaves_no_drawn_group_empty():
    """Images are divided as the draws are, and a group with draws has one at least."""
    assert divide(5, (10, 10)) == (2, 3)
    assert divide(7, (20, 0)) == (7, 0)
    assert divide(3, (99, 1)) == (2, 1)
    assert divide(3, (1, 99)) == (1, 2)


@pytest.mark.parametrize(
    ("distinct", "draws", "expected"),
    [(26, 332, True), (1055, 1668, False), (5, 15, False), (5, 16, True), (0, 0, False)],
)
def test_draws_that_repeat_their_images_too_often(distinct, draws, expected):
    """332 draws of 26 images repeat too often, the paper's and exactly three each are not."""
    assert bool(repetition("dark", draws, distinct)) is expected


def test_the_threshold_is_where_the_pool_is_exhausted():
    """At MOST_REPEATS draws per distinct image, drawing has seen 94 % of a large pool."""
    pool = 100_000
    seen = next(
        distinct / pool
        for draws in range(pool, 5 * pool, 500)
        if repetition("dark", draws, int(distinct := expected_distinct(pool, draws)))
    )
    assert seen == pytest.approx(0.94, abs=0.005)


def test_only_groups_that_are_drawn_too_often_are_described():
    """Each group of the training draw is judged by its own images; test rows do not count."""
    split = pd.DataFrame(
        [("train", "a", "x")] * 4
        + [("train", "b", name) for name in "pqrs"]
        + [("test", "b", "p")] * 9,
        columns=["role", "group", "md5hash"],
    )
    (line,) = repetitive_draws(split)
    assert line.startswith("4 training draws of the group a hold 1 distinct images, each 4.0 times")
    assert repetitive_draws(split[split["role"] == "test"]) == []
