"""Where the pipeline's files are within a repository.

docs/artifacts.csv says what a row of each table is; a test holds this module, dvc.yaml and that
table together.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, overload, runtime_checkable


@runtime_checkable
class _Rooted(Protocol):
    @property
    def root(self) -> Path: ...


class _At:
    """A file or folder of a workspace, or of an audit's folder.

    Of an instance it is the path below its root; of the class it is the path within it, for a
    workspace as dvc.yaml and git name it.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    @overload
    def __get__(self, place: None, owner: type) -> Path: ...
    @overload
    def __get__(self, place: _Rooted, owner: type) -> Path: ...
    def __get__(self, place: _Rooted | None, owner: type) -> Path:
        return self.path if place is None else place.root / self.path


@dataclass(frozen=True)
class Workspace:
    """A checkout of the project.

    Attributes
    ----------
    root
        Folder that holds params.yaml and dvc.yaml.
    """

    root: Path

    params = _At("params.yaml")
    pipeline = _At("dvc.yaml")
    lock = _At("dvc.lock")
    gate = _At("gate.yaml")
    data_pin = _At("data.dvc")
    studies = _At("studies")
    lists = _At("lists")
    manifest = _At("images.txt")
    annotations = _At("data/annotations.csv")
    raw = _At("data/raw.zip")
    fetch = _At("data/fetch.csv")
    missing = _At("data/missing.csv")
    index = _At("data/index.csv")
    groups = _At("data/groups.csv")
    cohort = _At("data/cohort.csv")
    exclusions = _At("data/exclusions.csv")
    duplicates = _At("data/duplicates.csv")
    straddling = _At("data/straddling.csv")
    cohort_counts = _At("metrics/cohort.json")
    exclusions_flow = _At("plots/exclusions.csv")
    images = _At("data/images.npy")
    image_rows = _At("data/images.csv")
    split = _At("data/split.csv")
    panel = _At("data/panel.csv")
    weights = _At("models/vae.safetensors")
    train_metrics = _At("metrics/train")
    per_image = _At("results/per_image.csv")
    evaluation = _At("metrics/evaluate.json")
    noise = _At("metrics/noise.json")
    conditions = _At("metrics/conditions.csv")
    examples = _At("results/examples.npz")
    panel_sketches = _At("results/panel.npz")
    generation = _At("metrics/generation.csv")
    evaluate_plots = _At("plots/evaluate")
    study = _At("metrics/study.csv")
    study_images = _At("metrics/study_images.csv")
    study_facts = _At("metrics/study.json")
    study_examples = _At("plots/study_examples.npz")
    decomposition = _At("metrics/decomposition.csv")
    labels = _At("metrics/labels.csv")
    conditions_gap = _At("metrics/conditions_gap.csv")
    heterogeneity = _At("metrics/heterogeneity.csv")
    influence = _At("metrics/influence.csv")
    scorecard = _At("metrics/scorecard.csv")
    planted = _At("metrics/planted.json")
    amplification = _At("metrics/amplification.csv")
    audits = _At("audits")
    private = _At("private")
    private_examples = _At("private/study_examples.npz")
    figures = _At("plots/figures")
    deviations = _At("docs/deviations.md")
    claims = _At("report/claims.json")
    report = _At("report/index.html")


@dataclass(frozen=True)
class PackedImages:
    """A folder of packed images: ``data``, or ``data/size-N`` for another size.

    Attributes
    ----------
    root
        The folder itself.
    """

    root: Path

    images = _At("images.npy")
    image_rows = _At("images.csv")


def packed_folder(image_size: int | None = None) -> Path:
    """Return the folder of packed images within the repository; None: ``data.image_size``."""
    return Path("data") if image_size is None else Path(f"data/size-{image_size}")


@dataclass(frozen=True)
class AuditFolder:
    """The folder of one audit: ``audits/NAME`` of a workspace; docs/audit.md lists its files.

    Attributes
    ----------
    root
        The folder itself.
    """

    root: Path

    params = _At("params.yaml")
    pipeline = _At("dvc.yaml")
    seen = _At("seen.txt")
    per_image = _At("per_image.csv")
    facts = _At("facts.json")
    examples = _At("examples.npz")
    claims = _At("claims.json")
    provenance = _At("provenance.json")
    tables = _At("tables")
    report = _At("index.html")

    @property
    def name(self) -> str:
        """The audit's name."""
        return self.root.name
