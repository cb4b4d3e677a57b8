"""Simulated studies whose truth is known in closed form. No model is trained.

Every study draws two finite pools of images, then for each seed a light and a dark test set
without replacement, which all mixes of that seed share: the protocol's design. The error of
image i in a run is log-normal::

    mse = BASE * exp(effects) * image_i * (image x mix) * run * (run x group) * cell
    effects = gap * dark + slope * own_share + difficulty * dark

each factor with mean 1. The baseline's error shares ``image_i`` and ``difficulty`` and has
noise of its own. Images in a cluster share their difficulty. log sigma is normal with unit
variance within a run's group, correlated with difficulty, shifted by ``sigma_shift`` in dark.
The null to be tested is one of the population that the pools stand for, as in the paper's
question, so that redrawing test sets from the same pools adds less than it seems to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy import stats

from tonegap.groups import LIGHT_AND_DARK
from tonegap.statistics.design import Arm

BASE_MSE = 0.03
"""Mean error where nothing is planted, images in [-1, 1]; the paper's lie below 0.07."""

SIGMA_IMAGE_SHARE = 0.8
"""Share of log sigma's variance within a run that belongs to the image, not to the cell."""

BASELINE_SD = 0.2
"""Standard deviation of the baseline's own part of its log error."""


@dataclass(frozen=True)
class Scenario:
    """A design and what is planted in it; the defaults are the paper's design under the null.

    Attributes
    ----------
    n_test, pool_light, pool_dark
        Test images per group and seed, and the images that they are drawn from.
    cluster_share
        Share of the images, in [0, 1], that have a near duplicate among the others.
    image_sd, image_mix_sd, cell_sd, run_sd, run_group_sd
        Standard deviations of the log factors. ``image_mix_sd`` comes back with an image in
        every seed of a mix; ``run_group_sd`` is what trainings add to the gap of a run;
        ``run_sd`` cancels in it.
    sigma_run_group_sd
        What trainings add to a group's log sigma, in standard deviations within a group.
    log_gap, log_slope
        Planted: dark minus light log error at equal share, and the change of a group's log
        error as its own share in training goes from 0 to 1.
    log_difficulty
        Planted: how much harder dark images are for every model and for the baseline, as a
        difference of log errors.
    sigma_shift
        Planted: dark minus light in log sigma, in standard deviations.
    sigma_correlation
        Correlation, in [-1, 1], of an image's difficulty with its part of log sigma.
    """

    name: str = "no_effect"
    shares: tuple[float, ...] = (0.0, 0.5, 1.0)
    n_seeds: int = 10
    n_test: int = 500
    pool_light: int = 7755
    pool_dark: int = 2168
    cluster_share: float = 0.1
    image_sd: float = 0.6
    image_mix_sd: float = 0.2
    cell_sd: float = 0.15
    run_sd: float = 0.03
    run_group_sd: float = 0.02
    sigma_run_group_sd: float = 0.02
    log_gap: float = 0.0
    log_slope: float = 0.0
    log_difficulty: float = 0.0
    sigma_shift: float = 0.0
    sigma_correlation: float = 0.3

    @property
    def mean_mse(self) -> Mapping[Arm, float]:
        """True mean error of every arm."""
        return {
            Arm(share, group): BASE_MSE * float(np.exp(self.log_effect(share, group)))
            for share in self.shares
            for group in LIGHT_AND_DARK.pair
        }

    @property
    def mean_mse_at_common_difficulty(self) -> Mapping[Arm, float]:
        """True mean error of every arm, read off its line at the groups' mean log difficulty.

        The line of error on the baseline's log error has the slope ``mean * reliability``,
        since Cov(e^Y, X) = E[e^Y] Cov(Y, X) for normals (Stein 1981, Ann. Stat. 9:1135).
        Noise of the baseline flattens it, so that a part of pure difficulty stays in the gap.
        """
        reliability = self.image_sd**2 / (self.image_sd**2 + BASELINE_SD**2)
        step = 0.5 * reliability * self.log_difficulty
        return {
            arm: mean * (1.0 - step if arm.group == "dark" else 1.0 + step)
            for arm, mean in self.mean_mse.items()
        }

    @property
    def sigma_auc(self) -> float:
        """True probability that a dark image of a run has the larger sigma, in [0, 1]."""
        spread = np.sqrt(2.0 + 2.0 * self.sigma_run_group_sd**2)
        return float(stats.norm.cdf(self.sigma_shift / spread))

    def error_auc(self, share: float) -> float:
        """Return the true chance that a dark image of a mix has the larger error, in [0, 1]."""
        noise = self.image_sd**2 + self.image_mix_sd**2 + self.cell_sd**2 + self.run_group_sd**2
        gap = self.log_effect(share, "dark") - self.log_effect(share, "light")
        return float(stats.norm.cdf(gap / np.sqrt(2.0 * noise)))

    @property
    def sigma_error_rank_correlation(self) -> float:
        """True Spearman correlation of sigma with error within group and run, in [-1, 1]."""
        noise = self.image_mix_sd**2 + self.cell_sd**2
        error_share = self.image_sd**2 / (self.image_sd**2 + noise)
        pearson = self.sigma_correlation * np.sqrt(error_share * SIGMA_IMAGE_SHARE)
        return float(6.0 / np.pi * np.arcsin(pearson / 2.0))

    def log_effect(self, share: float, group: str) -> float:
        """Planted log factor on the mean error of a group under a mix."""
        own = share if group == "dark" else 1.0 - share
        return (self.log_gap + self.log_difficulty) * (group == "dark") + self.log_slope * own


