"""Presets on disk: the YAML files of :mod:`tonegap.presets`, which ship with the package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pydantic

import tonegap.presets
from tonegap.errors import DataError, one_line
from tonegap.files.parameters import read_yaml
from tonegap.nearest import nearest
from tonegap.presets.schema import Preset

_FOLDER: Final = Path(tonegap.presets.__file__).parent


def preset_names() -> list[str]:
    """Return the names of all presets, in alphabetical order."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def preset_summary(name: str) -> str:
    """Return the first line of a preset, a comment: quick to read, for lists of commands."""
    with (_FOLDER / f"{name}.yaml").open(encoding="utf-8") as stream:
        return stream.readline().lstrip("# ").strip()


def read_preset(name: str) -> Preset:
    """Read a preset.

    Raises
    ------
    DataError
        If there is no such preset, or its file breaks the schema.
    """
    if name not in preset_names():
        raise DataError(
            f"there is no preset {name!r}; {nearest(name, preset_names())} For another data set "
            "name its columns: `tonegap source table FILE --identifier COLUMN ...` "
            "(docs/other-data.md)"
        )
    # As JSON, whose arrays a strict schema takes for tuples.
    content = json.dumps(read_yaml(_FOLDER / f"{name}.yaml"))
    try:
        return Preset.model_validate_json(content)
    except pydantic.ValidationError as error:
        raise DataError(f"the preset {name!r} is broken: {one_line(error)}") from None
