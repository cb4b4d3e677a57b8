"""``tonegap planted``: measure what the embedded phantoms plant."""

from __future__ import annotations

from pathlib import Path

import typer

from tonegap.workspace import Workspace


def planted() -> None:
    """Measure the effects that the phantoms plant, and write metrics/planted.json.

    Run it after a change of the annotation table; it needs `dvc repro filter`.
    """
    from tonegap.calibration.truth import SCHEMA, Design, measure_planted  # noqa: PLC0415
    from tonegap.digits import json_value  # noqa: PLC0415
    from tonegap.errors import DataError  # noqa: PLC0415
    from tonegap.files.parameters import read_params  # noqa: PLC0415
    from tonegap.files.store import md5_of  # noqa: PLC0415
    from tonegap.files.tables import read_csv, write_json  # noqa: PLC0415

    at = Workspace(Path())
    params = read_params(at.params)
    table = read_csv(at.annotations, ("md5hash", "url"), "the annotation table")
    cohort = read_csv(at.cohort, ("md5hash", "group"), "the cohort")
    phantoms = cohort[["md5hash", "group"]].merge(table[["md5hash", "url"]], on="md5hash")
    if not phantoms["url"].astype(str).str.startswith("phantom:").all():
        raise DataError(
            f"{Workspace.annotations} describes photographs, in which nothing is planted; only the "
            "embedded phantoms have known effects (git checkout data.dvc; dvc repro filter)"
        )
    design = Design(params.data.image_size, params.data.n_train, params.evaluate.pca_components)
    effects = measure_planted(phantoms, design)
    document = {
        "schema": SCHEMA,
        "annotations_md5": md5_of(at.annotations.read_bytes()),
        "reference": f"PCA of {design.components} components, {design.repeats} random halves",
        "effects": effects,
    }
    write_json(json_value(document), at.planted)
    for effect in effects:
        typer.echo(
            f"{effect['effect']}: {effect['percent']:+.1f} % (Monte Carlo error "
            f"{effect['percent_se']:.1f}), of which melanin {effect['melanin_percent']:+.1f} %"
        )
