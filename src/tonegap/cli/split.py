"""``tonegap split``: describe the current split."""

from __future__ import annotations

from pathlib import Path

import typer


def describe() -> None:
    """Describe the split in data/split.csv: pools, distinct images, duplicates that cross."""
    from tonegap.cohort.groups import groups_of  # noqa: PLC0415
    from tonegap.errors import ParameterError  # noqa: PLC0415
    from tonegap.files.parameters import read_params  # noqa: PLC0415
    from tonegap.files.tables import read_csv  # noqa: PLC0415
    from tonegap.sampling.explain import explanation  # noqa: PLC0415
    from tonegap.sampling.split import SPLIT_COLUMNS, draw_split  # noqa: PLC0415
    from tonegap.workspace import Workspace  # noqa: PLC0415

    at = Workspace(Path())
    params = read_params(at.params)
    groups = groups_of(params.groups)
    columns = ["md5hash", "group", "label_fine", "source", "cluster", "subject"]
    cohort = read_csv(at.cohort, columns, "the cohort")
    split = read_csv(at.split, SPLIT_COLUMNS, "the split")
    drawn = draw_split(cohort, params.data, params.share, groups)
    if list(drawn["md5hash"]) != list(split["md5hash"]):
        raise ParameterError(
            f"{at.split} was drawn from another cohort or with parameters other than those now in "
            "params.yaml, so its numbers would be mislabelled; run `dvc repro split`"
        )
    typer.echo(
        f"seed {params.data.seed}, mix {params.data.mix}, duplicates {params.data.duplicates}"
    )
    table = explanation(cohort, split, params.data, params.mixes, groups)
    typer.echo(table.to_string(index=False, float_format="{:g}".format, na_rep="-"))
