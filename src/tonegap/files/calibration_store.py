"""What a calibration on trained PCA keeps between calls: populations, truths, finished studies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from tonegap.calibration.planted import RECIPES
from tonegap.calibration.population import Population, render_population
from tonegap.calibration.trained import draw_study, estimates, sizes_of, true_values
from tonegap.files.atomic import replacing
from tonegap.phantom.mixtures import RECIPES as PHANTOMS


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
        return self._named(self.recipe, (planted, sizes_of(planted)))

    @property
    def population_folder(self) -> Path:
        """Folder of the rendered phantoms, which recipes share."""
        return self._named("population", ())

    def _named(self, name: str, further: tuple[object, ...]) -> Path:
        phantoms = PHANTOMS[RECIPES[self.recipe].phantoms]
        task = repr((phantoms, self.n_per_group, self.seed, *further))
        return self.root / f"{name}-{hashlib.sha256(task.encode()).hexdigest()[:12]}"

    @property
    def finished(self) -> pd.DataFrame:
        """Rows of the studies that are finished; empty at first."""
        path = self.folder / "studies.csv"
        return pd.read_csv(path) if path.exists() else pd.DataFrame({"study": []})

    def truth(self) -> pd.DataFrame:
        """Return the true values; they are measured once."""
        path, planted = self.folder / "truth.csv", RECIPES[self.recipe]
        if not path.exists():
            found = true_values(_population(self), planted, sizes_of(planted), seed=self.seed)
            with replacing(path) as temporary:
                found.to_csv(temporary, index=False)
        return pd.read_csv(path)

    def unfinished(self, studies: int) -> list[int]:
        """Numbers of the studies below ``studies`` that are still to be done."""
        done = set(self.finished["study"])
        return [number for number in range(studies) if number not in done]

    def keep(self, done: Iterable[pd.DataFrame]) -> None:
        """Append studies as they finish, so that an interrupted call resumes where it stopped."""
        path = self.folder / "studies.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        for rows in done:
            rows.to_csv(path, mode="a", header=not path.exists(), index=False)


def run_study(calibration: TrainedCalibration, number: int) -> pd.DataFrame:
    """Draw and assess one study; its number and the seed decide every draw."""
    child = np.random.SeedSequence([calibration.seed, *calibration.recipe.encode(), number])
    planted = RECIPES[calibration.recipe]
    table = draw_study(_population(calibration), planted, sizes_of(planted), child)
    return estimates(table).assign(study=number)


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
    names = {"md5hash": str, "cluster": str}  # hexadecimal digits can look like a number
    return Population(pd.read_csv(cohort, dtype=names), np.load(images))
