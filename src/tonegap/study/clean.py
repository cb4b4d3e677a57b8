"""Tidy up after a study: notes, logs, copies left by killed runs, and on request results."""

from __future__ import annotations

import shutil
from pathlib import Path

from filelock import Timeout

from tonegap.errors import StudyError
from tonegap.files.checkout import remove_copy
from tonegap.files.repository import experiments, git
from tonegap.study.plan import Study
from tonegap.study.records import (
    copies_folder,
    experiment_ref,
    jobs_folder,
    log_path,
    note_path,
    study_lock,
)
from tonegap.study.run import leftovers


def clean_study(root: Path, study: Study, *, results: bool) -> list[str]:
    """Remove a study's notes and logs, and temporary copies that no process uses.

    Parameters
    ----------
    root, study
        The repository and the study.
    results
        Remove its experiments as well, including those set aside. Their images, models
        and tables stay in DVC's cache until ``dvc gc --all-experiments``.

    Returns
    -------
    list of str
        One line for each thing removed.

    Raises
    ------
    StudyError
        If the study is running.
    """
    try:
        with study_lock(root, study.name):
            removed = [*_remove_notes(root, study), *_remove_copies(root, study)]
            return [*removed, *_remove_refs(root, study)] if results else removed
    except Timeout:
        raise StudyError(f"the study {study.name!r} is running; stop it first") from None


def _remove_notes(root: Path, study: Study) -> list[str]:
    paths = [f(root, cell.name) for cell in study.cells for f in (log_path, note_path)]
    there = [path for path in paths if path.is_file()]
    for path in there:
        path.unlink()
    jobs = jobs_folder(root, study.name)
    lines = [f"removed {len(there)} logs and notes"] if there else []
    if jobs.is_dir():
        shutil.rmtree(jobs)
        lines.append("removed the logs of its cluster jobs")
    return lines


def _remove_copies(root: Path, study: Study) -> list[str]:
    """Remove the leftovers of killed runs of this study and of a killed `dvc exp run --temp`."""
    lines = []
    for folder in leftovers(root):
        shutil.rmtree(folder, ignore_errors=True)
        lines.append(f"removed the left-over copy {folder.name}")
    copies = copies_folder(root, study.name).resolve()
    if copies.is_dir():
        remove_copy(copies)
        lines.append("removed the copies that killed runs left")
    return lines


def _remove_refs(root: Path, study: Study) -> list[str]:
    names = tuple(cell.name for cell in study.cells)
    lines = []
    for experiment in experiments(root):
        if experiment.name in names or experiment.name.partition("-replaced-")[0] in names:
            ref = experiment_ref(experiment.baseline, experiment.name)
            git(root, "update-ref", "-d", ref, experiment.commit)
            lines.append(f"removed experiment {experiment.name}")
    return lines
