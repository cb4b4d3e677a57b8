"""Stage ``figures``: the paper's figures from the collected study, each with its numbers.

Pictures of phantoms may be committed; pictures of photographs show patients and go to the
private folder, which git ignores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tonegap.errors import DataError
from tonegap.figures.catalogue import FIGURES
from tonegap.figures.encoding import png_bytes, svg_bytes
from tonegap.figures.examples import StudyExamples
from tonegap.figures.sources import Annotated, Collected
from tonegap.figures.style import Drawing
from tonegap.files.atomic import write_bytes
from tonegap.files.tables import read_csv, read_json, write_csv, write_json
from tonegap.groups import Groups
from tonegap.labels import LABEL_COLUMNS
from tonegap.statistics.design import ordinary_rows

_RUN_COLUMNS = ("study", "run", "mix", "share", "seed", "group", "n", "mse", "sigma")
_IMAGE_COLUMNS = ("mix", "share", "md5hash", "group", *LABEL_COLUMNS.values(), "mse")
_FLOW_COLUMNS = ("step", "group", "left", "excluded")
_ROW_COLUMNS = ("md5hash", "group", "fst", "fst_second", *LABEL_COLUMNS.values(), "source")


def run(
    *,
    rows: Path,
    groups: Groups,
    exclusions_flow: Path,
    study: Path,
    study_images: Path,
    study_facts: Path,
    examples: Path,
    private_examples: Path,
    figures: Path,
    private: Path,
) -> None:
    """Draw every figure whose tables are there; say why the others are not.

    Parameters
    ----------
    rows, groups, exclusions_flow
        The annotated rows, their groups, and how many rows each step left: for figures 2 and 7
        and the flow.
    study, study_images, study_facts
        The collected study, for the others.
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
        If a table is there but lacks a column.
    """
    annotated = _annotated(rows, groups, exclusions_flow)
    collected, reason = _collected(study, study_images, study_facts, annotated.rows)
    if collected:
        shown = examples if collected.phantom else private_examples
        collected = _with_examples(collected, shown)
    drawings = _drawn(annotated, collected)
    hidden = [n for n, figure in FIGURES.items() if figure.shows_images and not _public(collected)]
    _write({n: d for n, d in drawings.items() if n not in hidden}, figures, tuple(FIGURES))
    pictures = tuple(name for name, figure in FIGURES.items() if figure.shows_images)
    _write({n: d for n, d in drawings.items() if n in hidden}, private, pictures)
    places = {name: private if name in hidden else figures for name in drawings}
    named = collected.groups if collected else groups
    write_json(_index(places, reason, named), figures / "index.json")


def _annotated(rows: Path, groups: Groups, flow: Path) -> Annotated:
    table = read_csv(rows, _ROW_COLUMNS, "the table of annotated rows")
    rendered = table["source"].fillna("").str.startswith("phantom")
    caveat = (
        f"{int(rendered.sum()):,} of {len(table):,} rows are phantoms." if rendered.any() else ""
    )
    steps = read_csv(flow, _FLOW_COLUMNS, "the exclusions flow")
    return Annotated(table, steps, groups, caveat)


def _collected(
    study: Path, study_images: Path, study_facts: Path, rows: pd.DataFrame
) -> tuple[Collected | None, str]:
    """Read the study, or say why it is not drawn."""
    if not study.is_file():
        return None, "No study has been collected: run `tonegap study run` and `study collect`."
    runs = read_csv(study, _RUN_COLUMNS, "the study's table of runs")
    images = read_csv(study_images, _IMAGE_COLUMNS, "the study's table of images")
    if not images["md5hash"].isin(rows["md5hash"]).all():
        return None, (
            "The collected study is of another data set than data/annotations.csv: "
            "run and collect a study of this one."
        )
    ordinary = ordinary_rows(runs)
    names = ordinary["study"].unique()
    if len(names) != 1:
        raise DataError(
            f"{study} holds {len(names)} studies ({', '.join(map(str, names[:3]))}), whose runs do "
            "not compare; collect one of them"
        )
    settings = read_json(study_facts, "the study's facts").get("settings", {})
    return (
        Collected(
            runs=ordinary,
            images=ordinary_rows(images),
            examples=None,
            groups=Groups.from_mapping(settings.get("groups", {})),
            # Without the word "phantom" images count as photographs: the careful side.
            phantom=settings.get("images") == "phantom",
            caveat=_caveat(settings),
        ),
        "",
    )


def _caveat(settings: Mapping[str, Any]) -> str:
    parts = ["phantom images"] if settings.get("images") == "phantom" else []
    if settings.get("features_random") is True:
        parts.append(f"perceptual network {settings.get('features')}")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _with_examples(collected: Collected, path: Path) -> Collected:
    if not path.is_file():
        return collected
    with np.load(path, allow_pickle=False) as arrays:
        examples = StudyExamples.from_arrays(dict(arrays))
    return Collected(**{**vars(collected), "examples": examples})


def _public(collected: Collected | None) -> bool:
    return collected is not None and collected.phantom


def _drawn(annotated: Annotated, collected: Collected | None) -> dict[str, Drawing]:
    drawings: dict[str, Drawing] = {}
    for name, figure in FIGURES.items():
        drawing = None
        if figure.of_rows:
            drawing = figure.of_rows(annotated)
        elif figure.of_study and collected:
            drawing = figure.of_study(collected)
        if drawing is not None:
            drawings[name] = drawing
    return drawings


def _write(drawings: Mapping[str, Drawing], folder: Path, names: tuple[str, ...]) -> None:
    """Write the figures; remove those of an earlier run that are not drawn any more."""
    encoders: dict[str, Callable[..., bytes]] = {".svg": svg_bytes, ".png": png_bytes}
    for name in names:
        path = folder / name
        if name in drawings:
            write_csv(drawings[name].data, path.with_suffix(".csv"))
        for suffix, encode in encoders.items():
            if name in drawings:
                write_bytes(path.with_suffix(suffix), encode(drawings[name].figure))
        if name not in drawings:
            for suffix in (*encoders, ".csv"):
                path.with_suffix(suffix).unlink(missing_ok=True)


def _index(places: Mapping[str, Path], reason: str, groups: Groups) -> dict[str, Any]:
    """List every figure with its words and its folder, or why it is not there."""
    figures = []
    for name, figure in FIGURES.items():
        title, reading = figure.words(groups)
        place = places[name].name if name in places else None
        missing = {} if place else {"missing": reason or figure.absent}
        figures.append(
            {"name": name, "title": title, "reading": reading, "folder": place} | missing
        )
    return {"study_drawn": not reason, "reason": reason, "figures": figures}
