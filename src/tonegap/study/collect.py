"""Collect a study: turn its experiments into tables that git tracks.

A stage cannot depend on git refs, so this command reads the experiments once, and the
``figures`` and ``report`` stages depend on the tables.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from dvc.api import DVCFileSystem
from dvc.api import open as open_output
from dvc.exceptions import DvcException

import tonegap
from tonegap.cohort.groups import groups_of
from tonegap.collapse import is_collapsed
from tonegap.digits import rounded_table
from tonegap.errors import StudyError
from tonegap.examples import StudyExamples
from tonegap.files.examples import read_examples, write_examples
from tonegap.files.panel import read_panel
from tonegap.files.repository import experiments, file_at
from tonegap.files.saved_model import read_facts
from tonegap.files.tables import write_csv, write_json
from tonegap.measures import COLUMNS
from tonegap.sampling.diversity import effective_numbers, training_sizes
from tonegap.sampling.pools import make_pools
from tonegap.statistics.design import units_of
from tonegap.statistics.draws import DRAWN_BY_SEED, RETRAINED, drawn_by_seed
from tonegap.statistics.tone_slope import tone_slopes
from tonegap.study.plan import Cell, Study
from tonegap.study.state import CellState
from tonegap.uncertainty.ensemble import Member, ensemble_columns
from tonegap.workspace import Workspace

RUN_COLUMNS = ("study", "run", "mix", "share", "seed", "distinct")
"""The columns that identify a run in the study's tables; ``distinct`` is ``data.distinct``."""


def collect_study(
    root: Path,
    study: Study,
    states: Sequence[CellState],
    retrained: Sequence[CellState] = (),
    *,
    partial: bool,
) -> list[str]:
    """Write the study's tables.

    Parameters
    ----------
    root
        Root of the repository.
    study, states
        The study and the state of each cell that counts
        (:func:`~tonegap.study.choice.runs_where`).
    retrained
        Finished second trainings, on the same draws with another ``train.seed``.
    partial
        Collect the finished cells even if others are missing.

    Returns
    -------
    list of str
        One line for each file written.

    Raises
    ------
    StudyError
        If no cell is done, or cells are missing and ``partial`` is false; or a second training
        differs from all runs in more than ``train.seed``.
    """
    done = [state for state in states if state.status == "done"]
    _require_done(study, states, done, partial=partial)
    at = Workspace(root)
    images = pd.concat([images_of(root, study, state) for state in done], ignore_index=True)
    splits = {state.cell.name: _table(root, Workspace.split, state) for state in done}
    images[DRAWN_BY_SEED] = drawn_by_seed(images, splits)
    images = pd.concat([images, rounded_table(_ensembles(root, images, done, splits))], axis=1)
    if retrained:
        images[RETRAINED] = _retrained(root, study, images, done, retrained)
    runs = pd.concat(
        [_runs_of(root, images, state, splits[state.cell.name]) for state in done],
        ignore_index=True,
    )
    write_csv(rounded_table(runs), at.study)
    write_csv(images, at.study_images)
    write_json(_facts(root, study, states, done, images), at.study_facts)
    examples = _collect_examples(at, done)
    return [
        f"{Workspace.study}: {len(runs)} rows, one per run and group",
        f"{Workspace.study_images}: {len(images)} rows, one per run and test image{_share(images)}",
        f"{Workspace.study_facts}: settings and experiments of {len(done)} of {len(states)} runs",
        *([f"{examples}: example reconstructions"] if examples else []),
    ]


def _require_done(
    study: Study, states: Sequence[CellState], done: Sequence[CellState], *, partial: bool
) -> None:
    if done and (partial or len(done) == len(states)):
        return
    first = next(state for state in states if state.status != "done")
    hint = "" if not done else ", or collect what there is with --partial"
    raise StudyError(
        f"{len(done)} of {len(states)} runs are done; {first.cell.name} is {first.status}"
        f"{f' ({first.reason})' if first.reason else ''}: run `tonegap study run {study.name}`"
        f"{hint}"
    )


def _output(root: Path, path: Path, state: CellState) -> bytes:
    """Return the content of a DVC-tracked file in an experiment."""
    try:
        content: bytes = _files(str(root), str(state.commit)).read_bytes(path.as_posix())
    except (DvcException, OSError) as error:
        raise StudyError(
            f"{path} of experiment {state.cell.name} is not in the cache ({error}); "
            f"`dvc exp pull origin {state.cell.name}` brings it, if it was pushed"
        ) from None
    return content


@cache
def _files(root: str, commit: str) -> DVCFileSystem:
    """Open a commit's files once: DVC reads all its stages for that."""
    return DVCFileSystem(root, rev=commit)


