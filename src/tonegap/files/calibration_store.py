"""What a calibration on trained PCA keeps between calls: populations, truths, finished studies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
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
class Calibration:
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
        """Folder that changes with whatever changes a number of the recipe."""
        planted = RECIPES[self.recipe]
        task = (PHANTOMS[planted.phantoms], sizes_of(planted), self.n_per_group, self.seed)
        return self.root / f"{self.recipe}-{hashlib.sha256(repr(task).encode()).hexdigest()[:12]}"

    @property
    def finished(self) -> pd.DataFrame:
        """Rows of the studies that are finished; empty at first."""
        path = self.folder / "studies.csv"
        return pd.read_csv(path) if path.exists() else pd.DataFrame({"study": []})

    def truth(self) -> pd.DataFrame:
        """Return the true values; measured once."""
        path = self.folder / "truth.csv"
        if not path.exists():
            found = true_values(_population(self), sizes_of(RECIPES[self.recipe]), self.seed)
            with replacing(path) as temporary:
                found.to_csv(temporary, index=False)
        return pd.read_csv(path)

    def unfinished(self, studies: int) -> list[int]:
        """Numbers of the studies below ``studies`` that are still to be done."""
        done = set(self.finished["study"])
        return [number for number in range(studies) if number not in done]

    def keep(self, done: Iterator[pd.DataFrame]) -> None:
        """Append studies as they finish, so that an interrupted call goes on where it was."""
        path = self.folder / "studies.csv"
        for rows in done:
            rows.to_csv(path, mode="a", header=not path.exists(), index=False)


def run_study(calibration: Calibration, number: int) -> pd.DataFrame:
    """Draw and assess one study; its number and the seed decide every draw."""
    child = np.random.SeedSequence([calibration.seed, *calibration.recipe.encode(), number])
    sizes = sizes_of(RECIPES[calibration.recipe])
    table = draw_study(_population(calibration), sizes, child)
    return estimates(table).assign(study=number)


@lru_cache(maxsize=1)
def _population(calibration: Calibration) -> Population:
    """Read the population, which is rendered at the first call."""
    calibration.folder.mkdir(parents=True, exist_ok=True)
    images, cohort = calibration.folder / "images.npy", calibration.folder / "cohort.pkl"
    if not (images.exists() and cohort.exists()):
        phantoms = RECIPES[calibration.recipe].phantoms
        drawn = render_population(phantoms, calibration.n_per_group, calibration.seed)
        with replacing(cohort) as temporary:
            drawn.cohort.to_pickle(temporary)
        with replacing(images) as temporary, temporary.open("wb") as stream:
            np.save(stream, drawn.images)
    return Population(pd.read_pickle(cohort), np.load(images))