def draw_study(scenario: Scenario, rng: np.random.Generator) -> pd.DataFrame:
    """Draw one study: a per-image study table with integer ids.

    Returns
    -------
    DataFrame
        One row per run x test image; columns run, share, seed, md5hash, group, cluster,
        mse, nmse, sigma, mse_pca. Every arm has ``n_seeds * n_test`` rows.
    """
    parts, first_id = [], 0
    pools = (scenario.pool_light, scenario.pool_dark)
    for group, pool in zip(LIGHT_AND_DARK.pair, pools, strict=True):
        drawn = _tests(pool, scenario, rng)
        parts.append(_group_rows(group, drawn, first_id, scenario, rng))
        first_id += pool
    table = pd.concat(parts, ignore_index=True)
    return _with_run_effects(table, scenario, rng)


def _tests(
    pool: int, scenario: Scenario, rng: np.random.Generator
) -> Int[np.ndarray, "seeds tests"]:
    draws = [rng.choice(pool, scenario.n_test, replace=False) for _ in range(scenario.n_seeds)]
    return np.stack(draws)


def _group_rows(
    group: str,
    drawn: Int[np.ndarray, "seeds tests"],
    first_id: int,
    scenario: Scenario,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Rows of one group under every mix, without the effects of runs."""
    pool = scenario.pool_light if group == "light" else scenario.pool_dark
    cluster = _clusters(pool, scenario.cluster_share)
    z_error, z_sigma, z_pca = _image_latents(cluster, scenario, rng)
    z_mix = rng.standard_normal((len(scenario.shares), pool))[:, cluster]
    shares = np.asarray(scenario.shares)
    image = np.tile(drawn.ravel(), shares.size)
    mix = np.repeat(np.arange(shares.size), drawn.size)
    log_mean = np.array([scenario.log_effect(float(share), group) for share in shares])
    harder = scenario.log_difficulty * (group == "dark")
    cell = rng.standard_normal((2, image.size))
    pca = _mean_one(z_error, scenario.image_sd) * _mean_one(z_pca, BASELINE_SD)
    return pd.DataFrame(
        {
            "share": shares[mix],
            "seed": np.tile(np.repeat(np.arange(scenario.n_seeds), scenario.n_test), shares.size),
            "md5hash": first_id + image,
            "group": group,
            "cluster": first_id + cluster[image],
            "mse": BASE_MSE
            * np.exp(log_mean[mix])
            * _mean_one(z_error[image], scenario.image_sd)
            * _mean_one(z_mix[mix, image], scenario.image_mix_sd)
            * _mean_one(cell[0], scenario.cell_sd),
            "sigma": scenario.sigma_shift * (group == "dark")
            + np.sqrt(SIGMA_IMAGE_SHARE) * z_sigma[image]
            + np.sqrt(1.0 - SIGMA_IMAGE_SHARE) * cell[1],
            "mse_pca": BASE_MSE * np.exp(harder) * pca[image],
        }
    )


def _clusters(pool: int, share: float) -> Int[np.ndarray, " pool"]:
    """Put the first ``share`` of the pool in pairs, every other image its own cluster."""
    ids = np.arange(pool)
    paired = 2 * int(pool * share / 2)
    ids[:paired] -= ids[:paired] % 2
    return ids


def _image_latents(
    cluster: Int[np.ndarray, " pool"], scenario: Scenario, rng: np.random.Generator
) -> Float[np.ndarray, "3 pool"]:
    """Draw standard normal parts of error, sigma and baseline, equal within a cluster."""
    error, other, pca = rng.standard_normal((3, cluster.size))[:, cluster]
    rho = scenario.sigma_correlation
    return np.stack([error, rho * error + np.sqrt(1.0 - rho**2) * other, pca])


def _with_run_effects(
    table: pd.DataFrame, scenario: Scenario, rng: np.random.Generator
) -> pd.DataFrame:
    """Multiply in what each training adds; exponentiate log sigma into (0, 1)-like values."""
    mix = pd.factorize(table["share"])[0]
    run = table["seed"].to_numpy() * len(scenario.shares) + mix
    n_runs = scenario.n_seeds * len(scenario.shares)
    half = 2 * run + (table["group"] == "dark").to_numpy()
    common, sigma_common = rng.standard_normal((2, n_runs))
    own, sigma_own = rng.standard_normal((2, 2 * n_runs))
    run_factor = _mean_one(common, scenario.run_sd)[run]
    table["mse"] *= run_factor * _mean_one(own, scenario.run_group_sd)[half]
    table["nmse"] = table["mse"] * 10.0
    log_sigma = table["sigma"] + sigma_common[run]
    log_sigma += scenario.sigma_run_group_sd * sigma_own[half]
    table["sigma"] = 0.98 * np.exp(0.004 * log_sigma)
    return table.assign(run=run)


def _mean_one(z: Float[np.ndarray, " n"], sd: float) -> Float[np.ndarray, " n"]:
    """Log-normal factors of mean 1 from standard normal ``z``."""
    return np.exp(sd * z - sd**2 / 2.0)
