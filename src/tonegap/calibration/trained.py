"""Whole studies of trained PCA on phantoms, through the real split, assessment and statistics.

A study draws its cohort from a population (:mod:`tonegap.calibration.population`), splits it for
every seed and mix, fits PCA to each training draw, assesses it on the test sets, and hands the
per-image table to the statistics of the report. Errors are PCA's own, none is simulated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from tonegap.assessment import reconstruction_errors
from tonegap.calibration.planted import Planted
from tonegap.calibration.population import IMAGE_SIZE, Population
from tonegap.groups import LIGHT_AND_DARK
from tonegap.model.baselines import PcaBaseline
from tonegap.params import DataParams
from tonegap.sampling.split import draw_split
from tonegap.statistics.claims import assess_claims
from tonegap.statistics.decomposition import decompose
from tonegap.statistics.within_runs import (
    OVERALL,
    Slope,
    estimate_of,
    no_covariates,
    numbers,
    partial_slope,
    rows_of,
)

MIXES: Final = {"light": 0.0, "mixed": 0.5, "dark": 1.0}
ESTIMATOR_COLUMNS: Final = ("estimator", "effect", "estimate", "se", "low", "high", "p")

_BATCH: Final = 8192  # images per call of the model
_STEPS: Final = {
    "raw": ("gap_overall", "gap"),
    "condition": ("gap_at_equal_condition", "gap at equal condition"),
    "source": ("gap_at_equal_condition_and_source", "gap at equal condition and source"),
}


@dataclass(frozen=True)
class Sizes:
    """Sizes of a study.

    Attributes
    ----------
    pools
        Images of the light and of the dark cohort.
    n_test, n_train, n_seeds
        As in the parameters.
    components
        Of PCA.
    """

    pools: tuple[int, int] = (400, 400)
    n_test: int = 100
    n_train: int = 520
    n_seeds: int = 10
    components: int = 8


SIZES: Final = Sizes()
"""Ten seeds as in the paper; images a fifth of the paper's."""

UNEQUAL: Final = Sizes(pools=(720, 200), n_test=80)
"""Pools in the paper's ratio."""


def sizes_of(planted: Planted) -> Sizes:
    """Return the sizes at which a recipe is calibrated."""
    return UNEQUAL if planted.unequal else SIZES


def draw_study(population: Population, sizes: Sizes, child: np.random.SeedSequence) -> pd.DataFrame:
    """Draw a cohort, train PCA for every seed and mix, and assess it.

    Returns
    -------
    DataFrame
        The per-image study table.
    """
    rng = np.random.default_rng(child)
    cohort, _ = population.draw(sizes.pools, rng)
    first = int(rng.integers(2**31 - sizes.n_seeds))
    return pd.concat(_runs(population, cohort, None, sizes, first), ignore_index=True)


def _runs(
    population: Population,
    cohort: pd.DataFrame,
    tested: pd.DataFrame | None,
    sizes: Sizes,
    first_seed: int,
) -> Iterator[pd.DataFrame]:
    """Yield the rows of each run: of the split's test sets, or of other images."""
    known = cohort[["md5hash", "group", "label_fine", "source", "cluster"]]
    row_of = pd.Series(cohort.index, index=cohort["md5hash"])
    for seed in range(first_seed, first_seed + sizes.n_seeds):
        for mix, share in MIXES.items():
            split = draw_split(known, _data(sizes, seed, mix), share, LIGHT_AND_DARK)
            rows = {
                role: row_of.loc[split.loc[split["role"] == role, "md5hash"]].to_numpy()
                for role in ("test", "train")
            }
            pca = PcaBaseline(population.images[rows["train"]], sizes.components, seed)
            test = cohort.loc[rows["test"]] if tested is None else tested
            mse = reconstruction_errors(pca, population.images[test.index], _BATCH)
            yield test.assign(
                run=f"{mix}-{seed}",
                mix=mix,
                share=share,
                dark_share=share,
                seed=seed,
                distinct="paper",
                mse=mse,
            )


def _data(sizes: Sizes, seed: int, mix: str) -> DataParams:
    return DataParams(
        image_size=IMAGE_SIZE,
        seed=seed,
        mix=mix,
        n_test=sizes.n_test,
        n_train=sizes.n_train,
        replacement=True,
        duplicates="paper",
        match="none",
        distinct="paper",
    )


