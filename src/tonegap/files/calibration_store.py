"""What a calibration on trained PCA keeps between calls: populations, truths, trained studies.

A study is kept as the errors of its trainings, not as what the statistics make of them. A change of
the statistics is calibrated again without training.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from tonegap.calibration.planted import RECIPES
from tonegap.calibration.population import Population, render_population
from tonegap.calibration.trained import draw_study, estimates, sizes_of, true_values
from tonegap.files.atomic import replacing
from tonegap.phantom.mixtures import RECIPES as PHANTOMS
from tonegap.statistics.draws import COLUMNS, DRAWN_BY_SEED

_NAMES: Final = {"md5hash": str, "cluster": str}  # hexadecimal digits can look like a number
_KEPT: Final = (
    *("run", "mix", "share", "seed", "distinct", "md5hash", "group", "mse", *COLUMNS),
    DRAWN_BY_SEED,
)


@dataclass(frozen=True)
class TrainedCalibration:
    """One recipe, population and seed, in a folder of their own.

    Attributes
    ----------
    root
        Folder of all calibrations.
    recipe
        Key of :data:`tonegap.calibration.planted.RECIPES`.
    n_per_group
        Phantoms of each group in the population.
    seed
        Of population, truth and studies.
    """

    root: Path
    recipe: str
    n_per_group: int
    seed: int

    @property
    def folder(self) -> Path:
        """Folder of the truth and the studies; whatever changes a number changes it."""
        planted = RECIPES[self.recipe]
        return self._named(self.recipe, (planted, sizes_of(planted), _KEPT))

    @property
    def population_folder(self) -> Path:
        """Folder of the rendered phantoms, which recipes share."""
        return self._named("population", ())

    def _named(self, name: str, further: tuple[object, ...]) -> Path:
        phantoms = PHANTOMS[RECIPES[self.recipe].phantoms]
        task = repr((phantoms, self.n_per_group, self.seed, *further))
        return self.root / f"{name}-{hashlib.sha256(task.encode()).hexdigest()[:12]}"

    def truth(self) -> pd.DataFrame:
        """Return the true values; they are measured once."""
        path, planted = self.folder / "truth.csv", RECIPES[self.recipe]
        if not path.exists():
            found = true_values(_population(self), planted, sizes_of(planted), seed=self.seed)
            with replacing(path) as temporary:
                found.to_csv(temporary, index=False)
        return pd.read_csv(path)

    def study(self, number: int) -> pd.DataFrame:
        """Return the per-image table of one study; its number and the seed decide every draw.

        It is trained if it is not stored, so that an interrupted calibration goes on where it
        stopped.
        """
        path = self.folder / "studies" / f"{number}.csv.gz"
        if not path.exists():
            child = np.random.SeedSequence([self.seed, *self.recipe.encode(), number])
            planted = RECIPES[self.recipe]
            table = draw_study(_population(self), planted, sizes_of(planted), child)
            with replacing(path) as temporary:
                table[list(_KEPT)].to_csv(temporary, index=False, compression="gzip")
        kept = pd.read_csv(path, dtype=_NAMES)
        return kept.merge(_of_images(self), on="md5hash", validate="many_to_one")


def assess_study(calibration: TrainedCalibration, number: int) -> pd.DataFrame:
    """Return the estimates of one study."""
    return estimates(calibration.study(number)).assign(study=number)


@lru_cache(maxsize=1)
def _of_images(calibration: TrainedCalibration) -> pd.DataFrame:
    """Return the columns of the images that no study changes."""
    cohort = _population(calibration).cohort
    return cohort[[name for name in cohort if name not in _KEPT or name == "md5hash"]]


@lru_cache(maxsize=1)
def _population(calibration: TrainedCalibration) -> Population:
    """Read the population, which is rendered at the first call."""
    planted, folder = RECIPES[calibration.recipe], calibration.population_folder
    images, cohort = folder / "images.npy", folder / "cohort.csv"
    if not (images.exists() and cohort.exists()):
        drawn = render_population(planted.phantoms, calibration.n_per_group, calibration.seed)
        with replacing(cohort) as temporary:
            drawn.cohort.to_csv(temporary, index=False)
        with replacing(images) as temporary, temporary.open("wb") as stream:
            np.save(stream, drawn.images)
    return Population(pd.read_csv(cohort, dtype=_NAMES), np.load(images))
