"""audits/NAME/params.yaml: what an audit assesses, written by ``tonegap audit``."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import pydantic
from ruamel.yaml import YAML

from tonegap.errors import ParameterError
from tonegap.files.atomic import write_text
from tonegap.files.parameters import read_yaml
from tonegap.params import Count, Section

_HEADER = "# What this audit assesses. `tonegap audit` writes this file (docs/audit.md).\n"
_LARGEST_SIDE = 8192

Side = Annotated[int, pydantic.Field(ge=1, le=_LARGEST_SIDE)]


class PlannedModel(Section):
    """A finished model, or a folder of generated images; see ``tonegap.adapters.identity``."""

    reference: str
    name: str
    library: str
    revision: str
    licence: str
    weights: dict[str, str]


class AuditPlan(Section):
    """One audit.

    Attributes
    ----------
    data
        What the user called the data: ``here``, ``phantom`` or a preset.
    size
        Side of the images to assess, pixels.
    images
        Folder of the packed images of that size, within the repository.
    batch_size
        Images per call of the model.
    model
        What is audited.
    """

    data: str
    size: Side
    images: Annotated[str, pydantic.Field(pattern=r"^data(/size-\d+)?$")]
    batch_size: Count
    model: PlannedModel


def write_plan(plan: AuditPlan, path: Path) -> None:
    """Write an audit's parameters."""
    text = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.width = 4096
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment] # ruamel's own switch
    yaml.dump(plan.model_dump(), text)
    write_text(path, _HEADER + text.getvalue())


def write_seen(md5hashes: Iterable[str], path: Path) -> None:
    """Write the images that the model was trained on, one md5 a line, sorted."""
    write_text(path, "".join(f"{name}\n" for name in sorted(md5hashes)))


def read_seen(path: Path) -> frozenset[str]:
    """Read them; none if there is no such file."""
    return frozenset(path.read_text(encoding="utf-8").split()) if path.is_file() else frozenset()


def read_plan(path: Path) -> AuditPlan:
    """Read an audit's parameters.

    Raises
    ------
    ParameterError
        If the file cannot be read, or holds something else.
    """
    content: Any = read_yaml(path)
    if not isinstance(content, Mapping):
        raise ParameterError(f"{path} holds {type(content).__name__}; run `tonegap audit` again")
    try:
        return AuditPlan.model_validate(content)
    except pydantic.ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise ParameterError(
            f"{path}: {place}: {problem['msg']}; run `tonegap audit` again, which writes this file"
        ) from None
