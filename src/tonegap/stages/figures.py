"""Stage ``figures``: the paper's figures from the collected study, each with its numbers.

Pictures of phantoms may be committed; pictures of photographs show patients and go to the
private folder, which git ignores.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tonegap.cohort.conditions import LEVEL_COLUMNS, fst_counts, prevalence_by_group
from tonegap.errors import DataError
from tonegap.figures import boxes, conditions, flow, prevalence, reconstructions, skin_types
from tonegap.figures.catalogue import CATALOGUE
from tonegap.figures.encoding import png_bytes, svg_bytes
from tonegap.figures.examples import StudyExamples
from tonegap.figures.style import Drawing, mixes_in_order
from tonegap.files import layout
from tonegap.files.atomic import write_bytes
from tonegap.files.parameters import read_params
from tonegap.files.tables import read_csv, read_json, write_csv, write_json
from tonegap.params import GroupDefinition
from tonegap.statistics.design import ordinary_rows

_RUN_COLUMNS = ("study", "run", "mix", "dark_share", "seed", "group", "n", "mse", "sigma")
_IMAGE_COLUMNS = ("mix", "dark_share", "md5hash", "group", "label_fine", "mse")
_FLOW_COLUMNS = ("step", "group", "left", "excluded")
_ANNOTATION_COLUMNS = ("md5hash", "fitzpatrick_scale", "fitzpatrick_centaur", "url")
_PICTURES = ("fig1", "fig4", "fig5")
_ERROR_AXIS = "MSE, [\N{MINUS SIGN}1, 1] range"
_SIGMA_AXIS = "Sigma, mean posterior std. deviation"
_BALANCED = 0.5
_NO_EXAMPLES = (
    "No example reconstructions are at hand. Those of photographs show patients and stay on the "
    "machine that collected the study."
)
_ABSENT = {
    **dict.fromkeys(_PICTURES, _NO_EXAMPLES),
    "fig1": f"{_NO_EXAMPLES} Or the study has no mix of equal shares, which this figure shows.",
    "fig6": "The study's models give no posterior standard deviation.",
    "fig8": "No condition has test images in both groups.",
}


@dataclass(frozen=True)
class _Study:
    """The collected study.

    Attributes
    ----------
    runs, images : DataFrame
        A row per run and group; a row per run and test image. Of the ordinary runs: those on
        equal numbers of distinct images have a contrast of their own and are drawn nowhere.
    phantom : bool
        Whether every image is a phantom.
    group : str
        The group definition that it used.
    caveat : str
        What its numbers rest on, where that is not the paper's set-up.
    """

    runs: pd.DataFrame
    images: pd.DataFrame
    phantom: bool
    group: GroupDefinition
    caveat: str


def run(
    *,
    annotations: Path,
    group: GroupDefinition,
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
    annotations, group, exclusions_flow
        The annotated rows, what a group is, and how many rows each step left: for figures
        2 and 7 and the flow.
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
    rows = read_csv(annotations, _ANNOTATION_COLUMNS, "the annotation table")
    steps = read_csv(exclusions_flow, _FLOW_COLUMNS, "the exclusions flow")
    drawings = _of_annotations(rows, group, steps)
    collected, reason = _collected(study, study_images, study_facts, rows)
    pictures: dict[str, Drawing] = {}
    if collected:
        drawings |= _of_study(collected)
        shown = examples if collected.phantom else private_examples
        pictures = _of_examples(collected, shown)
    public = collected is not None and collected.phantom
    _write({**drawings, **(pictures if public else {})}, figures)
    _write({} if public else pictures, private, _PICTURES)
    places = dict.fromkeys(drawings, figures) | dict.fromkeys(
        pictures, figures if public else private
    )
    write_json(_index(places, reason), figures / "index.json")


def from_workspace() -> None:
    """Run the stage on the repository's own files."""
    run(
        annotations=layout.ANNOTATIONS,
        group=read_params().filter.group,
        exclusions_flow=layout.EXCLUSIONS_FLOW,
        study=layout.STUDY,
        study_images=layout.STUDY_IMAGES,
        study_facts=layout.STUDY_FACTS,
        examples=layout.STUDY_EXAMPLES,
        private_examples=layout.PRIVATE_EXAMPLES,
        figures=layout.FIGURES,
        private=layout.PRIVATE / "figures",
    )


