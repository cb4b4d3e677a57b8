"""Write an audit's folder: its parameters and its pipeline.

DVC then decides what is stale. The packed images of the main pipeline serve audits of
``data.image_size``; for each other size, ``audits/dvc.yaml`` has one stage that all audits of that
size share.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from tonegap.errors import ParameterError
from tonegap.files.atomic import write_text
from tonegap.files.audit_plan import AuditPlan, read_plan, write_plan, write_seen
from tonegap.nearest import nearest
from tonegap.workspace import AuditFolder, Workspace

OF_MODELS: Final = ("assess", "conclude")
OF_SAMPLES: Final = ("tones", "compare")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HEADER: Final = "# `tonegap audit` writes this file (docs/audit.md).\n"


def declare(
    root: Path, name: str, plan: AuditPlan, stages: Sequence[str], seen: Iterable[str] = ()
) -> AuditFolder:
    """Write the folder of an audit.

    Parameters
    ----------
    root
        Root of the repository.
    name
        The audit's name.
    plan
        What it assesses.
    stages
        :data:`OF_MODELS` or :data:`OF_SAMPLES`.
    seen
        md5s of the images that the model was trained on; empty if none are known.

    Returns
    -------
    AuditFolder
        ``audits/NAME``; ``dvc repro audits/NAME/dvc.yaml`` runs it.

    Raises
    ------
    ParameterError
        If the name cannot be a folder's, or belongs to an audit of another model or data.
    """
    if not _NAME.fullmatch(name):
        raise ParameterError(
            f"{name!r} cannot name an audit: use letters, digits, dots, hyphens and underscores"
        )
    audit = AuditFolder(root / Workspace.audits / name)
    _refuse_another(audit, plan)
    known = frozenset(seen)
    write_plan(plan, audit.params)
    if known:
        write_seen(known, audit.seen)
    else:
        audit.seen.unlink(missing_ok=True)
    words = {"NAME": name, "IMAGES": plan.images}
    filled = {stage: _filled(stage, words) for stage in stages}
    if not known and "assess" in filled:
        filled["assess"]["deps"].remove(f"{Workspace.audits}/{name}/{AuditFolder.seen}")
    _write(filled, audit.pipeline)
    _write_sizes(root)
    return audit


def declared(root: Path) -> dict[str, AuditPlan]:
    """Return every audit of a repository by name."""
    plans = sorted((root / Workspace.audits).glob(f"*/{AuditFolder.params}"))
    return {path.parent.name: read_plan(path) for path in plans}


def template() -> dict[str, Any]:
    """Return the stages of all audits, with capitals for what differs."""
    text = resources.files("tonegap.audits").joinpath("pipeline.yaml").read_text("utf-8")
    stages: dict[str, Any] = YAML(typ="safe", pure=True).load(text)["stages"]
    return stages


def _refuse_another(audit: AuditFolder, plan: AuditPlan) -> None:
    if not audit.params.is_file():
        return
    before = read_plan(audit.params)
    if (before.model.reference, before.data) != (plan.model.reference, plan.data):
        raise ParameterError(
            f"{audit.root} is the audit of {before.model.reference} on {before.data}, which would "
            "be overwritten; give --name, or remove that folder"
        )


def _filled(stage: str, words: dict[str, str]) -> dict[str, Any]:
    """Return a stage with the capitals replaced."""
    stages = template()
    if stage not in stages:
        raise ParameterError(f"audits have no stage {stage!r}; {nearest(stage, stages)}")
    return {str(key): _replaced(value, words) for key, value in stages[stage].items()}


def _replaced(value: Any, words: dict[str, str]) -> Any:
    if isinstance(value, str):
        for word, text in words.items():
            value = value.replace(word, text)
        return value
    if isinstance(value, list):
        return [_replaced(entry, words) for entry in value]
    if isinstance(value, dict):
        return {_replaced(key, words): _replaced(entry, words) for key, entry in value.items()}
    return value


def _write_sizes(root: Path) -> None:
    """Write a stage for each size that an audit needs and the main pipeline does not pack."""
    sizes = {plan.size for plan in declared(root).values() if plan.images != "data"}
    stages = {f"prepare-{size}": _filled("prepare", {"SIZE": str(size)}) for size in sorted(sizes)}
    path = root / Workspace.audits / AuditFolder.pipeline
    if stages:
        _write(stages, path)
    else:
        path.unlink(missing_ok=True)


def _write(stages: dict[str, Any], path: Path) -> None:
    """Write stages, unless the file already says the same."""
    yaml = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    text = io.StringIO()
    yaml.dump({"stages": stages}, text)
    content = _HEADER + text.getvalue()
    if not path.is_file() or path.read_text(encoding="utf-8") != content:
        write_text(path, content)
