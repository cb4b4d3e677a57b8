"""Stage ``conclude`` of an audit: verdicts, tables and the page of one finished model."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pandas as pd

from tonegap.assessment import condition_table
from tonegap.contact_sheet import contact_sheet
from tonegap.digits import rounded_table
from tonegap.facts import basis_of, caveats_of
from tonegap.figures.conditions import MIN_IMAGES, condition_errors
from tonegap.figures.flow import step_name
from tonegap.files.atomic import write_text
from tonegap.files.examples import read_examples
from tonegap.files.tables import read_csv, read_json, write_csv, write_json
from tonegap.groups import Groups
from tonegap.labels import LABEL_COLUMNS
from tonegap.measures import COLUMNS
from tonegap.report.audit import AuditContext, render_audit
from tonegap.report.context import Analysis
from tonegap.statistics.decomposition import decompose, decomposition_sentence
from tonegap.statistics.finished import audit_claims, finished_rows
from tonegap.statistics.heterogeneity import condition_gaps, heterogeneity
from tonegap.statistics.influence import gap_without
from tonegap.statistics.label_definitions import score_definitions
from tonegap.statistics.within_runs import OVERALL
from tonegap.tables import COHORT_COLUMNS

_PCA_ELSEWHERE: Final = "not testable: trained elsewhere, and PCA is fitted to the training images"


def _decomposition(rows: pd.DataFrame, groups: Groups) -> pd.DataFrame:
    """Decompose the gap; PCA has no training images to be fitted to."""
    found = decompose(rows, groups, finished=True)
    return found.assign(reason=found["reason"].where(found["step"] != "pca", _PCA_ELSEWHERE))


TABLES: Final[Mapping[str, Callable[[pd.DataFrame, Groups], pd.DataFrame]]] = MappingProxyType(
    {
        "decomposition": _decomposition,
        "labels": lambda rows, groups: score_definitions(rows, groups, finished=True),
        "conditions_gap": lambda rows, groups: condition_gaps(rows, groups, finished=True),
        "heterogeneity": lambda rows, groups: heterogeneity(
            condition_gaps(rows, groups, finished=True)
        ),
        "influence": lambda rows, groups: gap_without(rows, groups, finished=True),
    }
)
"""Tables by file name, with the analysis that makes each."""

_OF_STUDIES: Final = ("mix", "share", "n_runs", "n_seeds")
_FLOW_COLUMNS: Final = ("step", "group", "left", "excluded")


def run(
    *,
    name: str,
    annotations: Path,
    per_image: Path,
    facts: Path,
    examples: Path,
    cohort_counts: Path,
    exclusions_flow: Path,
    tables: Path,
    claims: Path,
    provenance: Path,
    page: Path,
) -> None:
    """Conclude an audit.

    Parameters
    ----------
    name
        The audit's name.
    annotations
        The annotation table, hashed to identify the data.
    per_image, facts, examples
        The outputs of the stage ``assess``.
    cohort_counts, exclusions_flow
        The cohort's counts.
    tables
        Folder; written: a CSV file for each of :data:`TABLES`, ``conditions`` and ``groups``.
    claims, provenance, page
        Written: the verdicts for machines, what they rest on, and the page for people.

    Raises
    ------
    DataError
        If a table lacks a column, or an error is not positive.
    """
    known = read_json(facts, "the audit's facts")
    groups = Groups.from_mapping(known["settings"]["groups"])
    images = read_csv(per_image, [*COHORT_COLUMNS, "mse"], "the audit's table of images")
    rows = finished_rows(images, name)
    found = {table: analysis(rows, groups) for table, analysis in TABLES.items()}
    for table, content in found.items():
        write_csv(rounded_table(_of_one_model(content)), tables / f"{table}.csv")
    means = _means(images, groups)
    write_csv(rounded_table(means), tables / "groups.csv")
    write_csv(rounded_table(condition_table(images)), tables / "conditions.csv")
    document = audit_claims(rows, name, groups)
    origin = _provenance(known, annotations)
    counts = read_json(cohort_counts, "the cohort's counts")
    context = AuditContext(
        name=name,
        model=str(known["model"]["name"]),
        groups=groups,
        tested={str(name): int(n) for name, n in images["group"].value_counts().items()},
        image_size=int(known["settings"]["image_size"]),
        seen=known["seen"],
        flow=_flow(exclusions_flow),
        claims=document,
        analysis=Analysis(
            **found,
            sentence=decomposition_sentence(found["decomposition"]),
        ),
        conditions=pd.concat(
            [condition_errors(rows, level, groups) for level in LABEL_COLUMNS], ignore_index=True
        ),
        few_images=MIN_IMAGES,
        means=means,
        picture=_picture(examples, groups),
        basis=basis_of(known["settings"]),
        caveats=caveats_of(known),
        warnings=[str(counts["tone_warning"])] if counts.get("tone_warning") else [],
        facts=_shown(origin),
    )
    write_json({**document, "caveats": list(context.caveats)}, claims)
    write_json(origin, provenance)
    write_text(page, render_audit(context))


def _of_one_model(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out what only a study has: its mixes, runs and seeds."""
    kept = table[table["mix"] == OVERALL] if "mix" in table else table
    return kept.drop(columns=[column for column in _OF_STUDIES if column in kept])


def _means(images: pd.DataFrame, groups: Groups) -> pd.DataFrame:
    """Average every measure and score that the table has, by group."""
    columns = [column for column in COLUMNS if column in images and images[column].notna().any()]
    by_group = images.groupby("group")
    means = by_group[columns].mean().assign(n=by_group.size())
    present = [name for name in groups.names if name in means.index]
    return means.loc[present, ["n", *columns]].reset_index()


def _flow(path: Path) -> pd.DataFrame:
    flow = read_csv(path, _FLOW_COLUMNS, "the exclusions flow")
    return flow.assign(step=[step_name(str(step)) for step in flow["step"]])


def _picture(examples: Path, groups: Groups) -> bytes | None:
    """Draw phantoms above their reconstructions; never photographs."""
    shown = read_examples(examples.read_bytes())
    if not shown.rendered or not any(len(pixels) for pixels in shown.originals.values()):
        return None
    rows = {}
    for group in groups.names:
        rows[f"{group}, original"] = shown.originals[group]
        rows[f"{group}, reconstruction"] = shown.reconstructions[group]
    content = io.BytesIO()
    contact_sheet(rows, "Phantoms").save(content, format="PNG")
    return content.getvalue()


def _provenance(known: Mapping[str, Any], annotations: Path) -> dict[str, Any]:
    table = hashlib.md5(annotations.read_bytes(), usedforsecurity=False).hexdigest()
    return {**known, "annotations_md5": table}


def _shown(origin: Mapping[str, Any]) -> dict[str, str]:
    """Return what the page says about where the numbers come from."""
    model, settings = origin["model"], origin["settings"]
    weights = "; ".join(f"{name} {sha256}" for name, sha256 in model["weights"].items())
    return {
        "Model": model["reference"],
        "Class": model["name"],
        "Library": model["library"],
        "Revision": model["revision"] or "not of the Hub",
        "Licence": model["licence"] or "not stated by the model's card",
        "Weights (sha256)": weights or "not known: only its author knows when they change",
        "Data": f"{origin['data']}; annotation table (md5) {origin['annotations_md5']}",
        "Groups": settings["group_column"],
        "Images": f"{settings['image_size']} px, {settings['images']}",
        "JPEG baseline": f"quality {settings['jpeg_quality']}",
        "Device": f"{settings['device']}, torch {settings['torch']}",
    }