def _table(root: Path, path: Path, state: CellState) -> pd.DataFrame:
    text = io.BytesIO(_output(root, path, state))
    names = {"md5hash": str, "cluster": str}  # not numbers, even if all have digits only
    return pd.read_csv(text, keep_default_na=False, na_values=[""], dtype=names)


def images_of(root: Path, study: Study, state: CellState) -> pd.DataFrame:
    """Return a finished run's rows of the study's table of images."""
    params = state.cell.params
    keys: dict[str, str | float | int] = {
        "study": study.name,
        "run": state.cell.name,
        "mix": params.data.mix,
        "share": params.share,
        "seed": params.data.seed,
        "distinct": params.data.distinct,
    }
    table = _table(root, Workspace.per_image, state)
    for place, (name, value) in enumerate(keys.items()):
        table.insert(place, name, value)
    return table


def _retrained(
    root: Path,
    study: Study,
    images: pd.DataFrame,
    done: Sequence[CellState],
    retrained: Sequence[CellState],
) -> pd.Series:
    """Return the error of each row's image under the second training of its run."""
    first = {_but_training(state.cell): state.cell.name for state in done}
    second = {
        first[_but_training(state.cell)]: images_of(root, study, state).set_index("md5hash")["mse"]
        for state in retrained
        if _but_training(state.cell) in first
    }
    if not second:
        raise StudyError(
            f"no run of {study.name} was trained as {retrained[0].cell.name} was, but for "
            "train.seed: their difference is not the luck of a training; let the retrained study "
            "set train.seed alone"
        )
    errors = pd.concat(second, names=["run"])
    rows = pd.MultiIndex.from_frame(images[["run", "md5hash"]])
    return pd.Series(errors.reindex(rows).to_numpy(), index=images.index)


def _but_training(cell: Cell) -> str:
    """Write a cell's parameters without ``train.seed``, to be compared."""
    values = cell.params.model_dump(mode="json")
    del values["train"]["seed"]
    return json.dumps(values, sort_keys=True)


