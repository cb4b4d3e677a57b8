"""Read the inputs of ``tonegap study compare``: a collected table, or runs of a study."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from tonegap.errors import StudyError
from tonegap.files.parameters import parse_value
from tonegap.files.repository import file_at
from tonegap.files.tables import read_csv, read_json
from tonegap.groups import LIGHT_AND_DARK, Groups
from tonegap.nearest import nearest
from tonegap.study.collect import images_of
from tonegap.study.files import read_study
from tonegap.study.records import study_state
from tonegap.study.state import CellState
from tonegap.workspace import Workspace

_NEEDED = ("run", "mix", "share", "seed", "md5hash", "group", "cluster", "mse")


@dataclass(frozen=True)
class Source:
    """One side of a comparison.

    Attributes
    ----------
    images
        One row per run and test image, as in metrics/study_images.csv.
    groups
        The two that are compared.
    """

    images: pd.DataFrame
    groups: Groups


def read_source(root: Path, text: str) -> Source:
    """Read ``FOLDER``, ``TABLE.csv`` or ``STUDY``, each optionally followed by ``:key=value,...``.

    Parameters
    ----------
    root
        Root of the repository.
    text
        A folder or table that ``tonegap study collect`` wrote, whose keys are columns (mix, seed,
        distinct), or a study in studies/, whose keys are dotted parameters (train.beta).

    Raises
    ------
    StudyError
        If a key or value chooses nothing, or runs of the study are missing.
    DataError
        If a table cannot be read.
    """
    place, _, conditions = text.partition(":")
    where = _where(conditions, text)
    path = Path(place)
    return _collected(path, where) if path.exists() else _of_study(root, place, where)


def _where(conditions: str, text: str) -> dict[str, Any]:
    where = {}
    for pair in filter(None, conditions.split(",")):
        key, equals, value = pair.partition("=")
        if not equals:
            raise StudyError(f"{text!r} is not of the form STUDY:key=value,key=value")
        where[key.strip()] = parse_value(value)
    return where


def _collected(path: Path, where: Mapping[str, Any]) -> Source:
    folder = path if path.is_dir() else path.parent
    table = path / Workspace.study_images.name if path.is_dir() else path
    images = read_csv(table, _NEEDED, "the table of a collected study")
    for key, value in where.items():
        column = key.removeprefix("data.")
        if column not in images.columns:
            raise StudyError(f"{table} has no column {column!r}; {nearest(column, images.columns)}")
        known = images[column].unique()
        images = images[images[column] == value]
        if images.empty:
            raise StudyError(f"{table} has no run with {key}={value}; {nearest(str(value), known)}")
    facts = folder / Workspace.study_facts.name
    settings = read_json(facts, "the study's facts")["settings"] if facts.exists() else {}
    return Source(images, _groups(settings))


def _of_study(root: Path, name: str, where: Mapping[str, Any]) -> Source:
    study = read_study(root, name)
    chosen = study_state(root, study)
    for key, value in where.items():
        known = {str(state.cell.overrides.get(key)) for state in chosen}
        chosen = [state for state in chosen if state.cell.overrides.get(key) == value]
        if not chosen:
            raise StudyError(f"no run of {name} has {key}={value}; {nearest(str(value), known)}")
    open_ = [state.cell.name for state in chosen if state.status != "done"]
    if open_:
        raise StudyError(
            f"{len(open_)} of {len(chosen)} runs of {name} are not done, such as {open_[0]}, and "
            f"only pairs are compared: run `tonegap study run {name}`"
        )
    images = pd.concat([images_of(root, study, state) for state in chosen], ignore_index=True)
    return Source(images, _groups(_settings_of(root, chosen[0])))


def _settings_of(root: Path, state: CellState) -> Mapping[str, Any]:
    evaluation = file_at(root, str(state.commit), Workspace.evaluation.as_posix())
    settings: Mapping[str, Any] = json.loads(evaluation or "{}").get("settings", {})
    return settings


def _groups(settings: Mapping[str, Any]) -> Groups:
    """Read the groups of finished runs; the default is the paper's groups."""
    return Groups.from_mapping(settings["groups"]) if "groups" in settings else LIGHT_AND_DARK
