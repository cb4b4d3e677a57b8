"""Write a model card, and beside it the weights if they show nobody."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

import tonegap
from tonegap.errors import DataError
from tonegap.files.atomic import replacing, write_text
from tonegap.files.finished_model import TRAINED
from tonegap.files.known_data import known_data
from tonegap.files.locked import require_current
from tonegap.files.parameters import read_params
from tonegap.files.repository import changed_files, head
from tonegap.files.saved_model import read_facts
from tonegap.files.tables import read_json
from tonegap.interchange.card import Run, card_metadata, card_text
from tonegap.interchange.datasets import DataSet
from tonegap.params import Params
from tonegap.workspace import Workspace

CARD: Final = "README.md"
WEIGHTS: Final = "model.safetensors"

_OF_RUN: Final = (Workspace.weights, Workspace.evaluation, Workspace.split, Workspace.cohort)
_VERSIONED: Final = (Workspace.params, Workspace.lock, Workspace.data_pin, Workspace.manifest)


def write_card(root: Path, folder: Path) -> DataSet:
    """Write the card of the trained model; copy its weights if nobody is shown.

    Parameters
    ----------
    root
        Root of the repository.
    folder
        Receives ``README.md`` and ``model.safetensors``. The weights of a model that was trained
        on photographs are not copied (docs/remotes.md).

    Returns
    -------
    DataSet
        What the model was trained on.

    Raises
    ------
    DataError
        If a file of the run is missing or is not what dvc.lock records, if the assessed model is
        not the trained one, or if the folder holds weights that must not be there.
    """
    data, run = known_data(root), _run(root)
    weights = folder / WEIGHTS
    if data.patients and weights.exists():
        raise DataError(
            f"{weights} is there, but models trained on photographs count as pictures of patients "
            f"({data.patients}), and a card goes to others; delete it, or name another folder"
        )
    metadata = _yaml(card_metadata(run, data))
    write_text(folder / CARD, f"---\n{metadata}---\n\n{card_text(run, data)}")
    if not data.patients:
        with replacing(weights) as temporary:
            shutil.copyfile(root / Workspace.weights, temporary)
    return data


def _run(root: Path) -> Run:
    at = Workspace(root)
    params = read_params(at.params)
    if params.evaluate.model != TRAINED:
        raise DataError(
            f"{Workspace.evaluation} assesses {params.evaluate.model}, not {Workspace.weights}, so "
            "its numbers are of another model; set evaluate.model: trained and run `dvc repro`"
        )
    hashes = require_current(root, _OF_RUN)
    with at.weights.open("rb") as stream:
        facts = read_facts(stream, str(Workspace.weights))
    versioned = [path.as_posix() for path in (*_VERSIONED, Workspace.evaluation)]
    return Run(
        evaluation=read_json(at.evaluation, "the evaluation"),
        parameters=dict(_flat(_shown(params))),
        factory=facts.model.factory,
        image_size=facts.image_size,
        made_on=facts.made_on,
        commit=head(root),
        uncommitted=tuple(changed_files(root, versioned)),
        version=tonegap.__version__,
        hashes={path: found.sha256 for path, found in hashes.items()},
        weights=Workspace.weights.as_posix(),
    )


def _shown(params: Params) -> dict[str, Any]:
    sections = {"data": params.data, "model": params.model, "train": params.train}
    return {name: section.model_dump(mode="json") for name, section in sections.items()}


def _flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _yaml(content: Mapping[str, Any]) -> str:
    stream = io.StringIO()
    yaml: Any = YAML()  # keeps the order of keys
    yaml.width = 10_000  # one line per value
    yaml.dump(dict(content), stream)
    return stream.getvalue()
