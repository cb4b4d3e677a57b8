"""A repository as a Python object, for notebooks and scripts.

>>> import tonegap
>>> project = tonegap.open("path/to/clone")
>>> project.params.data.mix
>>> project.table("cohort")["group"].value_counts()
>>> project.run("split")
>>> project.study().images.groupby(["mix", "group"])["mse"].mean()
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from tonegap.errors import DataError, ParameterError
from tonegap.files.collected import Collected, read_collected
from tonegap.files.parameters import read_params
from tonegap.files.tables import read_csv, read_json
from tonegap.nearest import nearest
from tonegap.params import Params
from tonegap.pipeline import run_stage
from tonegap.tables import ROW_COLUMNS
from tonegap.workspace import Workspace

if TYPE_CHECKING:
    from tonegap.study.state import CellState


class Project:
    """A clone of the project.

    Parameters
    ----------
    root
        Folder that holds params.yaml and dvc.yaml.

    Raises
    ------
    ParameterError
        If the folder holds no params.yaml.
    """

    def __init__(self, root: Path) -> None:
        self.at = Workspace(root.resolve())
        if not self.at.params.is_file():
            raise ParameterError(
                f"{self.at.root} holds no params.yaml, so it is no clone of tonegap; name the "
                "folder that holds params.yaml and dvc.yaml"
            )

    def __repr__(self) -> str:
        """Name the folder."""
        return f"Project({str(self.at.root)!r})"

    @property
    def params(self) -> Params:
        """The parameters in params.yaml, read anew and validated."""
        return read_params(self.at.params)

    def table(self, name: str) -> pd.DataFrame:
        """Read a CSV file of the pipeline.

        Parameters
        ----------
        name
            As :class:`~tonegap.workspace.Workspace` names it: ``annotations``, ``cohort``,
            ``split``, ``per_image``, ``study_images``, ``decomposition``, ...
            (docs/artifacts.csv says what a row of each is).

        Raises
        ------
        DataError
            If there is no such table, or it has not been made yet.
        """
        return read_csv(self._path(name, ".csv"), (), f"the table {name!r}")

    def document(self, name: str) -> dict[str, Any]:
        """Read a JSON file of the pipeline: ``claims``, ``evaluation``, ``cohort_counts``, ...

        Raises
        ------
        DataError
            If there is no such document, or it has not been made yet.
        """
        return read_json(self._path(name, ".json"), f"the document {name!r}")

    def run(self, stage: str) -> None:
        """Run one stage on this clone's files, whether or not its inputs changed.

        ``dvc repro`` runs what is out of date and records it; this records nothing.

        Raises
        ------
        ParameterError
            If there is no such stage.
        """
        run_stage(stage, self.at)

    def study(self) -> Collected:
        """Read the collected study: a table of runs, a table of images, and the facts.

        Raises
        ------
        DataError
            If no study has been collected, or it is of other images.
        """
        annotated = read_csv(self.at.groups, ROW_COLUMNS, "the table of groups")["md5hash"]
        paths = (self.at.study, self.at.study_images, self.at.study_facts)
        collected, reason = read_collected(*paths, annotated)
        if collected is None:
            raise DataError(reason)
        return collected

    def study_state(self, name: str) -> list[CellState]:
        """Say which runs of a study are done, running, failed, outdated or missing.

        Raises
        ------
        StudyError
            If there is no such study.
        """
        from tonegap.study.files import read_study  # noqa: PLC0415  DVC loads slowly
        from tonegap.study.records import study_state  # noqa: PLC0415

        return study_state(self.at.root, read_study(self.at.root, name))

    def _path(self, name: str, suffix: str) -> Path:
        names = (key for key in vars(Workspace) if not key.startswith("_"))
        paths = {key: getattr(self.at, key) for key in names}
        known = {
            key: path
            for key, path in paths.items()
            if isinstance(path, Path) and path.suffix == suffix
        }
        if name not in known:
            raise DataError(f"the pipeline has no {suffix} file {name!r}; {nearest(name, known)}")
        return known[name]
