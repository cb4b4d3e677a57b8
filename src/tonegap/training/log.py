"""The log of a run: loss terms per epoch as DVCLive writes them.

The files hold only reproducible numbers, no times: git tracks them, and equal runs must
give equal files. A resumed run rewrites its log from its checkpoint, because DVC removes a
stage's outputs before it starts, and a killed process may leave half a row.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from tonegap.digits import json_value
from tonegap.training.loop import EpochLosses


@runtime_checkable
class TrainingLog(Protocol):
    """Receiver of a run's numbers."""

    def add(self, losses: EpochLosses) -> None:
        """Add the next epoch."""
        ...

    def close(self, settings: Mapping[str, str | float | bool]) -> None:
        """Finish, with the settings that change what the numbers mean."""
        ...


def open_log(folder: Path) -> TrainingLog:
    """Return a log through DVCLive if it is installed, else one that writes the same files."""
    try:
        dvclive = importlib.import_module("dvclive")
    except ModuleNotFoundError:
        return PlainLog(folder)
    return LiveLog(dvclive.Live(str(folder), dvcyaml=None, save_dvc_exp=False))


class LiveLog:
    """DVCLive's log."""

    def __init__(self, live: Any) -> None:
        self._live = live

    def add(self, losses: EpochLosses) -> None:
        """Add the next epoch; DVCLive's step is the epoch."""
        for name, value in _terms(losses).items():
            self._live.log_metric(name, value)
        self._live.next_step()

    def close(self, settings: Mapping[str, str | float | bool]) -> None:
        """Add the settings to metrics.json and end."""
        for name, value in settings.items():
            self._live.log_metric(name, value, plot=False)
        self._live.end()


class PlainLog:
    """Writes the same files without DVCLive, for machines that only train."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._summary: dict[str, str | float | bool] = {}
        shutil.rmtree(folder / "plots" / "metrics", ignore_errors=True)
        (folder / "metrics.json").unlink(missing_ok=True)
        (folder / "plots" / "metrics").mkdir(parents=True)

    def add(self, losses: EpochLosses) -> None:
        """Add a row to each term's table."""
        for name, value in _terms(losses).items():
            path = self._folder / "plots" / "metrics" / f"{name}.tsv"
            with path.open("a", encoding="utf-8", newline="") as stream:
                stream.write("" if stream.tell() else f"step\t{name}\n")
                stream.write(f"{losses.epoch}\t{value!r}\n")
        self._summary |= _terms(losses)
        self._summary["step"] = losses.epoch
        self._write()

    def close(self, settings: Mapping[str, str | float | bool]) -> None:
        """Add the settings to metrics.json."""
        self._summary |= settings
        self._write()

    def _write(self) -> None:
        content = json.dumps(self._summary, indent=4) + "\n"
        (self._folder / "metrics.json").write_text(content, encoding="utf-8")


def _terms(losses: EpochLosses) -> dict[str, str | float | bool]:
    terms = dataclasses.asdict(losses)
    del terms["epoch"]
    weights = terms.pop("weights")
    return dict(json_value(terms | {f"weight_{name}": value for name, value in weights.items()}))
