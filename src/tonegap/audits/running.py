"""Audit a model: choose the data, try the model, declare the audit, let DVC run what is stale."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tonegap.adapters.loading import load_model
from tonegap.adapters.reference import Reference, parse_reference
from tonegap.audits.declaration import OF_MODELS, OF_SAMPLES, declare
from tonegap.errors import DataError, ParameterError
from tonegap.files.annotations import read_annotations
from tonegap.files.audit_plan import AuditPlan, PlannedModel
from tonegap.files.data_pin import PHANTOM_TABLE, PIN
from tonegap.files.known_lists import read_listed_images
from tonegap.files.parameters import read_params
from tonegap.files.repository import dvc_shown
from tonegap.files.row_names import RowNames
from tonegap.files.samples import list_samples
from tonegap.files.tables import read_json
from tonegap.generation import beside_data
from tonegap.nearest import nearest
from tonegap.params import Params
from tonegap.presets import preset_names
from tonegap.source import use_phantom, use_preset
from tonegap.training.precision import choose_arithmetic
from tonegap.workspace import AuditFolder, Workspace, packed_folder

Say = Callable[[str], None]

HERE: Final = "here"
PHANTOM: Final = "phantom"
_UNWANTED: Final = re.compile(r"[^A-Za-z0-9._]+")


@dataclass(frozen=True)
class Request:
    """What the user asks for.

    Attributes
    ----------
    model
        A reference, as :mod:`tonegap.adapters.reference` reads it.
    data
        ``here``, ``phantom``, or a preset of ``tonegap source``.
    images, tables
        The preset's images and tables.
    size
        Side of the images to assess, pixels; None: ``data.image_size``.
    batch_size
        Images per call of the model; None: ``evaluate.batch_size``.
    seen
        A list of the images that the model was trained on; None if none is known.
    name
        The audit's name; None: made of the model's and the data's.
    """

    model: str
    data: str
    images: Sequence[Path] = ()
    tables: Sequence[str] = ()
    size: int | None = None
    batch_size: int | None = None
    seen: Path | None = None
    name: str | None = None


def audit(root: Path, request: Request, say: Say) -> AuditFolder:
    """Audit a model on a data set; repeat after any interruption.

    Parameters
    ----------
    root
        Root of the repository.
    request
        What to audit.
    say
        Receives what happens, line by line.

    Raises
    ------
    TonegapError
        If the model, the data or a list cannot be read, or a stage fails.
    """
    reference = parse_reference(request.model)
    params = read_params(root / Workspace.params)
    size = request.size or params.data.image_size
    of_samples = reference.kind == "samples"
    model = (
        _planned_samples(reference, request, params)
        if of_samples
        else _planned(reference, size, params)
    )
    say(f"{reference}: {model.name}, {model.library}")
    choose_data(root, request, say)
    name = request.name or name_of(reference, request.data)
    plan = AuditPlan(
        data=request.data,
        size=size,
        images=packed_folder(None if size == params.data.image_size else size).as_posix(),
        batch_size=request.batch_size or params.evaluate.batch_size,
        model=model,
    )
    stages = OF_SAMPLES if of_samples else OF_MODELS
    folder = declare(root, name, plan, stages, _seen(root, request.seen, say))
    target = (folder.pipeline).relative_to(root).as_posix()
    dvc_shown(root, "repro", target, show=say)
    for line in found(folder):
        say(line)
    return folder


def choose_data(root: Path, request: Request, say: Say) -> None:
    """Point the branch at the data that is asked for; ``here`` leaves it as it is.

    Raises
    ------
    ParameterError
        If there is no such data set, or images are given that nothing would use.
    """
    presets = preset_names()
    known = (HERE, PHANTOM, *presets)
    if request.data not in known:
        raise ParameterError(
            f"there is no data set {request.data!r}; {nearest(request.data, known)}"
        )
    if request.data in presets:
        chosen = use_preset(root, request.data, tables=request.tables, images=request.images)
    elif request.images or request.tables:
        raise ParameterError(
            f"--images and --table belong to a preset, but the data is {request.data!r}; name the "
            f"preset, one of {', '.join(presets)}"
        )
    elif request.data == HERE or _is_phantom(root):
        return
    else:
        chosen = use_phantom(root)
    for line in chosen.lines():
        say(line)


def name_of(reference: Reference, data: str) -> str:
    """Name an audit by the last part of its model's name and by its data."""
    last = reference.target.rstrip("/").rpartition("/")[2]
    parts = [last.rpartition(".")[0] if reference.kind == "torchscript" else last]
    parts += [reference.subfolder, data]
    return _UNWANTED.sub("-", "-".join(filter(None, parts))).strip("-.")


def found(folder: AuditFolder) -> list[str]:
    """Return what an audit found, in a few lines."""
    claims = read_json(folder.claims, "the audit's claims")
    if claims["schema"] == beside_data.SCHEMA:
        return [
            beside_data.share_sentence(claims),
            *(f"flagged: {flag}" for flag in claims["flags"]),
            f"{folder.report} is the page for people",
        ]
    decided = {row["claim"]: row for row in claims["claims"]}
    sentences = [row["sentence"] for row in claims["contrasts"] if row["family"] == "primary"]
    verdicts = ", ".join(f"{claim} {row['verdict']}" for claim, row in decided.items())
    return [*sentences, verdicts, f"{folder.report} is the page for people"]


def _is_phantom(root: Path) -> bool:
    pin = root / PIN
    return pin.is_file() and PHANTOM_TABLE in pin.read_text(encoding="utf-8")


def _planned(reference: Reference, size: int, params: Params) -> PlannedModel:
    """Load the model once, so that what is wrong with it shows before any image is fetched."""
    device = choose_arithmetic(params.train.device, "float32").device
    identity = load_model(reference, size, device).identity
    return PlannedModel(reference=str(reference), **identity.to_mapping())


def _planned_samples(reference: Reference, request: Request, params: Params) -> PlannedModel:
    """List the generated images; options of models have no meaning for them."""
    options = {"--size": request.size, "--batch-size": request.batch_size, "--seen": request.seen}
    for option, value in options.items():
        if value is not None:
            raise ParameterError(f"{option} has no meaning for {reference}: nothing is computed")
    samples = list_samples(reference.path, params.fetch.max_bytes)
    return PlannedModel(
        reference=str(reference),
        name=f"{len(samples.images):,} generated images",
        library="no model",
        revision="",
        licence="",
        weights={"images": samples.sha256},
    )


def _seen(root: Path, path: Path | None, say: Say) -> frozenset[str]:
    if path is None:
        return frozenset()
    if not path.is_file():
        raise DataError(f"--seen names {path}, which is not a file; name a CSV list of images")
    table = read_annotations(root / Workspace.annotations)
    listed = read_listed_images(path, RowNames(table).rows)
    inside = len(listed & set(table["md5hash"]))
    say(f"{path} lists {len(listed)} images, {inside} of them in this data: they are not tested")
    return listed
