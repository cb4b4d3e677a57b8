"""Stage ``report``: one page for readers.

It depends only on files under version control, never on the clock, the machine or git's state.
The same files give the same bytes on every clone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from tonegap.errors import DataError
from tonegap.facts import basis_of, caveats_of
from tonegap.figures.conditions import MIN_IMAGES, condition_errors
from tonegap.figures.flow import step_name
from tonegap.files.atomic import write_text
from tonegap.files.collected import Collected, read_collected
from tonegap.files.store import md5_of
from tonegap.files.tables import read_csv, read_json
from tonegap.groups import Groups
from tonegap.labels import LABEL_COLUMNS
from tonegap.report.context import Analysis, Context, Picture, Planted, Provenance
from tonegap.report.deviations import parse_deviations
from tonegap.report.page import render
from tonegap.sampling.diversity import repetition
from tonegap.statistics.decomposition import decomposition_sentence
from tonegap.statistics.design import ordinary_rows

_FLOW_COLUMNS = ("step", "group", "left", "excluded")
_TABLES = (
    *("decomposition", "labels", "conditions_gap", "heterogeneity", "influence"),
    *("scorecard", "amplification"),
)


def run(
    *,
    annotations: Path,
    rows: Path,
    groups: Groups,
    cohort_counts: Path,
    exclusions_flow: Path,
    study: Path,
    study_images: Path,
    study_facts: Path,
    tables: Mapping[str, Path],
    claims: Path,
    planted: Path,
    figures: Path,
    deviations: Path,
    page: Path,
) -> None:
    """Write the report.

    Parameters
    ----------
    annotations, rows
        The annotation table, hashed to identify the data; data/groups.csv, whose images the
        study must use.
    groups
        The groups of the parameters, for a report without a study.
    cohort_counts, exclusions_flow
        The cohort's counts.
    study, study_images, study_facts
        The collected study.
    tables, claims
        The outputs of the stage ``analyse``.
    planted
        Effects that the recipe of the embedded phantoms plants.
    figures
        The folder of the figures with its ``index.json``.
    deviations
        docs/deviations.md.
    page
        Written: the page.

    Raises
    ------
    DataError
        If a table lacks a column, or a figure of the index is absent.
    """
    annotated = read_csv(rows, ("md5hash",), "the table of groups")["md5hash"]
    collected, reason = read_collected(study, study_images, study_facts, annotated)
    facts = collected.facts if collected else {}
    named = collected.groups if collected else groups
    counts = read_json(cohort_counts, "the cohort's counts")
    document = read_json(claims, "the claims")
    context = Context(
        study=str(facts["study"]) if collected else None,
        no_study=reason,
        caveats=caveats_of(facts),
        basis=basis_of(facts.get("settings", {})),
        groups=named,
        cohort=counts["cohort"],
        flow=_flow(exclusions_flow),
        arms=_arms(collected),
        claims=document,
        pictures=_pictures(figures),
        conditions=_conditions(collected),
        few_images=MIN_IMAGES,
        analysis=_analysis(tables, collected),
        planted=_planted(planted, annotations, document.get("contrasts", [])),
        warnings=_warnings(counts, collected),
        deviations=parse_deviations(deviations.read_text(encoding="utf-8")),
        provenance=_provenance(facts, annotations),
    )
    write_text(page, render(context))


def _analysis(tables: Mapping[str, Path], collected: Collected | None) -> Analysis:
    read = {name: read_csv(tables[name], (), f"metrics/{name}.csv") for name in _TABLES}
    sentence = decomposition_sentence(read["decomposition"]) if collected else ""
    return Analysis(**read, sentence=sentence)


def _planted(
    path: Path, annotations: Path, contrasts: Sequence[Mapping[str, Any]]
) -> list[Planted]:
    """Compare the effects that the phantoms' recipe plants with what the study found."""
    document = read_json(path, "the planted effects")
    if document["annotations_md5"] != md5_of(annotations.read_bytes()):
        return []  # other images than those of the recipe
    found = {(row["contrast"], row["metric"]): row for row in contrasts}
    return [
        _compared(effect, found[effect["contrast"], effect["metric"]])
        for effect in document["effects"]
        if (effect["contrast"], effect["metric"]) in found
    ]


