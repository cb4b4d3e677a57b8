"""What the repository records of a study: experiments, inputs, attempts on this machine."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tonegap.errors import ParameterError, StudyError
from tonegap.files.atomic import write_text
from tonegap.files.parameters import read_yaml
from tonegap.files.repository import changed_files, experiments, file_at, object_ids
from tonegap.params import Params
from tonegap.raw_params import params_of_experiment
from tonegap.study.outcome import INTERRUPTED
from tonegap.study.plan import Cell, Study
from tonegap.study.state import Attempt, CellState, Record, cell_states
from tonegap.workspace import Workspace

LAST_STAGE = "evaluate"
_DATA = "data.dvc"
_NOTES = Path(".dvc/tmp/tonegap")
_OUTPUTS = ("outs", "metrics", "plots")


def study_state(root: Path, study: Study, commit: str = "HEAD") -> list[CellState]:
    """Determine the state of every cell from git (see :mod:`tonegap.study.state`).

    Parameters
    ----------
    study, root
        The study and its repository.
    commit
        Commit whose code and data the cells must use.
    """
    return _judged(root, study.cells, read_attempts(root, study), commit)


def is_done(root: Path, cell: Cell) -> bool:
    """Return True if an experiment here makes a cell done, whatever was tried since."""
    return _judged(root, [cell], {}, "HEAD")[0].status == "done"


def _judged(
    root: Path, cells: Sequence[Cell], attempts: Mapping[str, Attempt], commit: str
) -> list[CellState]:
    grounds = read_grounds(root)
    return cell_states(
        cells,
        read_records(root, cells, grounds.files),
        attempts,
        inputs_at(root, commit, grounds.files),
        grounds.parameters,
    )


@dataclass(frozen=True)
class Grounds:
    """The inputs of a run's results, as dvc.yaml declares them.

    Attributes
    ----------
    files
        Code and data that git holds: the dependencies that no other stage writes, and data.dvc.
    parameters
        Dotted names, or whole groups, of the parameters that a stage reads.
    """

    files: tuple[str, ...]
    parameters: tuple[str, ...]


def read_grounds(root: Path) -> Grounds:
    """Read dvc.yaml up to the evaluate stage: later stages cannot change a result."""
    needed: set[str] = set()
    written = {Workspace.annotations.as_posix()}
    parameters: set[str] = set()
    for name, stage in read_yaml(root / Workspace.pipeline)["stages"].items():
        needed.update(map(str, stage["deps"]))
        written.update(_path(out) for kind in _OUTPUTS for out in stage.get(kind, ()))
        parameters.update(map(str, stage.get("params", ())))
        if name == LAST_STAGE:
            break
    return Grounds(tuple(sorted((needed - written) | {_DATA})), tuple(sorted(parameters)))


def inputs_at(root: Path, commit: str, paths: Sequence[str]) -> dict[str, str]:
    """Return the content of code and data files at a commit, as texts to compare.

    The text is git's hash of each file. For data.dvc it is the hashes of the data that it
    names: DVC rewraps its long lines when it runs an experiment, so the file itself would
    seem changed.
    """
    found = object_ids(root, commit, paths)
    text = file_at(root, commit, _DATA)
    if text is not None:
        with contextlib.suppress(YAMLError, KeyError, TypeError):
            outs = YAML(typ="safe", pure=True).load(text)["outs"]
            found[_DATA] = " ".join(f"{out['path']}:{out['md5']}" for out in outs)
    return found


def require_committed(root: Path) -> None:
    """Reject uncommitted code, data or parameters.

    Their results could not be traced, and the runs' copies hold only what is committed.

    Raises
    ------
    StudyError
        If a file is not committed; the message names the first.
    """
    others = (Workspace.pipeline.as_posix(), Workspace.params.as_posix())
    changed = changed_files(root, [*read_grounds(root).files, *others])
    if changed:
        raise StudyError(
            f"{changed[0]} is not committed ({len(changed)} such files); a study's results name "
            "the code, data and parameters they rest on, so commit first; values of one study "
            "belong to its file or to -S key=value"
        )


def read_records(root: Path, cells: Sequence[Cell], inputs: Sequence[str]) -> list[Record]:
    """Read the experiments that have a cell's name, of any baseline, newest first."""
    wanted = {cell.name for cell in cells}
    return [
        Record(
            name=experiment.name,
            commit=experiment.commit,
            params=_params_at(root, experiment.commit),
            inputs=inputs_at(root, experiment.commit, inputs),
            evaluated=_is_evaluated(root, experiment.commit),
        )
        for experiment in experiments(root)
        if experiment.name in wanted
    ]


