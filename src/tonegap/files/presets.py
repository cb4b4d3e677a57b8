"""Presets on disk: the YAML files of :mod:`tonegap.presets`, which ship with the package."""

from __future__ import annotations

import json

import pydantic

from tonegap.errors import DataError, one_line
from tonegap.files.parameters import read_yaml
from tonegap.nearest import nearest
from tonegap.presets import FOLDER, preset_names
from tonegap.presets.schema import Preset


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
    content = json.dumps(read_yaml(FOLDER / f"{name}.yaml"))
    try:
        return Preset.model_validate_json(content)
    except pydantic.ValidationError as error:
        raise DataError(f"the preset {name!r} is broken: {one_line(error)}") from None
