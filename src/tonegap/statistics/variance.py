"""How far a contrast of arm means may be off: variance over images and over seeds.

A contrast is a linear combination of arm means. Each row moves it by its *influence*
``c[arm] * (value - mean[arm]) / n[arm]``; these sum to zero. With ``e_is`` the influence of
unit i in seed s (all its rows together) the pieces are

- ``image``: ``sum_i (sum_s e_is)^2``, what another draw of images would change;
- ``between_seeds``: ``S / (S - 1) * sum_s (sum_i e_is)^2``, the scatter of seeds;
- ``noise``: ``S / (S - 1) * (sum_is e_is^2 - image / S)``, the scatter of seeds that their
  different images and the noise of single cells alone bring about, already in ``image``.

The variance is ``between_seeds + max(image - noise, 0)``: the scatter of seeds, and what
images add to it because they come back from seed to seed. It is the two-way cluster variance
of Cameron, Gelbach and Miller (2011, J. Bus. Econ. Stat. 29:238, eq. 2.8) with their
intersection term replaced by ``noise``. Where each image occurs once the two agree; in a full
crossing of images and seeds theirs takes away 1/S of the image variance, which matters with few
seeds, and ours is unbiased but for the positive part, a shrinkage as in Menzel (2021,
Econometrica 89:2143). With it goes a t quantile whose degrees of freedom lie between
``n_seeds - 1`` (seeds decide) and the number of images (seeds hardly matter).

Simulated null studies chose this rule among eight (``docs/experiments.md``): setting a negative
``between_seeds - noise`` to 0 instead rejects too seldom when trainings hardly differ, counting
only its positive part for the degrees of freedom rejects up to twice too often with four seeds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from tonegap.statistics.design import Design


@dataclass(frozen=True)
class TwoWayVariance:
    """Variance of a contrast and its parts, in squared units of the contrast.

    Attributes
    ----------
    image, between_seeds, noise
        As the module explains.
    n_units, n_seeds
        Units and seeds with a row in one of the contrast's arms.
    """

    image: float
    between_seeds: float
    noise: float
    n_units: int
    n_seeds: int

    @property
    def total(self) -> float:
        """Variance of the contrast over images and seeds."""
        return self.between_seeds + max(self.image - self.noise, 0.0)

    @property
    def df(self) -> float:
        """Degrees of freedom of ``total`` for a t quantile.

        Satterthwaite (1946, Biometrics Bulletin 2:110): the image part counts with
        ``n_units - 1``, the scatter of seeds with ``n_seeds - 1``; never fewer than the
        smaller of the two, which the formula could give only because ``noise`` is taken away.
        """
        units, seeds = self.n_units - 1, self.n_seeds - 1
        uncertainty = self.image**2 / units + self.between_seeds**2 / seeds
        least = float(min(units, seeds))
        return max(self.total**2 / uncertainty, least) if uncertainty > 0.0 else least

    @property
    def seed_shrinkage(self) -> float:
        """Factor in [0, 1] on the seeds' weights that gives the bootstrap this variance.

        Under product weights ``w_i * (1 + f * (u_s - 1))`` a resampled contrast has the
        variance ``image + f^2 * (between_seeds + noise)``: the product counts the noise of
        the cells once too often (Owen 2007, Ann. Appl. Stat. 1:386). This f takes it out
        again.
        """
        scale = self.between_seeds + self.noise
        return float(np.sqrt(max(self.total - self.image, 0.0) / scale)) if scale > 0.0 else 0.0

    @property
    def image_shrinkage(self) -> float:
        """Factor in [0, 1] on the images' weights; below 1 only where ``total < image``."""
        return float(np.sqrt(min(self.total / self.image, 1.0))) if self.image > 0.0 else 1.0


def arm_means(
    design: Design, values: Float[np.ndarray, " rows"]
) -> tuple[Float[np.ndarray, " arms"], Int[np.ndarray, " arms"]]:
    """Mean of ``values`` over the rows of each arm, and the number of rows."""
    counts = np.bincount(design.arm, minlength=len(design.arms))
    sums = np.bincount(design.arm, weights=values, minlength=len(design.arms))
    return sums / counts, counts


def distinct(codes: Int[np.ndarray, " rows"]) -> int:
    """How many different codes there are."""
    return int(np.count_nonzero(np.bincount(codes)))


def contrast_influence(
    design: Design,
    values: Float[np.ndarray, " rows"],
    coefficients: Float[np.ndarray, " arms"],
) -> Float[np.ndarray, " rows"]:
    """How much each row moves ``sum(coefficients * arm_means)``; sums to zero."""
    means, counts = arm_means(design, values)
    weight = (coefficients / counts)[design.arm]
    return np.asarray(weight * (values - means[design.arm]))


def two_way_variance(
    design: Design,
    influence: Float[np.ndarray, " rows"],
    coefficients: Float[np.ndarray, " arms"],
) -> TwoWayVariance:
    """Variance of a contrast from the influence of its rows.

    Parameters
    ----------
    influence
        See :func:`contrast_influence`.
    coefficients
        The contrast's; rows of arms with coefficient 0 do not count as units or seeds.

    Raises
    ------
    ValueError
        Fewer than two units or two seeds: their scatter cannot be seen.
    """
    used = coefficients[design.arm] != 0.0
    unit, seed, moved = design.unit[used], design.seed[used], influence[used]
    n_units, n_seeds = distinct(unit), distinct(seed)
    if min(n_units, n_seeds) < 2:  # noqa: PLR2004 - the fewest that can differ
        raise ValueError(f"needs two units and two seeds, has {n_units} and {n_seeds}")
    by_unit = np.bincount(unit, weights=moved)
    by_seed = np.bincount(seed, weights=moved)
    by_cell = np.bincount(unit * design.n_seeds + seed, weights=moved)
    correction = n_seeds / (n_seeds - 1)
    image = float(by_unit @ by_unit)
    return TwoWayVariance(
        image=image * n_units / (n_units - 1),
        between_seeds=correction * float(by_seed @ by_seed),
        noise=correction * max(float(by_cell @ by_cell) - image / n_seeds, 0.0),
        n_units=n_units,
        n_seeds=n_seeds,
    )
