"""Where the pipeline's files are, relative to the repository's root, and the user's cache.

docs/artifacts.csv says what a row of each table is; a test holds this module, dvc.yaml
and that table together.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

PARAMS = Path("params.yaml")
MANIFEST = Path("images.txt")
ANNOTATIONS = Path("data/annotations.csv")
RAW = Path("data/raw.zip")
FETCH = Path("data/fetch.csv")
MISSING = Path("data/missing.csv")
INDEX = Path("data/index.csv")
LISTS = Path("lists")
DUPLICATES = Path("data/duplicates.csv")
STRADDLING = Path("data/straddling.csv")
COHORT = Path("data/cohort.csv")
EXCLUSIONS = Path("data/exclusions.csv")
COHORT_COUNTS = Path("metrics/cohort.json")
EXCLUSIONS_FLOW = Path("plots/exclusions.csv")
IMAGES = Path("data/images.npy")
IMAGE_ROWS = Path("data/images.csv")
SPLIT = Path("data/split.csv")
WEIGHTS = Path("models/vae.safetensors")
TRAIN_METRICS = Path("metrics/train")
PER_IMAGE = Path("results/per_image.csv")
EVALUATION = Path("metrics/evaluate.json")
CONDITIONS = Path("metrics/conditions.csv")
EXAMPLES = Path("results/examples.npz")
EVALUATE_PLOTS = Path("plots/evaluate")
STUDY = Path("metrics/study.csv")
STUDY_IMAGES = Path("metrics/study_images.csv")
STUDY_FACTS = Path("metrics/study.json")
STUDY_EXAMPLES = Path("plots/study_examples.npz")
PRIVATE = Path("private")
PRIVATE_EXAMPLES = PRIVATE / "study_examples.npz"
FIGURES = Path("plots/figures")
REPORT = Path("report")


def user_cache() -> Path:
    """Folder for images and checkpoints that clones and experiments share.

    The environment variable ``TONEGAP_CACHE`` moves it, say to a larger disk. It lies
    outside the repository because experiments run in temporary copies, which see no
    file of the workspace that git does not track.
    """
    chosen = os.environ.get("TONEGAP_CACHE")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("tonegap"))
