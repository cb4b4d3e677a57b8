"""Study files on disk, read together with params.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tonegap.errors import StudyError
from tonegap.files.parameters import read_yaml
from tonegap.nearest import nearest
from tonegap.study.plan import Overrides, Study, plan_study
from tonegap.workspace import Workspace


def study_names(root: Path) -> list[str]:
    """Return the names of the studies in the repository."""
    return sorted(path.stem for path in (root / Workspace.studies).glob("*.yaml"))


def twin_of(root: Path, name: str, kind: Literal["equal", "retrained"]) -> str | None:
    """Return the study ``<name>_<kind>``, if any.

    ``equal`` has the same runs at equal distinct images, ``retrained`` some of them on the same
    draws with another ``train.seed``.
    """
    twin = f"{name}_{kind}"
    return twin if twin in study_names(root) else None


def read_study(root: Path, name: str, extra: Overrides | None = None) -> Study:
    """Read and plan ``studies/<name>.yaml``.

    Parameters
    ----------
    root
        Root of the repository.
    name
        The study's name.
    extra
        Further overrides from the command line; they win over the file's ``set``.

    Raises
    ------
    StudyError
        If there is no such study, or its file is malformed.
    ParameterError
        If a value is refused.
    """
    known = study_names(root)
    if name not in known:
        raise StudyError(
            f"there is no study {name!r} in {root / Workspace.studies}; {nearest(name, known)}"
        )
    raw = read_yaml(root / Workspace.studies / f"{name}.yaml")
    base = read_yaml(root / Workspace.params)
    if extra and isinstance(raw, dict) and isinstance(raw.get("set") or {}, dict):
        raw = {**raw, "set": {**(raw.get("set") or {}), **extra}}
    return plan_study(name, raw, base)
