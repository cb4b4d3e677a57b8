"""Whole studies of trained PCA on phantoms, through the real split, assessment and statistics.

A study draws its cohort from a population (:mod:`tonegap.calibration.population`), splits it for
every seed and mix, fits PCA to each training draw, assesses it on the test sets, and hands the
per-image table to the statistics of the report. Errors are PCA's own, none is simulated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from tonegap.assessment import reconstruction_errors
from tonegap.calibration.planted import Planted
from tonegap.calibration.population import IMAGE_SIZE, Population
from tonegap.groups import LIGHT_AND_DARK
from tonegap.model.baselines import PcaBaseline
from tonegap.params import DataParams
from tonegap.sampling.diversity import effective_numbers, training_sizes
from tonegap.sampling.split import draw_split
from tonegap.statistics.declared import declared_contrasts
from tonegap.statistics.decomposition import decompose
from tonegap.statistics.design import design_of, rows_of_pair
from tonegap.statistics.draws import DRAWN_BY_SEED, drawn_by_seed, with_draws
from tonegap.statistics.inference import estimate
from tonegap.statistics.measures import measure_columns
from tonegap.statistics.within_runs import OVERALL

MIXES: Final = {"light": 0.0, "mixed": 0.5, "dark": 1.0}
ESTIMATOR_COLUMNS: Final = ("estimator", "effect", "estimate", "se", "low", "high", "p")

CONTRASTS: Final[Mapping[tuple[str, str], str]] = {
    ("log_mse", "gap_overall"): "gap",
    ("log_mse", "own_share_effect"): "own share",
    **{
        (measure, name): effect
        for measure in ("mse", "log_mse")
        for name, effect in (
            ("slope_light", "own share"),
            ("slope_dark", "own share"),
            ("gap_mixed", "gap"),
            ("gap_worst", "gap"),
            ("gap_best", "gap"),
        )
    },
}
"""Declared contrasts by measure and name, and the effect that each asks for.

``mse`` between arms is how the paper reads its figures; ``log_mse`` within runs decides.
"""

_BATCH: Final = 8192  # images per call of the model
_STEPS: Final = {
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

    pools: tuple[int, int] = (542, 542)
    n_test: int = 125
    n_train: int = 417
    n_seeds: int = 10
    components: int = 8


SIZES: Final = Sizes()
"""The paper's ten seeds, 500 test images, 1,668 draws and 2,168 dark images; a quarter of each."""

UNEQUAL: Final = Sizes(pools=(1939, 542))
"""Pools in the paper's ratio, 7,755 to 2,168."""


def sizes_of(planted: Planted) -> Sizes:
    """Return the sizes at which a recipe is calibrated."""
    return UNEQUAL if planted.unequal else SIZES


def draw_study(
    population: Population, planted: Planted, sizes: Sizes, child: np.random.SeedSequence
) -> pd.DataFrame:
    """Draw a cohort, train PCA for every seed and mix, and assess it.

    Returns
    -------
    DataFrame
        The per-image study table.
    """
    rng = np.random.default_rng(child)
    population = prepared(population, planted, rng)
    cohort, _ = population.draw(sizes.pools, rng)
    first = int(rng.integers(2**31 - sizes.n_seeds))
    runs = list(_runs(population, cohort, None, sizes, first))
    table: pd.DataFrame = pd.concat([rows for rows, _ in runs], ignore_index=True)
    splits = {rows["run"].iloc[0]: split for rows, split in runs}
    return table.assign(**{DRAWN_BY_SEED: drawn_by_seed(table, splits)})


def prepared(population: Population, planted: Planted, rng: np.random.Generator) -> Population:
    """Plant what a recipe adds to rendered phantoms."""
    population = population.dealt(rng) if planted.dealt else population
    return population.with_contrast(planted.contrast)


