"""The noise of training: how much each metric scatters when only the seed of training changes.

The study ``noise`` trains the default model again and again on the same images. Its metrics differ
only by initial weights, the order of batches, flips and latent noise. A change of code or of
parameters that moves a metric by less than their band cannot be told from such luck.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy import stats

from tonegap.errors import StudyError
from tonegap.files.repository import file_at
from tonegap.study.plan import Study
from tonegap.study.state import CellState
from tonegap.workspace import Workspace

SCHEMA: Final = "tonegap-noise-1"
SEED: Final = "train.seed"
COVERAGE: Final = 0.95
_FEWEST: Final = 3


def measure_noise(root: Path, study: Study, states: Sequence[CellState]) -> dict[str, Any]:
    """Return the noise of each metric in metrics/evaluate.json, as a document for JSON.

    Parameters
    ----------
    root
        Root of the repository.
    study
        A study whose grid varies ``train.seed`` alone.
    states
        The state of each of its cells.

    Returns
    -------
    dict
        ``schema``, ``design`` (study and seeds), and for each metric by dotted name (``mse.gap``):
        ``mean``; ``sd``, with n - 1; ``n``; and ``band``, the half-width within which the
        difference of two trainings lies in 95 % of pairs, ``t * sd * sqrt(2)``.

    Raises
    ------
    StudyError
        If the grid varies anything else, or fewer than three cells are done.
    """
    if (varied := _varied(study)) != [SEED]:
        raise StudyError(
            f"the study {study.name} varies {', '.join(varied) or 'nothing'}, but noise is the "
            f"scatter over {SEED} alone; name a study with only that in its grid, such as noise"
        )
    done = [state for state in states if state.status == "done"]
    if len(done) < max(_FEWEST, len(states)):
        raise StudyError(
            f"{len(done)} of {len(states)} runs of {study.name} are done; noise needs all, and at "
            f"least {_FEWEST}: run `tonegap study run {study.name} -j 2`"
        )
    runs = [dict(_numbers(_evaluation(root, state))) for state in done]
    shared = [name for name in runs[0] if all(name in run for run in runs)]
    return {
        "schema": SCHEMA,
        "design": {"study": study.name, "varies": SEED, "n": len(runs)},
        "metrics": {name: scatter([run[name] for run in runs]) for name in shared},
    }


def scatter(values: Sequence[float]) -> dict[str, float | int]:
    """Return mean, standard deviation, count and band of one metric."""
    count = len(values)
    sd = float(np.std(values, ddof=1))
    t = float(stats.t.ppf((1 + COVERAGE) / 2, count - 1))
    band = t * sd * math.sqrt(2.0)
    return {"mean": float(np.mean(values)), "sd": sd, "n": count, "band": band}


def _varied(study: Study) -> list[str]:
    """Return the parameters that differ between the cells of a study."""
    first = study.cells[0].overrides
    return [
        key
        for key, value in first.items()
        if any(cell.overrides[key] != value for cell in study.cells)
    ]


def _evaluation(root: Path, state: CellState) -> Mapping[str, Any]:
    text = file_at(root, state.commit or "", Workspace.evaluation.as_posix())
    if text is None:
        raise StudyError(
            f"the experiment {state.cell.name} has no {Workspace.evaluation}; run it again with "
            "`tonegap study run noise`"
        )
    content: Mapping[str, Any] = json.loads(text)
    return content


def _numbers(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield the metrics by dotted name; settings are not metrics."""
    for key, value in content.items():
        if isinstance(value, Mapping) and key != "settings":
            yield from _numbers(value, f"{prefix}{key}.")
        elif isinstance(value, float):
            yield prefix + key, value
