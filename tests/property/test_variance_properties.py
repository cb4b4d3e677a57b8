"""What holds for every crossed design, balanced or not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tonegap.statistics.design import Arm, Design
from tonegap.statistics.variance import contrast_influence, two_way_variance

SHAPES = st.tuples(
    st.integers(0, 2**32 - 1), st.integers(8, 60), st.integers(2, 12), st.integers(2, 5)
)


def drawn_design(shape: tuple[int, int, int, int]) -> tuple[Design, np.ndarray]:
    """Make a random incidence of units in seeds and two arms, and values from a normal."""
    rng, rows = np.random.default_rng(shape[0]), shape[1]
    unit, seed = rng.integers(0, shape[2], rows), rng.integers(0, shape[3], rows)
    # Two units and, in each arm (even rows, odd rows), two seeds at least.
    unit[:4], seed[:4] = (0, 1, 0, 1), (0, 1, 1, 0)
    codes = (np.unique(unit, return_inverse=True)[1], np.unique(seed, return_inverse=True)[1])
    arms = (Arm(0.5, "dark"), Arm(0.5, "light"))
    ids = np.arange(rows)
    return Design(arms, ids % 2, codes[0], codes[1], ids, ids), rng.normal(size=rows)


GAP = np.array([1.0, -1.0])


@settings(max_examples=60, deadline=None)
@given(SHAPES, st.floats(0.1, 100.0), st.floats(-100.0, 100.0))
def test_variance_scales_with_the_square_and_ignores_shifts(shape, factor, shift) -> None:
    """Units of measurement do not matter: variance(a x + b) = a^2 variance(x)."""
    design, values = drawn_design(shape)
    plain = two_way_variance(design, contrast_influence(design, values, GAP), GAP)
    moved = factor * values + shift
    other = two_way_variance(design, contrast_influence(design, moved, GAP), GAP)
    assert other.total == pytest.approx(factor**2 * plain.total, rel=1e-5, abs=1e-9)
    assert other.df == pytest.approx(plain.df, rel=1e-4)


@settings(max_examples=60, deadline=None)
@given(SHAPES)
@example((9, 14, 4, 5))  # as many units as seeds
def test_variance_is_positive_and_df_lie_between_the_fewer_and_the_sum(shape) -> None:
    """However few seeds agree by chance, the variance stays positive.

    Degrees of freedom of a sum of two variances lie between those of the one that is known worse
    and the sum of both (Satterthwaite 1946, Biometrics 2:110).
    """
    design, values = drawn_design(shape)
    found = two_way_variance(design, contrast_influence(design, values, GAP), GAP)
    assert found.total > 0.0
    assert found.noise >= 0.0
    assert found.total >= found.between_seeds
    both = (found.n_units - 1, found.n_seeds - 1)
    assert min(both) * (1 - 1e-12) <= found.df <= sum(both) * (1 + 1e-12)


@settings(max_examples=40, deadline=None)
@given(SHAPES)
def test_the_order_of_rows_does_not_matter(shape) -> None:
    """Variances are those of the table, not of its order."""
    design, values = drawn_design(shape)
    order = np.random.default_rng(1).permutation(values.size)
    turned = Design(design.arms, *(getattr(design, n)[order] for n in _CODES))
    first = two_way_variance(design, contrast_influence(design, values, GAP), GAP)
    second = two_way_variance(turned, contrast_influence(turned, values[order], GAP), GAP)
    assert second.total == pytest.approx(first.total)


_CODES = ("arm", "unit", "seed", "image", "run")
