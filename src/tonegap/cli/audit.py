"""``tonegap audit``: assess any finished model on any data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def audit(
    model: Annotated[
        str,
        typer.Argument(
            help="diffusers:FOLDER_OR_ID[@REVISION][:SUBFOLDER], python:package.module:factory, "
            "torchscript:FILE or samples:FOLDER."
        ),
    ],
    data: Annotated[
        str,
        typer.Argument(help="here (the data of this checkout), phantom, or a preset."),
    ] = "here",
    images: Annotated[
        list[Path] | None, typer.Option(help="The preset's images: a folder or zip. Repeatable.")
    ] = None,
    table: Annotated[
        list[str] | None, typer.Option(help="The preset's table, a file or url. Repeatable.")
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(min=1, max=8192, help="Side of the images, pixels; default data.image_size."),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Images at once; default evaluate.batch_size.")
    ] = None,
    seen: Annotated[
        Path | None,
        typer.Option(help="CSV list of images that the model was trained on: not tested."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Folder below audits/; default: model and data.")
    ] = None,
) -> None:
    """Assess a finished model on a data set (docs/audit.md); repeat after any interruption."""
    from tonegap.audits.running import Request  # noqa: PLC0415
    from tonegap.audits.running import audit as run  # noqa: PLC0415

    request = Request(model, data, images or (), table or (), size, batch_size, seen, name)
    run(Path(), request, typer.echo)
