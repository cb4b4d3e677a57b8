"""Write the Croissant metadata of the prepared cohort."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import tonegap
from tonegap.errors import DataError
from tonegap.files.known_data import known_data
from tonegap.files.locked import Hashes, require_current
from tonegap.files.parameters import read_params
from tonegap.files.repository import git
from tonegap.files.tables import read_csv, read_json, write_json
from tonegap.interchange.croissant import File, croissant
from tonegap.interchange.datasets import DataSet
from tonegap.workspace import Workspace

_DESCRIBED: Final = (
    (Workspace.cohort, "The cohort: one row per image.", "text/csv"),
    (Workspace.image_rows, "Which row of images.npy holds which image.", "text/csv"),
    (
        Workspace.images,
        "The prepared pictures: uint8, n x size x size x 3, RGB.",
        "application/x-npy",
    ),
    (Workspace.manifest, "The photographs of this commit, by md5.", "text/plain"),
    (Workspace.cohort_counts, "How many rows every rule left, by group.", "application/json"),
)


def write_croissant(root: Path, target: Path) -> DataSet:
    """Describe the prepared cohort; return the data set that it comes from.

    Parameters
    ----------
    root
        Root of the repository.
    target
        The metadata. Its file addresses are relative to its folder, so it must lie in the
        repository.

    Raises
    ------
    DataError
        If a file of the cohort is missing, or is not what dvc.lock records.
    """
    folder = _folder_within(root, target)
    hashes = require_current(root, (path for path, _, _ in _DESCRIBED))
    at, data = Workspace(root), known_data(root)
    document = croissant(
        data,
        read_json(at.cohort_counts, "the cohort's counts"),
        read_csv(at.cohort, ["md5hash"], "the cohort"),
        [
            _file(hashes[path.as_posix()], path, meaning, media_type, folder)
            for path, meaning, media_type in _DESCRIBED
        ],
        version=f"{tonegap.__version__}+{hashes[Workspace.cohort.as_posix()].md5[:12]}",
        recorded_on=_recorded_on(root),
        image_size=read_params(at.params).data.image_size,
    )
    write_json(document, target)
    return data


def _folder_within(root: Path, target: Path) -> Path:
    """Return the folder of the metadata, relative to the repository."""
    try:
        return target.resolve().parent.relative_to(root.resolve())
    except ValueError:
        raise DataError(
            f"{target} lies outside the repository {root.resolve()}, so the metadata would name "
            "files of this machine alone; write it into the repository and copy it together "
            "with the files that it names"
        ) from None


def _file(hashes: Hashes, path: Path, meaning: str, media_type: str, folder: Path) -> File:
    return File(
        name=path.name,
        url=Path(os.path.relpath(path, folder)).as_posix(),
        meaning=meaning,
        media_type=media_type,
        size=hashes.size,
        sha256=hashes.sha256,
        md5=hashes.md5,
        pictures=path == Workspace.images,
    )


def _recorded_on(root: Path) -> str:
    """Return the day of the commit that last chose the data or its images."""
    chosen = (Workspace.data_pin.as_posix(), Workspace.manifest.as_posix())
    day = git(root, "log", "-1", "--format=%cs", "--", *chosen).strip()
    if not day:
        raise DataError(
            "git holds neither data.dvc nor images.txt, so no commit names these data; commit them"
        )
    return day
