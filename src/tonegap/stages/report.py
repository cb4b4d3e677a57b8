"""Stage ``report``: one page for people and one document for machines.

Both depend on files under version control only, never on the clock, the machine or git's
state: the same files give the same bytes on every clone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from tonegap.errors import DataError
from tonegap.figures.conditions import LEVELS, MIN_IMAGES, condition_errors
from tonegap.figures.flow import step_name
from tonegap.figures.style import group_name
from tonegap.files.atomic import write_text
from tonegap.files.tables import read_csv, read_json, write_json
from tonegap.params import GroupDefinition
from tonegap.report.context import Context, Picture, Provenance
from tonegap.report.deviations import parse_deviations
from tonegap.report.page import render
from tonegap.statistics.claims import assess_claims, no_claims
from tonegap.statistics.design import ordinary_rows
from tonegap.workspace import Workspace

DEVIATIONS = Path("docs/deviations.md")

_FLOW_COLUMNS = ("step", "group", "left", "excluded")
_RUN_COLUMNS = ("study", "run", "mix", "share", "group", "n", "mse", "sigma")
_IMAGE_COLUMNS = ("run", "mix", "share", "seed", "md5hash", "group", "cluster", "mse")
_PHANTOM = (
    "The images are phantoms: drawn by a program, not photographed. They show that the "
    "pipeline and its statistics work; they say nothing about patients."
)
_RANDOM = (
    "The perceptual network has random, untrained weights: the models differ from those of the "
    "paper, whose network was trained on ImageNet."
)


def run(
    *,
    annotations: Path,
    cohort_counts: Path,
    exclusions_flow: Path,
    study: Path,
    study_images: Path,
    study_facts: Path,
    figures: Path,
    deviations: Path,
    report: Path,
) -> None:
    """Write the report.

    Parameters
    ----------
    annotations
        Hashed: which data.
    cohort_counts, exclusions_flow
        The cohort's counts.
    study, study_images, study_facts
        The collected study; not read where the figures say that it was not drawn.
    figures
        The folder of the figures with its ``index.json``.
    deviations
        docs/deviations.md.
    report
        Written: a folder with ``index.html`` and ``claims.json``.

    Raises
    ------
    DataError
        If a table lacks a column, or a figure of the index is absent.
    """
    index = read_json(figures / "index.json", "the index of the figures")
    drawn = bool(index["study_drawn"])
    facts = read_json(study_facts, "the study's facts") if drawn else {}
    runs = read_csv(study, _RUN_COLUMNS, "the study's table of runs") if drawn else _no_runs()
    images = read_csv(study_images, _IMAGE_COLUMNS, "the study's images") if drawn else None
    settings = facts.get("settings", {})
    group: GroupDefinition = settings.get("group_definition", "scale")
    counts = read_json(cohort_counts, "the cohort's counts")
    caveats = _caveats(settings, facts)
    context = Context(
        study=str(facts["study"]) if drawn else None,
        no_study=str(index["reason"]),
        caveats=caveats,
        basis=_basis(settings),
        groups={name: group_name(name, group) for name in ("light", "dark")},
        cohort=counts["cohort"],
        flow=_flow(exclusions_flow),
        arms=_arms(ordinary_rows(runs)),
        claims=_claims(images, facts, caveats),
        pictures=[_picture(entry, figures) for entry in index["figures"]],
        conditions=_conditions(None if images is None else ordinary_rows(images)),
        few_images=MIN_IMAGES,
        deviations=parse_deviations(deviations.read_text(encoding="utf-8")),
        provenance=_provenance(facts, settings, annotations),
    )
    write_text(report / "index.html", render(context))
    write_json(context.claims, report / "claims.json")


def from_workspace() -> None:
    """Run the stage on the repository's own files."""
    run(
        annotations=Workspace.annotations,
        cohort_counts=Workspace.cohort_counts,
        exclusions_flow=Workspace.exclusions_flow,
        study=Workspace.study,
        study_images=Workspace.study_images,
        study_facts=Workspace.study_facts,
        figures=Workspace.figures,
        deviations=DEVIATIONS,
        report=Workspace.report,
    )


