"""A tiny pipeline in a temporary folder, for tests that run stages."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from ruamel.yaml import YAML

from tonegap.params import Section
from tonegap.phantom.recipes import annotation_table

SEVEN = ("fetch", "hash", "filter", "prepare", "split", "train", "evaluate")
TINY = {
    "data": {"image_size": 32, "n_test": 6, "n_train": 12, "mix": "mixed"},
    "model": {"base_width": 4, "block_widths": [1, 2], "latent_channels": 4},
    "train": {"epochs": 2, "batch_size": 4, "perceptual_network": "squeezenet1_1"},
    "evaluate": {"pca_components": 4, "grid_images": 2, "samples": 8},
}

_CHECKING = ("tonegap.params", "tonegap.raw_params")
"""Modules that validate all parameters, whichever stage reads them."""


def write_params(repository: Path, folder: Path, changes: dict) -> None:
    """Write the committed params.yaml with some values changed."""
    yaml = YAML(typ="safe", pure=True)
    params = yaml.load((repository / "params.yaml").read_text())
    for group, values in changes.items():
        params[group].update(values)
    with (folder / "params.yaml").open("w") as stream:
        yaml.dump(params, stream)


def make_workspace(repository: Path, folder: Path) -> Path:
    """Put a small phantom and tiny parameters into a folder."""
    (folder / "data").mkdir(parents=True)
    table = annotation_table("default", n_light=30, n_dark=30, n_other=6, seed=3)
    table.to_csv(folder / "data" / "annotations.csv", index=False)
    (folder / "images.txt").write_text("")
    write_params(repository, folder, TINY)
    return folder


class Finished:
    """A folder in which the seven stages have run, and the parameters that each read."""

    def __init__(self, folder: Path, read: dict[str, set[str]]) -> None:
        self.folder = folder
        self.read = read


@contextlib.contextmanager
def recorded_reads():
    """Record which parameters are read, as group.key; checks of the whole file do not count."""
    names: set[str] = set()
    original = Section.__getattribute__
    groups = {
        "FetchParams": "fetch",
        "FilterParams": "filter",
        "GroupsParams": "groups",
        "DataParams": "data",
        "ModelParams": "model",
        "TrainParams": "train",
        "EvaluateParams": "evaluate",
    }

    def spy(self, name):
        group = groups.get(type(self).__name__)
        checking = sys._getframe(1).f_globals["__name__"] in _CHECKING
        if group and name in type(self).model_fields and not checking:
            names.add(f"{group}.{name}")
        return original(self, name)

    Section.__getattribute__ = spy
    try:
        yield names
    finally:
        del Section.__getattribute__
