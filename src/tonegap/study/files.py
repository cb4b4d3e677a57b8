"""Study files on disk, read together with params.yaml."""

from __future__ import annotations

from pathlib import Path

from tonegap.errors import StudyError, nearest
from tonegap.files.layout import PARAMS
from tonegap.files.parameters import read_yaml
from tonegap.study.plan import Overrides, Study, plan_study

STUDIES = Path("studies")


def study_names(folder: Path = STUDIES) -> list[str]:
    """Names of the studies in the repository."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def read_study(name: str, extra: Overrides | None = None, root: Path = Path()) -> Study:
    """Read and plan ``studies/<name>.yaml``.

    Parameters
    ----------
    name
        The study's name.
    extra
        Further overrides from the command line; they win over the file's ``set``.
    root
        Root of the repository.

    Raises
    ------
    StudyError
        If there is no such study, or its file has another form.
    ParameterError
        If a value is refused.
    """
    folder = root / STUDIES
    path = folder / f"{name}.yaml"
    if name not in study_names(folder):
        raise StudyError(
            f"there is no study {name!r} in {folder}; {nearest(name, study_names(folder))}"
        )
    raw = read_yaml(path)
    base = read_yaml(root / PARAMS)
    if extra and isinstance(raw, dict) and isinstance(raw.get("set") or {}, dict):
        raw = {**raw, "set": {**(raw.get("set") or {}), **extra}}
    return plan_study(name, raw, base)
