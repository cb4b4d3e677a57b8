"""Stage ``figures``: the paper's figures from the collected study, each with its numbers.

Pictures of phantoms may be committed. Pictures of photographs show patients and go to the
private folder, which git ignores.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tonegap.digits import rounded_table
from tonegap.facts import is_phantom
from tonegap.figures.catalogue import CATALOGUE, Entry
from tonegap.figures.encoding import ENCODERS
from tonegap.figures.material import (
    Annotated,
    Material,
    Study,
    rows_caveat,
    study_caveat,
)
from tonegap.figures.style import Drawing
from tonegap.files.atomic import write_bytes
from tonegap.files.collected import Collected, read_collected
from tonegap.files.examples import read_study_examples
from tonegap.files.tables import read_csv, write_csv, write_json
from tonegap.groups import Groups
from tonegap.statistics.design import ordinary_rows
from tonegap.tables import ROW_COLUMNS

_FLOW_COLUMNS = ("step", "group", "left", "excluded")


def run(
    *,
    annotations: Path,
    rows: Path,
    groups: Groups,
    group_column: str,
    exclusions_flow: Path,
    study: Path,
    study_images: Path,
    study_facts: Path,
    examples: Path,
    private_examples: Path,
    figures: Path,
    private: Path,
) -> None:
    """Draw every figure whose tables exist; report why the others are absent.

    Parameters
    ----------
    annotations, rows, groups, group_column, exclusions_flow
        The annotation table, whose urls tell phantoms from photographs; data/groups.csv; the
        groups and the column that defines them; how many rows each step left. For the figures
        of the annotations.
    study, study_images, study_facts
        The collected study, whose own settings name its groups.
    examples, private_examples
        Example reconstructions, of phantoms and of photographs; either may be absent.
    figures
        Written: a folder with ``<name>.svg``, ``.png`` and ``.csv`` of each figure, and
        ``index.json`` with their titles, how to read them, and where they are.
    private
        Written: the folder for pictures of photographs.

    Raises
    ------
    DataError
        If a table lacks a column or holds more than one study.
    """
    table = read_csv(rows, ROW_COLUMNS, "the table of groups")
    flow = read_csv(exclusions_flow, _FLOW_COLUMNS, "the exclusions flow")
    urls = read_csv(annotations, ("url",), "the annotation table")["url"]
    annotated = Annotated(table, flow, group_column, groups, rows_caveat(urls))
    collected, reason = read_collected(study, study_images, study_facts, table["md5hash"])
    public = collected is not None and is_phantom(collected.settings)
    shown = examples if public else private_examples
    material = Material(annotated, _of_study(collected, shown) if collected else None)
    drawings = {entry.name: _drawn(entry, material) for entry in CATALOGUE}
    folders = {
        entry.name: private if entry.shows_images and not public else figures for entry in CATALOGUE
    }
    for name, drawing in drawings.items():
        for folder in (figures, private):
            _write(drawing if folder == folders[name] else None, folder / name)
    named = collected.groups if collected else groups
    index = [_listed(e, named, folders[e.name], drawings[e.name], reason) for e in CATALOGUE]
    document = {"study_drawn": not reason, "reason": reason, "figures": index}
    write_json(document, figures / "index.json")


def _of_study(collected: Collected, examples: Path) -> Study:
    return Study(
        runs=ordinary_rows(collected.runs),
        images=ordinary_rows(collected.images),
        examples=read_study_examples(examples, collected.groups),
        groups=collected.groups,
        caveat=study_caveat(collected.settings),
    )


def _drawn(entry: Entry, material: Material) -> Drawing | None:
    return None if entry.needs == "study" and material.study is None else entry.draw(material)


def _write(drawing: Drawing | None, path: Path) -> None:
    """Write a figure, or remove the one of an earlier run."""
    if drawing is None:
        for suffix in (*ENCODERS, ".csv"):
            path.with_suffix(suffix).unlink(missing_ok=True)
        return
    write_csv(rounded_table(drawing.data), path.with_suffix(".csv"))
    for suffix, encode in ENCODERS.items():
        write_bytes(path.with_suffix(suffix), encode(drawing.figure))


def _listed(
    entry: Entry, groups: Groups, folder: Path, drawing: Drawing | None, reason: str
) -> dict[str, Any]:
    """Return a figure's texts and its folder, or why it is absent."""
    title, reading = entry.worded(groups)
    shown = {"name": entry.name, "title": title, "reading": reading}
    if drawing is None:
        return shown | {"folder": None, "missing": reason or entry.absent}
    return shown | {"folder": folder.as_posix()}