def _caveats(settings: Mapping[str, Any], facts: Mapping[str, Any]) -> list[str]:
    caveats = []
    if settings.get("images") == "phantom":
        caveats.append(_PHANTOM)
    if settings.get("features_random") is True:
        caveats.append(_RANDOM)
    planned, done = facts.get("runs_planned", 0), facts.get("runs_done", 0)
    if done < planned:
        caveats.append(f"The study is not complete: {done} of its {planned} runs are in it.")
    return caveats


def _basis(settings: Mapping[str, Any]) -> list[str]:
    basis = ["phantom images"] if settings.get("images") == "phantom" else []
    if settings.get("features_random") is True:
        basis.append("random features")
    return basis


def _flow(path: Path) -> pd.DataFrame:
    flow = read_csv(path, _FLOW_COLUMNS, "the exclusions flow")
    return flow.assign(step=[step_name(str(step)) for step in flow["step"]])


def _no_runs() -> pd.DataFrame:
    return pd.DataFrame(columns=list(_RUN_COLUMNS))


def _arms(runs: pd.DataFrame) -> pd.DataFrame:
    """Means over runs by mix and group, the table beside figures 3 and 6."""
    arms = runs.groupby(["share", "mix", "group"], as_index=False).agg(
        runs=("run", "nunique"), n=("n", "max"), mse=("mse", "mean"), sigma=("sigma", "mean")
    )
    # "light" before "dark", as everywhere.
    return arms.sort_values(["share", "mix", "group"], ascending=[True, True, False])


def _claims(
    images: pd.DataFrame | None, facts: Mapping[str, Any], caveats: Sequence[str]
) -> Mapping[str, Any]:
    """Give the content of report/claims.json."""
    if images is None:
        return no_claims(caveats)
    return assess_claims(images, str(facts["study"])).to_mapping(caveats)


def _conditions(images: pd.DataFrame | None) -> pd.DataFrame:
    levels = [condition_errors(images, level) for level in LEVELS] if images is not None else []
    columns = [
        *("mix", "level", "label", "n_light", "n_dark"),
        *("mse_light", "mse_dark", "gap", "drawn"),
    ]
    return pd.concat(levels, ignore_index=True) if levels else pd.DataFrame(columns=columns)


def _picture(entry: Mapping[str, Any], figures: Path) -> Picture:
    """Take a figure in; pictures of photographs stay where they are."""
    folder, svg, missing = entry["folder"], None, str(entry.get("missing", ""))
    if folder == figures.as_posix():
        path = figures / f"{entry['name']}.svg"
        if not path.is_file():
            raise DataError(f"{path} is listed in the figures' index but absent; run `dvc repro`")
        svg = path.read_bytes()
    elif folder is not None:
        missing = f"It shows photographs of patients, which stay on this machine, in {folder}."
    return Picture(str(entry["name"]), str(entry["title"]), str(entry["reading"]), svg, missing)


def _provenance(
    facts: Mapping[str, Any], settings: Mapping[str, Any], annotations: Path
) -> Provenance:
    digest = hashlib.md5(annotations.read_bytes(), usedforsecurity=False).hexdigest()
    shown = {"Annotation table (md5, as in data.dvc)": digest}
    if facts:
        shown = {
            "Study": str(facts["study"]),
            "Code (git commit)": str(facts.get("code", "not recorded")),
            **shown,
            "Runs": f"{facts.get('runs_done', '?')} of {facts.get('runs_planned', '?')} planned",
            "Device": str(facts.get("device", "not recorded")),
            "Versions": _joined(facts.get("versions", {})) or "not recorded",
        }
    return Provenance(
        facts=shown,
        settings={str(key): _joined(value) for key, value in settings.items()},
        experiments={str(key): str(value) for key, value in facts.get("experiments", {}).items()},
        params=json.dumps(facts.get("params", {}), indent=2),
    )


def _joined(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {entry}" for key, entry in value.items())
    return str(value)