def _runs(
    population: Population,
    cohort: pd.DataFrame,
    tested: pd.DataFrame | None,
    sizes: Sizes,
    first_seed: int,
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Yield each run's rows, of ``tested`` or of the split's test sets, and its split."""
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
            table = test.assign(
                **_drawn(split, known, test["group"]),
                run=f"{mix}-{seed}",
                mix=mix,
                share=share,
                seed=seed,
                distinct="paper",
                mse=reconstruction_errors(pca, population.images[test.index], _BATCH),
            )
            yield table, split


def _drawn(split: pd.DataFrame, pool: pd.DataFrame, groups: pd.Series) -> dict[str, pd.Series]:
    """Return what a run drew of each row's group, as metrics/study.csv has it."""
    draws = {group: sizes["draws"] for group, sizes in training_sizes(split).items()}
    effective = effective_numbers(split, pool)
    return {
        "n_train": groups.map(draws).fillna(0).astype(int),
        "n_effective_train": groups.map({g: sizes["train"] for g, sizes in effective.items()}),
        "n_effective_pool": groups.map({g: sizes["pool"] for g, sizes in effective.items()}),
    }


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
        panel_seeds=0,
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
    parts = [_contrasts(table), _gaps_within_runs(table)]
    return pd.concat(parts, ignore_index=True)[list(ESTIMATOR_COLUMNS)]


def _contrasts(table: pd.DataFrame) -> pd.DataFrame:
    """Estimate the declared contrasts of :data:`CONTRASTS`."""
    rows = rows_of_pair(table, LIGHT_AND_DARK)
    design = with_draws(design_of(rows), rows)
    values = measure_columns(rows, design, sorted({m for m, _ in CONTRASTS}), LIGHT_AND_DARK)
    found = []
    for contrast in declared_contrasts(sorted(set(MIXES.values())), LIGHT_AND_DARK):
        effect = CONTRASTS.get((contrast.measure, contrast.name))
        if effect is None:
            continue
        one = estimate(contrast, design, values[contrast.measure].to_numpy())
        low, high = one.interval(0.95)
        name = contrast.name if contrast.is_log else f"{contrast.measure}_{contrast.name}"
        found.append((name, effect, one.value, one.se, low, high, one.p))
    return pd.DataFrame(found, columns=list(ESTIMATOR_COLUMNS))


def _gaps_within_runs(table: pd.DataFrame) -> pd.DataFrame:
    found = decompose(table, LIGHT_AND_DARK)
    found = found[found["step"].isin(_STEPS)]
    overall = found[found["mix"] == OVERALL]
    names, effects = zip(*(_STEPS[step] for step in overall["step"]), strict=True)
    return overall.assign(estimator=list(names), effect=list(effects))


def true_values(
    population: Population,
    planted: Planted,
    sizes: Sizes,
    *,
    seed: int,
    cohorts: int = 240,
    tested: int = 2000,
) -> pd.DataFrame:
    """Measure each estimator's value in the population.

    Every cohort trains one PCA per mix, which is tested on images outside the cohort. The
    estimators are then applied to ten such cohorts at a time, as if they were seeds.

    Returns
    -------
    DataFrame
        estimator, truth, truth_se (of the mean over tens of cohorts).
    """
    one = replace(sizes, n_seeds=1)
    found = []
    for child in np.random.SeedSequence([seed, *b"truth"]).spawn(max(cohorts // 10, 2)):
        rng = np.random.default_rng(child)
        dealt = prepared(population, planted, rng)
        runs: list[pd.DataFrame] = []
        for number in range(10):
            cohort, others = dealt.draw(sizes.pools, rng)
            chosen = others.loc[rng.permutation(others.index)[:tested]]
            runs += [rows for rows, _ in _runs(dealt, cohort, chosen, one, number)]
        found.append(estimates(pd.concat(runs, ignore_index=True)))
    values = pd.concat(found).groupby("estimator")["estimate"]
    return pd.DataFrame(
        {"truth": values.mean(), "truth_se": values.std() / np.sqrt(len(found))}
    ).reset_index()
