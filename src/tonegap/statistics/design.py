"""The study's crossed design: which image was assessed in which seed, mix and group.

An *arm* is a group assessed under a mix: ``Arm(share=0.5, group="dark")`` are the
dark test images of all runs that trained on the mixed draws. The two things that a study
samples are **images** (clusters of near duplicates, which stand or fall together) and
**seeds**. A seed, not a run, is the second unit: the three mixes of a seed share their
test images and the images left to train on, so that runs of one seed are not independent
draws, while the mixes themselves are fixed by the protocol and are not sampled at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from tonegap.errors import DataError
from tonegap.groups import Groups

REQUIRED_COLUMNS = ("run", "share", "seed", "md5hash", "group", "cluster")
_THINGS = {"run": "run", "md5hash": "image"}


class Arm(NamedTuple):
    """A test group under a training mix.

    Attributes
    ----------
    share
        Share of the compared group among the training draws, in [0, 1]; 0.5 is the mixed draw.
    group
        Name of the group that is assessed.
    """

    share: float
    group: str


@dataclass(frozen=True)
class Draws:
    """The training draws behind each arm: of its group, under its mix, mean over the seeds.

    How overlaps are measured: :mod:`tonegap.statistics.draws`.

    Attributes
    ----------
    share
        Share of the group among the draws of a run, in [0, 1].
    itself
        Overlap of a draw with itself, in [0, 1]; 0 where the mix draws none of the group.
    pool
        Overlap of two independent draws, in [0, 1].
    times
        How often each seed drew images of a unit of the arm's group, under the arm's mix; None
        where this is unknown.
    retrained
        Log error of the units under each training less that of a second training on the same
        draw, mean over a unit's images; NaN where there was none. None if there was none at all.
    """

    share: Float[np.ndarray, " arms"]
    itself: Float[np.ndarray, " arms"]
    pool: Float[np.ndarray, " arms"]
    times: Float[np.ndarray, "arms units seeds"] | None = None
    retrained: Float[np.ndarray, "arms units seeds"] | None = None


@dataclass(frozen=True)
class Design:
    """Codes of arm, unit and seed for each row of the per-image study table.

    Attributes
    ----------
    arms
        The arms that the table holds, sorted; ``arm`` counts into them.
    unit
        Cluster of near duplicates of each row, from 0.
    seed
        Seed of each row, from 0.
    image, run
        Codes of the image and the run, which are only counted, never resampled.
    draws
        What the runs drew to train on; None where it is unknown or does not matter.
    samples_seeds
        False for one finished model: images are all that it samples, and its one seed says
        nothing about another training.
    """

    arms: tuple[Arm, ...]
    arm: Int[np.ndarray, " rows"]
    unit: Int[np.ndarray, " rows"]
    seed: Int[np.ndarray, " rows"]
    image: Int[np.ndarray, " rows"]
    run: Int[np.ndarray, " rows"]
    draws: Draws | None = None
    samples_seeds: bool = True

    @property
    def n_units(self) -> int:
        """Distinct clusters in the study."""
        return int(self.unit.max()) + 1

    @property
    def n_seeds(self) -> int:
        """Distinct seeds in the study."""
        return int(self.seed.max()) + 1

    @cached_property
    def seeds_by_arm(self) -> Int[np.ndarray, " arms"]:
        """Distinct seeds that each arm has rows of."""
        return self._distinct_by_arm(self.seed)

    @cached_property
    def units_by_arm(self) -> Int[np.ndarray, " arms"]:
        """Distinct units that each arm has rows of."""
        return self._distinct_by_arm(self.unit)

    @cached_property
    def runs_by_cell(self) -> Int[np.ndarray, "arms seeds"]:
        """Distinct runs of each arm in each seed; 1 everywhere in a complete study."""
        n_cells, n_runs = len(self.arms) * self.n_seeds, int(self.run.max()) + 1
        code = (self.arm * self.n_seeds + self.seed) * n_runs + self.run
        present = np.bincount(code, minlength=n_cells * n_runs) > 0
        return np.asarray(present.reshape(len(self.arms), self.n_seeds, n_runs).sum(axis=2))

    def count_seeds(self, rows: Bool[np.ndarray, " rows"] | slice = slice(None)) -> int:
        """Count the distinct seeds of some rows, or of all; 0 where seeds are not sampled."""
        return len(np.unique(self.seed[rows])) if self.samples_seeds else 0

    def _distinct_by_arm(self, codes: Int[np.ndarray, " rows"]) -> Int[np.ndarray, " arms"]:
        n_codes, n_arms = int(codes.max()) + 1, len(self.arms)
        present = np.bincount(self.arm * n_codes + codes, minlength=n_arms * n_codes) > 0
        return np.asarray(present.reshape(n_arms, n_codes).sum(axis=1))

    def coefficients_of(self, wanted: Mapping[Arm, float]) -> Float[np.ndarray, " arms"]:
        """Write a contrast's coefficients in the order of ``arms``; arms it leaves out get 0."""
        return np.array([wanted.get(arm, 0.0) for arm in self.arms])


