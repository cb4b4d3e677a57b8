"""``tonegap split``: what the present split is made of."""

from __future__ import annotations

from typing import Annotated

import typer


def explain(
    explain: Annotated[
        bool, typer.Option("--explain", help="Print pool sizes, distinct images, shared clusters.")
    ] = False,
) -> None:
    """Describe the split in data/split.csv: pools, distinct images, duplicates that cross."""
    from tonegap.errors import ParameterError  # noqa: PLC0415
    from tonegap.files import layout  # noqa: PLC0415
    from tonegap.files.parameters import read_params  # noqa: PLC0415
    from tonegap.files.tables import read_csv  # noqa: PLC0415
    from tonegap.sampling import SPLIT_COLUMNS, draw_split, explanation  # noqa: PLC0415

    if not explain:
        raise ParameterError(
            "say what to do: --explain describes the split that `dvc repro split` drew"
        )
    params = read_params()
    columns = ["md5hash", "group", "label_fine", "source", "cluster"]
    cohort = read_csv(layout.COHORT, columns, "the cohort")
    split = read_csv(layout.SPLIT, SPLIT_COLUMNS, "the split")
    drawn = draw_split(cohort, params.data, params.mixes)
    if list(drawn["md5hash"]) != list(split["md5hash"]):
        raise ParameterError(
            f"{layout.SPLIT} was drawn from another cohort or with other parameters than "
            "params.yaml has now, so its numbers would be given wrong names; run `dvc repro split`"
        )
    table = explanation(cohort, split, params.data, params.mixes)
    typer.echo(
        f"seed {params.data.seed}, mix {params.data.mix}, duplicates {params.data.duplicates}"
    )
    typer.echo(table.to_string(index=False, float_format="{:g}".format))
