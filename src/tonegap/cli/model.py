"""``tonegap model``: describe the network that the parameters build, and its cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def describe(
    study: Annotated[
        str | None, typer.Option(help="Take the parameters of this study, such as `paper`.")
    ] = None,
) -> None:
    """Print the network's parameters, latent shape and GFLOP per image."""
    from tonegap.files.parameters import read_params  # noqa: PLC0415  torch loads slowly
    from tonegap.profiling.description import describe_model  # noqa: PLC0415
    from tonegap.study.files import read_study  # noqa: PLC0415
    from tonegap.workspace import Workspace  # noqa: PLC0415

    params = read_study(Path(), study).cells[0].params if study else read_params(Workspace.params)
    for line in describe_model(params):
        typer.echo(line)