def _compared(effect: Mapping[str, Any], row: Mapping[str, Any]) -> Planted:
    return Planted(
        effect=effect["effect"],
        planted=effect["planted"],
        measured=f"{effect['percent']:+.1f} % (\N{PLUS-MINUS SIGN} {effect['percent_se']:.1f})",
        melanin=f"{effect['melanin_percent']:+.1f} %",
        found=str(row["sentence"]),
        agrees={"supported": True, "contradicted": False}.get(str(row["verdict"])),
    )


def _warnings(counts: Mapping[str, Any], collected: Collected | None) -> list[str]:
    """Return what a reader should know about the images before trusting a number."""
    warnings = [str(counts["tone_warning"])] if counts.get("tone_warning") else []
    if collected is None or "n_train" not in collected.runs:
        return warnings
    fewest = collected.runs.groupby(["mix", "group"], sort=False)["n_distinct_train"].idxmin()
    rows = collected.runs.loc[fewest].to_dict("records")
    found = [(row["mix"], _repetition(row)) for row in rows]
    return warnings + [f"Mix {mix}: {sentence}." for mix, sentence in found if sentence]


def _repetition(row: Mapping[Any, Any]) -> str:
    return repetition(str(row["group"]), int(row["n_train"]), int(row["n_distinct_train"]))


def _flow(path: Path) -> pd.DataFrame:
    flow = read_csv(path, _FLOW_COLUMNS, "the exclusions flow")
    return flow.assign(step=[step_name(str(step)) for step in flow["step"]])


def _arms(collected: Collected | None) -> pd.DataFrame:
    """Average over runs by mix and group: the table beside figures 3 and 6."""
    columns = ["mix", "share", "group", "runs", "n", "mse", "sigma"]
    if collected is None:
        return pd.DataFrame(columns=columns)
    arms = (
        ordinary_rows(collected.runs)
        .groupby(["share", "mix", "group"], as_index=False)
        .agg(runs=("run", "nunique"), n=("n", "max"), mse=("mse", "mean"), sigma=("sigma", "mean"))
    )
    return arms[columns]


def _conditions(collected: Collected | None) -> pd.DataFrame:
    if collected is None:
        counts = ["n_reference", "n_compared", "mse_reference", "mse_compared"]
        return pd.DataFrame(columns=["mix", "level", "label", *counts, "gap", "drawn"])
    images = ordinary_rows(collected.images)
    levels = [condition_errors(images, level, collected.groups) for level in LABEL_COLUMNS]
    return pd.concat(levels, ignore_index=True)


def _pictures(figures: Path) -> list[Picture]:
    index = read_json(figures / "index.json", "the index of the figures")
    return [_picture(entry, figures) for entry in index["figures"]]


def _picture(entry: Mapping[str, Any], figures: Path) -> Picture:
    """Embed a figure; leave pictures of photographs where they are."""
    folder, svg, missing = entry["folder"], None, str(entry.get("missing", ""))
    if folder == figures.as_posix():
        path = figures / f"{entry['name']}.svg"
        if not path.is_file():
            raise DataError(f"{path} is listed in the figures' index but absent; run `dvc repro`")
        svg = path.read_bytes()
    elif folder is not None:
        missing = f"It shows photographs of patients, which stay on this machine, in {folder}."
    return Picture(str(entry["name"]), str(entry["title"]), str(entry["reading"]), svg, missing)


def _provenance(facts: Mapping[str, Any], annotations: Path) -> Provenance:
    shown = {"Annotation table (md5, as in data.dvc)": md5_of(annotations.read_bytes())}
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
        settings={str(key): _joined(value) for key, value in facts.get("settings", {}).items()},
        experiments={str(key): str(value) for key, value in facts.get("experiments", {}).items()},
        params=json.dumps(facts.get("params", {}), indent=2),
    )


def _joined(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {entry}" for key, entry in value.items())
    return str(value)
