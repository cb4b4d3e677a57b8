"""Where the pipeline's files are within a repository.

docs/artifacts.csv says what a row of each table is; a test holds this module, dvc.yaml and that
table together.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import overload


class _At:
    """A file or folder of a workspace.

    Of a workspace it is the path below its root; of the class it is the path within the
    repository, as dvc.yaml and git name it.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    @overload
    def __get__(self, workspace: None, owner: type[Workspace]) -> Path: ...
    @overload
    def __get__(self, workspace: Workspace, owner: type[Workspace]) -> Path: ...
    def __get__(self, workspace: Workspace | None, owner: type[Workspace]) -> Path:
        return self.path if workspace is None else workspace.root / self.path


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
    private = _At("private")
    private_examples = _At("private/study_examples.npz")
    figures = _At("plots/figures")
    deviations = _At("docs/deviations.md")
    claims = _At("report/claims.json")
    report = _At("report/index.html")
