"""The Gaussian of training latents: scikit-learn's covariance, never formed."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from tonegap.generation.latent_gaussian import fit_latent_gaussian


@pytest.mark.parametrize(("rows", "width"), [(40, 6), (12, 30)])
def test_draws_have_the_shrunken_covariance(rows: int, width: int) -> None:
    """Of Ledoit and Wolf, with more dimensions than rows, too; plus the mean variances."""
    rng = np.random.default_rng(0)
    means = rng.normal(size=(rows, width)) @ np.diag(np.linspace(0.2, 3.0, width)) + 5.0
    variances = rng.uniform(0.1, 1.0, (rows, width))
    fitted = LedoitWolf().fit(means)
    gaussian = fit_latent_gaussian(means, variances)
    assert gaussian.shrinkage == pytest.approx(fitted.shrinkage_)
    drawn = gaussian.draw(60_000, np.random.default_rng(1))
    expected = fitted.covariance_ + np.diag(variances.mean(axis=0))
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(np.cov(drawn.T) / scale, expected / scale, atol=0.03)
    np.testing.assert_allclose(drawn.mean(axis=0), means.mean(axis=0), atol=0.06)


def test_a_prior_like_posterior_gives_the_prior() -> None:
    """Where the latent says nothing, means of 0 and variances of 1, draws are standard normal."""
    gaussian = fit_latent_gaussian(np.zeros((5, 20)), np.ones((5, 20)))
    drawn = gaussian.draw(5_000, np.random.default_rng(0))
    assert drawn.mean() == pytest.approx(0.0, abs=0.02)
    assert drawn.std() == pytest.approx(1.0, abs=0.02)


def test_one_draw_has_no_covariance() -> None:
    """A single training image, or the same one throughout: only its own posterior."""
    for rows in (1, 3):
        means = np.full((rows, 4), 2.0)
        gaussian = fit_latent_gaussian(means, np.zeros((rows, 4)))
        assert (gaussian.draw(3, np.random.default_rng(0)) == 2.0).all()


def test_equal_generators_give_equal_draws() -> None:
    """Draws depend on the generator alone."""
    gaussian = fit_latent_gaussian(np.eye(4), np.ones((4, 4)))
    one, other = (gaussian.draw(3, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
