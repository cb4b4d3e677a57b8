"""The two-way variance against closed forms, loops and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tonegap.statistics.design import Arm, Design
from tonegap.statistics.variance import (
    TwoWayVariance,
    arm_means,
    contrast_influence,
    two_way_variance,
)


def one_arm(unit: np.ndarray, seed: np.ndarray) -> Design:
    """Make a design with a single arm, each row its own image and run."""
    rows = np.arange(unit.size)
    return Design((Arm(0.5, "dark"),), np.zeros(unit.size, int), unit, seed, rows, rows)


def crossed(n_units: int, n_seeds: int) -> Design:
    """Every unit in every seed."""
    unit, seed = np.divmod(np.arange(n_units * n_seeds), n_seeds)
    return one_arm(unit, seed)


def of(design: Design, values: np.ndarray) -> TwoWayVariance:
    """Variance of the single arm's mean."""
    one = np.ones(1)
    return two_way_variance(design, contrast_influence(design, values, one), one)


def test_influence_sums_to_zero_and_is_the_derivative_of_the_contrast() -> None:
    """Moving one row's weight moves the contrast by its influence."""
    rng = np.random.default_rng(0)
    arm = rng.permutation(np.repeat([0, 1], [7, 5]))
    rows = np.arange(12)
    arms = (Arm(0.5, "dark"), Arm(0.5, "light"))
    design = Design(arms, arm, rows, rows % 2, rows, rows)
    values, coefficients = rng.normal(size=12), np.array([1.0, -1.0])
    influence = contrast_influence(design, values, coefficients)
    assert influence.sum() == pytest.approx(0.0, abs=1e-12)
    step = 1e-6
    weights = np.ones(12)
    weights[4] += step
    moved = [np.average(values[arm == a], weights=weights[arm == a]) for a in (0, 1)]
    plain, _ = arm_means(design, values)
    derivative = (coefficients @ moved - coefficients @ plain) / step
    assert influence[4] == pytest.approx(derivative, rel=1e-4)


def test_parts_equal_their_definition_in_loops() -> None:
    """Image, seed and noise parts are the sums that the module's docstring states."""
    rng = np.random.default_rng(1)
    unit, seed = rng.integers(0, 9, 40), rng.integers(0, 4, 40)
    design, values = one_arm(unit, seed), rng.normal(size=40)
    e = (values - values.mean()) / values.size
    units, seeds = np.unique(unit), np.unique(seed)
    image = sum(e[unit == i].sum() ** 2 for i in units)
    scatter = sum(e[seed == s].sum() ** 2 for s in seeds)
    cells = sum(e[(unit == i) & (seed == s)].sum() ** 2 for i in units for s in seeds)
    found = of(design, values)
    assert found.image == pytest.approx(image * units.size / (units.size - 1))
    assert found.between_seeds == pytest.approx(scatter * 4 / 3)
    assert found.noise == pytest.approx(4 / 3 * (cells - image / 4))


def test_a_balanced_crossing_gives_the_analysis_of_variance() -> None:
    """In a full crossing the parts are the mean squares of two-way random effects.

    Searle, Casella, McCulloch (1992), section 4.4: Var(mean) = (MSA + MSB - MSE) / (a b).
    """
    rng = np.random.default_rng(2)
    a, b = 12, 5
    y = rng.normal(size=(a, b)) + rng.normal(size=(a, 1)) + rng.normal(size=(1, b))
    ms_unit = b * y.mean(axis=1).var(ddof=1)
    ms_seed = a * y.mean(axis=0).var(ddof=1)
    residual = y - y.mean(1, keepdims=True) - y.mean(0, keepdims=True) + y.mean()
    ms_error = (residual**2).sum() / ((a - 1) * (b - 1))
    found = of(crossed(a, b), y.ravel())
    assert found.image == pytest.approx(ms_unit / (a * b))
    assert found.between_seeds == pytest.approx(ms_seed / (a * b))
    # `noise` holds the seeds' own scatter once per image: of the order 1 / a.
    expected = ((a - 1) * ms_error + ms_seed) / (a * b * a)
    assert found.noise == pytest.approx(expected)


def test_the_variance_is_unbiased_for_two_way_random_effects() -> None:
    """Averaged over 4,000 small studies it is the true variance of the mean.

    Var(mean) = image^2 / a + seed^2 / b + cell^2 / (a b) in a full crossing.
    """
    rng = np.random.default_rng(3)
    a, b, sd = 30, 4, (1.0, 0.4, 0.5)
    design = crossed(a, b)
    totals = []
    for _ in range(4000):
        y = (
            sd[0] * rng.normal(size=(a, 1))
            + sd[1] * rng.normal(size=(1, b))
            + sd[2] * rng.normal(size=(a, b))
        )
        found = of(design, y.ravel())
        totals.append(found.total)
    truth = sd[0] ** 2 / a + sd[1] ** 2 / b + sd[2] ** 2 / (a * b)
    # `noise` takes away the 1 / a of the seeds' variance (see the test above).
    assert np.mean(totals) == pytest.approx(truth - sd[1] ** 2 / (a * b), rel=0.03)


def test_with_images_seen_once_only_seeds_and_cells_remain() -> None:
    """Where no image comes back the variance is that of a mean of seed means.

    This is the Cameron-Gelbach-Miller form too: image and cell parts cancel.
    """
    rng = np.random.default_rng(4)
    seed = np.repeat(np.arange(6), 20)
    values = rng.normal(size=120) + seed
    found = of(one_arm(np.arange(120), seed), values)
    by_seed = values.reshape(6, 20).mean(axis=1)
    assert found.between_seeds == pytest.approx(stats.sem(by_seed) ** 2)
    assert found.total == pytest.approx(found.between_seeds, rel=1e-3)
    assert found.df == pytest.approx(5, rel=0.05)


def test_df_lie_between_seeds_and_units() -> None:
    """Seeds that decide leave S - 1 degrees of freedom, never fewer; else there are many."""
    many = TwoWayVariance(image=1.0, between_seeds=1e-6, noise=0.0, n_units=500, n_seeds=4)
    few = TwoWayVariance(image=1e-6, between_seeds=1.0, noise=0.0, n_units=500, n_seeds=4)
    assert many.df == pytest.approx(499, rel=1e-3)
    assert few.df == pytest.approx(3, rel=1e-3)
    noisy = TwoWayVariance(image=1.0, between_seeds=0.5, noise=1.1, n_units=500, n_seeds=4)
    assert noisy.df == pytest.approx(3, abs=0.01)


def test_shrinkage_of_the_weights_reproduces_the_variance() -> None:
    """The sum image * g^2 + f^2 * (between + noise) is the whole variance, in either case."""
    positive = TwoWayVariance(2.0, 1.5, 0.5, 100, 10)
    f = positive.seed_shrinkage
    assert positive.image + f**2 * (1.5 + 0.5) == pytest.approx(positive.total)
    negative = TwoWayVariance(2.0, 0.5, 1.5, 100, 10)
    assert negative.seed_shrinkage == 0.0
    assert negative.image * negative.image_shrinkage**2 == pytest.approx(negative.total)


@pytest.mark.parametrize(("unit", "seed"), [([0, 0, 0], [0, 1, 2]), ([0, 1, 2], [0, 0, 0])])
def test_one_unit_or_one_seed_has_no_variance(unit, seed) -> None:
    """Scatter between one thing cannot be seen, and is refused."""
    with pytest.raises(ValueError, match="needs two units and two seeds"):
        of(one_arm(np.array(unit), np.array(seed)), np.array([1.0, 2.0, 4.0]))
