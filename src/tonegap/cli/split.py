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
    from tonegap.sampling import SPLIT_COLUMNS, explanation  # noqa: PLC0415

    if not explain:
        raise ParameterError(
            "say what to do: --explain describes the split that `dvc repro split` drew"
        )
    params = read_params()
    cohort = read_csv(layout.COHORT, ["md5hash", "group", "label_fine", "cluster"], "the cohort")
    split = read_csv(layout.SPLIT, SPLIT_COLUMNS, "the split")
    table = explanation(cohort, split, params.data, params.mixes)
    typer.echo(
        f"seed {params.data.seed}, mix {params.data.mix}, duplicates {params.data.duplicates}"
    )
    typer.echo(table.to_string(index=False))
