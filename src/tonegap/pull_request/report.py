"""The report of a pull request: what changed, on one machine, and what the gate says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tonegap.errors import MachineError, ParameterError
from tonegap.files.atomic import write_text
from tonegap.files.noise import read_noise
from tonegap.files.repository import dvc, file_at
from tonegap.files.tables import read_json
from tonegap.pull_request.base import Base, find_base
from tonegap.pull_request.gate import Gate, Judgement, judge, metrics_of, read_gate
from tonegap.pull_request.plots import draw_differences
from tonegap.pull_request.reproduction import Reproduced, Say, reproduce_both
from tonegap.pull_request.sections import (
    about_the_study,
    failing,
    gate_section,
    has_rows,
    headline,
    listing,
    origin,
    section,
)
from tonegap.pull_request.tables import metrics_table
from tonegap.workspace import Workspace

_REPORT = "report.md"
_MARK = ".tonegap-pr-report"


@dataclass(frozen=True)
class Report:
    """A report that was written.

    Attributes
    ----------
    path : Path
        The Markdown file; the plots are beside it.
    fails : bool
        True if the gate says no.
    problem : str
        Why the gate could not judge; empty if it could.
    """

    path: Path
    fails: bool
    problem: str = ""


def write_report(root: Path, base: str, folder: Path, say: Say) -> Report:
    """Reproduce the checkout and its base, compare and judge them.

    Parameters
    ----------
    root
        The checkout. It changes as ``dvc repro`` changes it.
    base
        Branch or commit. The base is the commit where the checkout left it.
    folder
        Where to write; an earlier report there is removed.
    say
        Receives what is going on, line by line.

    Raises
    ------
    MachineError
        If ``base`` is no revision, ``folder`` holds other files or cannot be made, or the
        checkout cannot be reproduced.
    ParameterError
        If gate.yaml is refused.
    DataError
        If metrics/noise.json or metrics/evaluate.json is malformed.
    """
    found = find_base(root, base)
    gate = read_gate(root / Workspace.gate)  # before the work of minutes
    read_noise(root / Workspace.noise)
    empty(folder)
    return compare(root, found, reproduce_both(root, found.commit, say), gate, folder)


def compare(root: Path, base: Base, reproduced: Reproduced, gate: Gate, folder: Path) -> Report:
    """Write tables, verdicts and plots of the checkout beside the numbers of its base.

    Parameters
    ----------
    root
        The checkout.
    base
        What it is compared with.
    reproduced
        The commit that holds the base's numbers.
    gate
        The budgets.
    folder
        Where ``report.md`` and the plots go.
    """
    bands = {name: noise.band for name, noise in read_noise(root / Workspace.noise).items()}
    judgements, problem = _judgements(root, reproduced.revision, gate, bands)
    changed = ("metrics", "diff", reproduced.revision, "--json")
    metrics = metrics_table(
        json.loads(dvc(root, *changed).stdout or "{}"),
        bands,
        Workspace.evaluation.as_posix(),
        base.label,
    )
    params = dvc(root, "params", "diff", base.label, "--md").stdout
    pictures = draw_differences(root, reproduced.revision, base.label, folder)
    sections = [
        f"## What this change does to the numbers\n\n{headline(judgements, problem)}",
        origin(root, base, reproduced),
        section("Gate", gate_section(root, base, gate, judgements, problem, known=bool(bands))),
        section("Parameters", params if has_rows(params) else ""),
        section("Metrics", metrics),
        section("Plots", listing(pictures) + about_the_study(root, base.commit)),
    ]
    report = folder / _REPORT
    write_text(report, "\n\n".join(sections) + "\n")
    return Report(report, bool(failing(judgements)), problem)


def empty(folder: Path) -> None:
    """Make the folder anew; what stands in its place must be empty or an earlier report.

    Raises
    ------
    MachineError
        If it is anything else, which must not be removed, or cannot be made.
    """
    place = folder.resolve()  # a link to a folder stays one
    if place.is_dir() and any(place.iterdir()) and not (place / _MARK).is_file():
        raise MachineError(
            f"{folder} is not empty and has no {_MARK}, which marks a report (those of earlier "
            "versions have none): its files would be removed; remove it yourself, or name another "
            "folder: --out DIR"
        )
    shutil.rmtree(place, ignore_errors=True)
    try:
        place.mkdir(parents=True)
    except OSError as error:
        raise MachineError(
            f"the report's folder {folder} cannot be made ({error.strerror}); name another: "
            "--out DIR"
        ) from None
    write_text(place / _MARK, "Made by `tonegap pr-report`, which may remove this folder.\n")


def _judgements(
    root: Path, revision: str, gate: Gate, bands: Mapping[str, float]
) -> tuple[list[Judgement], str]:
    """Judge the budgets, or say why that is impossible."""
    if not gate:
        return [], ""
    before = file_at(root, revision, Workspace.evaluation.as_posix())
    base = metrics_of(json.loads(before) if before else {})
    after = metrics_of(read_json(root / Workspace.evaluation, "the metrics of the checkout"))
    try:
        return judge(gate, base, after, bands), ""
    except ParameterError as error:
        return [], str(error)