def estimates(table: pd.DataFrame) -> pd.DataFrame:
    """Return what every estimator finds in a study.

    Parameters
    ----------
    table
        The per-image study table.

    Returns
    -------
    DataFrame
        :data:`ESTIMATOR_COLUMNS`: contrasts of ``mse`` that compare arms (slopes; mixed, worst
        and best case), then those of the log error within runs: the gap of each mix, the
        overall one, that at equal conditions and sources, and the own share effect.
    """
    parts = [_between_arms(table), _gaps_within_runs(table), _own_share_effect(table)]
    return pd.concat(parts, ignore_index=True)[list(ESTIMATOR_COLUMNS)]


def _between_arms(table: pd.DataFrame) -> pd.DataFrame:
    found = assess_claims(table, "calibration").contrasts_table()
    found = found[(found["metric"] == "mse") & found["estimate"].notna()]
    effect = np.where(found["contrast"].str.startswith("slope"), "own share", "gap")
    return found.assign(estimator="mse_" + found["contrast"], effect=effect)


def _gaps_within_runs(table: pd.DataFrame) -> pd.DataFrame:
    found = decompose(table, LIGHT_AND_DARK)
    found = found[found["step"].isin(_STEPS)]
    overall = found[found["mix"] == OVERALL]
    names, effects = zip(*(_STEPS[step] for step in overall["step"]), strict=True)
    by_mix = found[(found["mix"] != OVERALL) & (found["step"] == "raw")]
    # Away from an even mix the gap of a run holds the own share effect, too.
    effect = np.where(by_mix["share"] == 0.5, "gap", "gap or own share")  # noqa: PLR2004 - half
    return pd.concat(
        [
            overall.assign(estimator=list(names), effect=list(effects)),
            by_mix.assign(estimator="gap_trained_on_" + by_mix["mix"], effect=effect),
        ]
    )


def _own_share_effect(table: pd.DataFrame) -> pd.DataFrame:
    """Half the difference between the gaps of the two pure mixes."""
    rows = rows_of(table, LIGHT_AND_DARK)
    value, influence = 0.0, np.zeros(len(rows.table))
    for code, (_, share) in enumerate(rows.mixes):
        if weight := {0.0: -0.5, 1.0: 0.5}.get(share):
            chosen = rows.mix == code
            slope = partial_slope(
                rows.is_group(LIGHT_AND_DARK.compared)[chosen].astype(float),
                rows.log_mse[chosen],
                no_covariates(int(chosen.sum())),
                rows.design.run[chosen],
            )
            if slope is not None:
                value += weight * slope.value
                influence[chosen] = weight * slope.influence
    pure = rows.where(rows.table["share"].isin([0.0, 1.0]).to_numpy())
    moved = influence[rows.table["share"].isin([0.0, 1.0]).to_numpy()]
    found = numbers(estimate_of(pure.design, Slope(value, moved)))
    return pd.DataFrame([{"estimator": "own_share_effect", "effect": "own share", **found}])


def true_values(
    population: Population, sizes: Sizes, seed: int, cohorts: int = 80, tested: int = 2000
) -> pd.DataFrame:
    """Measure each estimator's value in the population.

    Every cohort trains one PCA per mix, which is tested on images outside the cohort. The
    estimators are then applied to ten such cohorts at a time, as if they were seeds.

    Returns
    -------
    DataFrame
        estimator, truth, truth_se (of the mean over tens of cohorts).
    """
    one = Sizes(sizes.pools, sizes.n_test, sizes.n_train, 1, sizes.components)
    found = []
    for child in np.random.SeedSequence([seed, *b"truth"]).spawn(max(cohorts // 10, 2)):
        rng = np.random.default_rng(child)
        runs: list[pd.DataFrame] = []
        for number in range(10):
            cohort, others = population.draw(sizes.pools, rng)
            chosen = others.loc[rng.permutation(others.index)[:tested]]
            runs += _runs(population, cohort, chosen, one, number)
        found.append(estimates(pd.concat(runs, ignore_index=True)))
    values = pd.concat(found).groupby("estimator")["estimate"]
    return pd.DataFrame(
        {"truth": values.mean(), "truth_se": values.std() / np.sqrt(len(found))}
    ).reset_index()