def study_lock(root: Path, name: str) -> FileLock:
    """Return the lock of a running study; the system frees it when the process dies."""
    folder = root / _NOTES
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{name}.lock", timeout=0)


def is_running(root: Path, name: str) -> bool:
    """Return True if a process runs the study now."""
    try:
        with study_lock(root, name):
            return False
    except Timeout:
        return True


def experiment_ref(baseline: str, name: str) -> str:
    """Return the git ref of an experiment."""
    return f"refs/exps/{baseline[:2]}/{baseline[2:]}/{name}"


def log_path(root: Path, cell: str) -> Path:
    """Return the path of the log of a cell's last attempt."""
    return root / _NOTES / f"{cell}.log"


def note_path(root: Path, cell: str) -> Path:
    """Return the path of the note on a cell's last attempt."""
    return root / _NOTES / f"{cell}.json"


def jobs_folder(root: Path, study: str) -> Path:
    """Return the folder for the logs and results of a study's jobs."""
    return root / _NOTES / "jobs" / study


def copies_folder(root: Path, study: str) -> Path:
    """Return the folder for the repository copies of a study's runs."""
    return root / _NOTES / "copies" / study


def note_attempt(root: Path, cell: str, *, alive: bool, reason: str = "") -> None:
    """Record that an attempt began, or how it ended."""
    note = {"alive": alive, "reason": reason}
    write_text(note_path(root, cell), json.dumps(note) + "\n")


def read_attempts(root: Path, study: Study) -> dict[str, Attempt]:
    """Read the last attempt at each cell; if its process is dead, it was killed."""
    running = is_running(root, study.name)
    attempts = {}
    for cell in study.cells:
        path = note_path(root, cell.name)
        if not path.is_file():
            continue
        with contextlib.suppress(ValueError, KeyError, TypeError):
            note = json.loads(path.read_text(encoding="utf-8"))
            reason = note["reason"]
            if note["alive"] and not running:
                reason = INTERRUPTED
            attempts[cell.name] = Attempt(cell.name, note["alive"] and running, reason)
    return attempts


def _is_evaluated(root: Path, commit: str) -> bool:
    """Return True if a commit holds an evaluation of its own model.

    An experiment that stopped early, such as `dvc exp run ... train`, still holds the evaluation
    of its starting commit. In its dvc.lock, the stages then disagree on the model or the split.
    """
    if file_at(root, commit, Workspace.evaluation.as_posix()) is None:
        return False
    lock = file_at(root, commit, "dvc.lock") or ""
    return all(
        len(_hashes_of(path.as_posix(), lock)) <= 1 for path in (Workspace.split, Workspace.weights)
    )


def _hashes_of(path: str, lock: str) -> set[str]:
    """Return a file's hashes in a dvc.lock; read its lines, because YAML takes 0.2 s a file."""
    entry = rf"- path: {re.escape(path)}\n(?:\s+(?!md5:)\w+: .*\n)*\s+md5: (\w+)"
    return set(re.findall(entry, lock))


def _path(output: str | Mapping[str, object]) -> str:
    """Return the path of an output in dvc.yaml, which is listed with or without options."""
    return output if isinstance(output, str) else next(iter(output))


def _params_at(root: Path, commit: str) -> Params | None:
    text = file_at(root, commit, Workspace.params.as_posix())
    if text is None:
        return None
    try:
        return params_of_experiment(YAML(typ="safe", pure=True).load(text))
    except (ParameterError, YAMLError):
        return None
