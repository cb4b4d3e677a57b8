"""Read a collected study, if it belongs to the current data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from tonegap.errors import DataError
from tonegap.files.tables import read_csv, read_json
from tonegap.groups import Groups
from tonegap.statistics.draws import COLUMNS as DRAWN

_RUN_COLUMNS = ("study", "run", "mix", "share", "seed", "group", "n", "mse", "sigma")
_IMAGE_COLUMNS = ("run", "mix", "share", "seed", "md5hash", "group", "cluster", "label_fine", "mse")


@dataclass(frozen=True)
class Collected:
    """A collected study.

    Attributes
    ----------
    runs
        A row per run and group.
    images
        A row per run and test image, with what the run drew of the row's group.
    facts
        Name, settings, counts of runs, versions.
    """

    runs: pd.DataFrame
    images: pd.DataFrame
    facts: Mapping[str, Any]

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings that change what the numbers mean."""
        settings: Mapping[str, Any] = self.facts.get("settings", {})
        return settings

    @property
    def groups(self) -> Groups:
        """The groups that the study compared."""
        return Groups.from_mapping(self.settings.get("groups", {}))


def read_collected(
    runs: Path, images: Path, facts: Path, annotated: pd.Series
) -> tuple[Collected | None, str]:
    """Read a study, or return the reason why it is not shown.

    Parameters
    ----------
    runs, images, facts
        metrics/study.csv, metrics/study_images.csv and metrics/study.json.
    annotated
        The md5 of every annotated row: a study of other images is not shown.

    Raises
    ------
    DataError
        If a table lacks a column or holds more than one study.
    """
    if not runs.is_file():
        return None, "No study has been collected: run `tonegap study run` and `study collect`."
    by_image = read_csv(images, _IMAGE_COLUMNS, "the study's table of images")
    if not by_image["md5hash"].isin(annotated).all():
        return None, (
            "The collected study is of another data set than data/annotations.csv: "
            "run and collect a study of this one."
        )
    by_run = read_csv(runs, _RUN_COLUMNS, "the study's table of runs")
    names = by_run["study"].unique()
    if len(names) != 1:
        raise DataError(
            f"{runs} holds {len(names)} studies ({', '.join(map(str, names[:3]))}), whose runs "
            "cannot be compared; collect one of them"
        )
    return Collected(
        by_run, _with_draws(by_image, by_run), read_json(facts, "the study's facts")
    ), ""


def _with_draws(images: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Add what each run drew of the row's group; tables collected before lack the columns."""
    if any(name not in runs.columns for name in DRAWN):
        return images
    keys = ["run", "group"]
    return images.merge(runs[[*keys, *DRAWN]], on=keys, how="left", validate="many_to_one")
