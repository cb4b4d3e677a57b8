"""Which data set this branch assesses, found from data.dvc, and whether it shows patients."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tonegap.facts import is_phantom
from tonegap.files.data_pin import PHANTOM_TABLE, PIN
from tonegap.files.parameters import read_yaml
from tonegap.files.pictures import patients_shown
from tonegap.files.presets import read_preset
from tonegap.files.tables import read_json
from tonegap.interchange.datasets import DataSet, other_set, phantom_set, preset_set
from tonegap.presets import preset_names
from tonegap.workspace import Workspace


def known_data(root: Path) -> DataSet:
    """Describe the data set of this branch.

    The embedded phantoms are known by the path of their table, public tables by the md5 that
    their preset pins; of any other table nothing is known but that it is there.

    Raises
    ------
    DataError
        If images.txt or data/fetch.csv cannot be read.
    ParameterError
        If data.dvc is missing or is not YAML.
    """
    pin = read_yaml(root / PIN)
    patients = patients_behind(root)
    if not patients and _paths(pin) == [PHANTOM_TABLE]:
        return phantom_set()
    md5s = {str(out.get("md5")) for out in pin.get("outs", ())}
    for name in preset_names():
        preset = read_preset(name)
        if any(form.pinned and form.pinned.md5 in md5s for form in preset.forms):
            return preset_set(name, preset, patients)
    return other_set(patients)


def patients_behind(root: Path) -> str:
    """Say why something here shows patients; empty only if everything rests on phantoms.

    Besides the images themselves it asks data.dvc and the settings that the run and the collected
    study recorded: numbers of photographs may outlive a change of data.

    Raises
    ------
    DataError
        If a file that must tell cannot be read.
    ParameterError
        If data.dvc is missing or is not YAML.
    """
    why = patients_shown(root)
    if why:
        return why
    if (read_yaml(root / PIN).get("meta") or {}).get("pictures_remote"):
        return "data.dvc names a remote for pictures of patients"
    for path in (Workspace.evaluation, Workspace.study_facts):
        if (root / path).is_file():
            settings = read_json(root / path, "the settings of a run").get("settings", {})
            if not is_phantom(settings):
                return f"{path} does not say that its images are phantoms"
    return ""


def _paths(pin: Mapping[str, Any]) -> list[str]:
    return [str(dep.get("path")) for dep in pin.get("deps", ())]
