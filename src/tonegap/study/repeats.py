"""Warn about finished runs whose training draws repeat few images."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tonegap.files.repository import file_at
from tonegap.sampling.diversity import repetition
from tonegap.study.state import CellState
from tonegap.workspace import Workspace


def repetitive_runs(root: Path, states: Sequence[CellState]) -> list[str]:
    """Describe the finished run with the fewest distinct images for each mix and group.

    Returns
    -------
    list of str
        A sentence for each mix and group that repeats its images too often.
    """
    fewest: dict[tuple[str, str], tuple[int, int]] = {}
    for state in states:
        if state.status != "done":
            continue
        evaluation = file_at(root, str(state.commit), Workspace.evaluation.as_posix())
        training = json.loads(evaluation or "{}").get("settings", {}).get("training", {})
        for group, sizes in training.items():
            key, found = (state.cell.params.data.mix, group), (sizes["distinct"], sizes["draws"])
            fewest[key] = min(fewest.get(key, found), found)
    sentences = {
        mix_and_group: repetition(mix_and_group[1], draws, distinct)
        for mix_and_group, (distinct, draws) in fewest.items()
    }
    return [f"mix {mix}: {sentence}" for (mix, _), sentence in sentences.items() if sentence]