def _of_annotations(
    rows: pd.DataFrame, group: GroupDefinition, steps: pd.DataFrame
) -> dict[str, Drawing]:
    rendered = rows["url"].fillna("").str.startswith("phantom:")
    caveat = (
        f"{int(rendered.sum()):,} of {len(rows):,} rows are phantoms." if rendered.any() else ""
    )
    by_level: dict[str, pd.DataFrame] = {
        level: prevalence_by_group(rows, level, group) for level in LEVEL_COLUMNS
    }
    return {
        "exclusions_flow": flow.draw(steps, caveat),
        "fig2": skin_types.draw(fst_counts(rows), group, caveat),
        "fig7": prevalence.draw(by_level, group, caveat),
    }


def _collected(
    study: Path, study_images: Path, study_facts: Path, rows: pd.DataFrame
) -> tuple[_Study | None, str]:
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
    names = runs["study"].unique()
    if len(names) != 1:
        raise DataError(
            f"{study} holds {len(names)} studies ({', '.join(map(str, names[:3]))}), whose runs do "
            "not compare; collect one of them"
        )
    settings = read_json(study_facts, "the study's facts").get("settings", {})
    return _described(ordinary_rows(runs), ordinary_rows(images), settings), ""


def _described(runs: pd.DataFrame, images: pd.DataFrame, settings: Mapping[str, Any]) -> _Study:
    # Without the word "phantom" images count as photographs: the careful side for patients.
    phantom = settings.get("images") == "phantom"
    parts = ["Phantom images"] if phantom else []
    # A fact of its own: a file of trained weights may have any name.
    if settings.get("features_random") is True:
        parts.append(f"perceptual network {settings['features']}")
    caveat = "; ".join(parts)
    caveat = f"{caveat[0].upper()}{caveat[1:]}." if caveat else ""
    group: GroupDefinition = settings.get("group_definition", "scale")
    return _Study(runs, images, phantom, group, caveat)


def _of_study(study: _Study) -> dict[str, Drawing]:
    drawings = {"fig3": boxes.draw(study.runs, "mse", _ERROR_AXIS, study.group, study.caveat)}
    if study.runs["sigma"].notna().any():
        drawings["fig6"] = boxes.draw(study.runs, "sigma", _SIGMA_AXIS, study.group, study.caveat)
    errors = conditions.condition_errors(study.images, "fine")
    if len(errors):
        drawings["fig8"] = conditions.draw(errors, study.group, study.caveat)
    return drawings


def _of_examples(study: _Study, path: Path) -> dict[str, Drawing]:
    if not path.is_file():
        return {}
    with np.load(path, allow_pickle=False) as arrays:
        examples = StudyExamples.from_arrays(dict(arrays))
    shares = {
        mix: share for mix, share in mixes_in_order(study.runs) if mix in examples.reconstructions
    }
    if not shares or not all(len(pixels) for pixels in examples.originals.values()):
        return {}
    words = (study.group, study.caveat)
    balanced = [mix for mix, share in shares.items() if math.isclose(share, _BALANCED)]
    first = (
        {"fig1": reconstructions.draw_one_mix(examples, balanced[0], _BALANCED, *words)}
        if balanced
        else {}
    )
    return first | {
        "fig4": reconstructions.draw_by_mix(examples, "light", shares, *words),
        "fig5": reconstructions.draw_by_mix(examples, "dark", shares, *words),
    }


def _write(
    drawings: Mapping[str, Drawing], folder: Path, names: tuple[str, ...] = tuple(CATALOGUE)
) -> None:
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


def _index(places: Mapping[str, Path], reason: str) -> dict[str, Any]:
    """List every figure with its words and its folder, or why it is not there."""
    figures = []
    for name, entry in CATALOGUE.items():
        place = places[name].as_posix() if name in places else None
        why = "" if place else reason or _ABSENT[name]
        figures.append(
            {"name": name, "title": entry.title, "reading": entry.reading, "folder": place}
            | ({"missing": why} if why else {})
        )
    return {"study_drawn": not reason, "reason": reason, "figures": figures}