def design_of(table: pd.DataFrame, *, trusted: bool = False, finished: bool = False) -> Design:
    """Read the crossed design off a per-image study table.

    Parameters
    ----------
    table
        One row per run x test image; columns ``REQUIRED_COLUMNS``. A missing cluster
        means that the image is its own cluster. Every group becomes an arm of each mix.
    trusted
        The table was made by code that makes none of the faults below; they are not looked for.
    finished
        The rows are of one finished model, which was trained elsewhere: no seed is sampled.

    Raises
    ------
    DataError
        A column is missing or empty, the table is empty, a share is outside [0, 1], a run has
        an image twice or more than one mix or seed, or an image is in two groups; or a finished
        model has more than one run.
    """
    if not trusted:
        _check(table)
    if finished and (table["run"] != table["run"].iloc[0]).any():
        raise DataError(
            f"per-image table of a finished model: it holds {table['run'].nunique()} runs, whose "
            "scatter would be taken for that of images; audit one model at a time"
        )
    arm, arms = _arm_codes(table)
    codes = {name: pd.factorize(table[name])[0] for name in ("seed", "md5hash", "run")}
    return Design(
        arms=arms,
        arm=arm,
        unit=pd.factorize(units_of(table))[0],
        seed=codes["seed"],
        image=codes["md5hash"],
        run=codes["run"],
        samples_seeds=not finished,
    )


def units_of(table: pd.DataFrame) -> pd.Series:
    """Return the cluster of each row; an image without one is its own."""
    return table["cluster"].where(table["cluster"].notna(), table["md5hash"])


def rows_of_pair(table: pd.DataFrame, groups: Groups) -> pd.DataFrame:
    """Return the rows of the two groups that are compared; other groups are only assessed."""
    return table[table["group"].isin(groups.pair)] if "group" in table.columns else table


def ordinary_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the runs that the ordinary contrasts, tables and figures speak of.

    Runs on equal numbers of distinct images (column ``distinct`` is ``equal``) stand apart
    where a study has both kinds; where all runs are such, they are the ordinary ones. A table
    without the column was collected before it existed and is returned as it is.
    """
    equal = _is_equal(table)
    return table if equal.all() else table[~equal]


def rows_of_equal_distinct(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the runs trained on equal numbers of distinct images; none without the column."""
    return table[_is_equal(table)]


def _is_equal(table: pd.DataFrame) -> Bool[np.ndarray, " rows"]:
    if "distinct" not in table.columns:
        return np.zeros(len(table), dtype=bool)
    return (table["distinct"].astype(str) == "equal").to_numpy(dtype=bool)


def _arm_codes(table: pd.DataFrame) -> tuple[Int[np.ndarray, " rows"], tuple[Arm, ...]]:
    """Code the pairs of share and group that occur, in sorted order."""
    share, shares = pd.factorize(table["share"].astype(float).round(9), sort=True)
    group, names = pd.factorize(table["group"], sort=True)
    present, arm = np.unique(len(names) * share + group, return_inverse=True)
    pairs = (divmod(int(code), len(names)) for code in present)
    return arm, tuple(Arm(float(shares[of]), str(names[which])) for of, which in pairs)


def _check(table: pd.DataFrame) -> None:
    missing = [name for name in REQUIRED_COLUMNS if name not in table.columns]
    if missing:
        raise DataError(
            f"per-image study table: no column {missing[0]!r}, without which no contrast can be "
            "assessed; run `tonegap study collect` again"
        )
    if table.empty:
        raise DataError(
            "per-image study table: it has no rows, so there is nothing to assess; finish the "
            "study's runs, then run `tonegap study collect`"
        )
    for name in ("run", "share", "seed", "md5hash", "group"):
        if table[name].isna().any():
            raise DataError(
                f"per-image study table: column {name!r} is empty in {table[name].isna().sum()} "
                "rows, which then belong to no arm; run `tonegap study collect` again"
            )
    inside = pd.to_numeric(table["share"], errors="coerce").between(0.0, 1.0)
    if not inside.all():
        raise DataError(
            f"per-image study table: share is {table['share'][~inside].iloc[0]} in a "
            "row; it is the share of the compared group in training, from 0 to 1, and "
            "tells which mix the row belongs to"
        )
    _check_runs(table)


def _check_runs(table: pd.DataFrame) -> None:
    """Reject tables in which a run or an image is inconsistent."""
    _check_one(table, "run", "share", "it does not belong to one mix")
    _check_one(table, "run", "seed", "it is not a single draw")
    _check_one(table, "md5hash", "group", "the groups cannot be compared")
    repeated = table.duplicated(["run", "md5hash"])
    if repeated.any():
        row = table[repeated].iloc[0]
        raise DataError(
            f"per-image study table: image {row['md5hash']} has more than one row in run "
            f"{row['run']} ({int(repeated.sum())} such rows), so that it would count more than "
            "others; run `tonegap study collect` again"
        )


def _check_one(table: pd.DataFrame, thing: str, has_one: str, else_: str) -> None:
    """Reject a table in which one run or one image has two values of a single-valued column."""
    pairs = table[[thing, has_one]].drop_duplicates()
    twice = pairs[thing].duplicated()
    if twice.any():
        name = pairs[thing][twice].iloc[0]
        values = ", ".join(str(value) for value in pairs[has_one][pairs[thing] == name])
        raise DataError(
            f"per-image study table: {_THINGS[thing]} {name} has more than one {has_one} "
            f"({values}), so that {else_}; run `tonegap study collect` again"
        )