def _ensembles(
    root: Path,
    images: pd.DataFrame,
    done: Sequence[CellState],
    splits: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Compare what the models of one mix make of the same image (docs/uncertainty.md)."""
    members = (
        _member(root, state, splits[state.cell.name])
        for state in done
        if state.cell.params.data.panel_seeds
    )
    kinds = images["mix"] + ", " + images["distinct"]
    return ensemble_columns(images, kinds, members)


def _share(images: pd.DataFrame) -> str:
    """Tell how many rows have an ensemble, as the end of a sentence."""
    return f"; {images['u_ensemble'].notna().sum()} with an ensemble"


def _member(root: Path, state: CellState, split: pd.DataFrame) -> Member:
    data = state.cell.params.data
    clusters = units_of(split[split["role"] == "train"])
    panel = read_panel(_output(root, Workspace.panel_sketches, state))
    kind = f"{data.mix}, {data.distinct}"
    return Member(kind, frozenset(clusters), panel)


def _runs_of(
    root: Path, images: pd.DataFrame, state: CellState, split: pd.DataFrame
) -> pd.DataFrame:
    """Return a row per group: means over its test images, tone slopes, diversity of training."""
    mine = images[images["run"] == state.cell.name]
    measures = [name for name in COLUMNS if name in mine.columns]
    rows = mine.groupby([*RUN_COLUMNS, "group"], sort=False)[measures].mean()
    rows.insert(0, "n", mine.groupby([*RUN_COLUMNS, "group"], sort=False).size())
    sizes = training_sizes(split)
    groups = rows.index.get_level_values("group")
    for place, (name, key) in enumerate((("n_train", "draws"), ("n_distinct_train", "distinct"))):
        rows.insert(place + 1, name, [sizes.get(group, {}).get(key, 0) for group in groups])
    effective = effective_numbers(split, _pool(root, state))
    for place, key in enumerate(("train", "pool")):
        rows.insert(place + 3, f"n_effective_{key}", [effective[group][key] for group in groups])
    slopes = tone_slopes(mine, groups_of(state.cell.params.groups))
    rows["tone_slope"] = [slopes[group] for group in groups]
    rows["tone_slope_all"] = slopes["all"]
    rows = rows.astype({"tone_slope": float, "tone_slope_all": float}).reset_index()
    return rows.assign(**_generation(root, state, rows["group"]))


def _pool(root: Path, state: CellState) -> pd.DataFrame:
    """Return the images that a run's test sets and training draws may take."""
    cohort = _table(root, Workspace.cohort, state)
    return make_pools(cohort, state.cell.params.data.duplicates).images


def _generation(root: Path, state: CellState, groups: pd.Series) -> dict[str, Any]:
    """Return what a run's samples are like, by column; the kernel distance is each row's own.

    The share is that of the compared group, the same in every row of the run.
    """
    text = file_at(root, str(state.commit), Workspace.generation.as_posix())
    samplers = pd.read_csv(io.StringIO(text)) if text else pd.DataFrame()
    pair = groups_of(state.cell.params.groups).pair
    columns: dict[str, Any] = {}
    for row in samplers.to_dict("records"):
        kid = dict(zip(pair, (row["kid_reference"], row["kid_compared"]), strict=True))
        columns[f"sample_share_{row['sampler']}"] = row["share"]
        columns[f"ita_distance_{row['sampler']}"] = row["ita_distance"]
        columns[f"kid_{row['sampler']}"] = groups.map(kid)
    return columns


def _facts(
    root: Path,
    study: Study,
    states: Sequence[CellState],
    done: Sequence[CellState],
    images: pd.DataFrame,
) -> dict[str, Any]:
    evaluation = file_at(root, str(done[0].commit), Workspace.evaluation.as_posix())
    settings = dict(json.loads(evaluation or "{}").get("settings", {}))
    for changing in ("mix", "share", "seed", "training", "posterior_collapsed"):
        settings.pop(changing, None)
    made = [_made_on(root, state) for state in done]
    return {
        "study": study.name,
        "code": _code(root, done),
        "device": "; ".join(sorted({facts["device"] for facts in made})),
        "versions": {
            "tonegap": tonegap.__version__,
            "torch": ", ".join(sorted({facts["torch"] for facts in made})),
        },
        "params": _common_params(done),
        "runs_planned": len(states),
        "runs_done": len(done),
        "collapsed": _collapsed(images),
        "settings": settings,
        "experiments": {state.cell.name: state.commit for state in done},
    }


def _collapsed(images: pd.DataFrame) -> list[str]:
    """Name the runs whose posterior has collapsed to the prior."""
    if "sigma" not in images.columns:
        return []
    return [str(run) for run, rows in images.groupby("run") if is_collapsed(rows["sigma"])]


def _code(root: Path, done: Sequence[CellState]) -> str:
    """Return the commits from which the runs started, newest first: their code, not today's."""
    commits = {str(state.commit) for state in done}
    baselines = [run.baseline for run in experiments(root) if run.commit in commits]
    return ", ".join(dict.fromkeys(baselines))


def _made_on(root: Path, state: CellState) -> Mapping[str, str]:
    path = Workspace.weights.as_posix()
    with open_output(path, repo=str(root), rev=state.commit, mode="rb") as stream:
        return read_facts(stream, f"{path} of {state.cell.name}").made_on


def _common_params(done: Sequence[CellState]) -> dict[str, Any]:
    """Return the parameters that all runs share; those of the grid are in the tables."""
    groups = [state.cell.params.model_dump(mode="json") for state in done]
    for values in groups:  # only the name of a weights file: its folder belongs to this machine
        values["train"]["perceptual_weights"] = Path(values["train"]["perceptual_weights"]).name
    return {
        group: {
            key: value
            for key, value in values.items()
            if all(other[group].get(key) == value for other in groups)
        }
        for group, values in groups[0].items()
    }


def _collect_examples(at: Workspace, done: Sequence[CellState]) -> Path | None:
    """Combine one seed's examples of every mix; photographs go to the private folder.

    If a study also has runs on equal numbers of distinct images, the other runs are shown.
    """
    kinds = {state.cell.params.data.distinct for state in done}
    shown = [s for s in done if len(kinds) == 1 or s.cell.params.data.distinct != "equal"]
    seed = min(state.cell.params.data.seed for state in shown)
    by_mix = {
        state.cell.params.data.mix: read_examples(_output(at.root, Workspace.examples, state))
        for state in shown
        if state.cell.params.data.seed == seed
    }
    first, *others = by_mix.values()
    same = all(first.shows_same_as(other) for other in others)
    rendered = all(bool(examples.rendered) for examples in by_mix.values())
    path = Workspace.study_examples if rendered else Workspace.private_examples
    for other in {Workspace.study_examples, Workspace.private_examples} - (
        {path} if same else set()
    ):
        (at.root / other).unlink(missing_ok=True)  # of another study
    if not same:
        return None  # the mixes were tested on different images: side by side they would mislead
    write_examples(StudyExamples.of_runs(by_mix), at.root / path)
    return path
