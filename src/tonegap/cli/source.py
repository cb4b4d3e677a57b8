"""``tonegap source``: which data set this branch assesses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tonegap.source import Chosen

app = typer.Typer(help="Choose the data set that this branch assesses.", no_args_is_help=True)

Images = Annotated[
    list[Path] | None,
    typer.Option("--images", help="Folder or zip with images; may be repeated."),
]


@app.command("phantom")
def phantom() -> None:
    """Go back to the embedded phantom."""
    from tonegap.source import use_phantom  # noqa: PLC0415

    _report(use_phantom(Path()))


@app.command("fitzpatrick17k")
def fitzpatrick17k(
    annotations: Annotated[
        str | None,
        typer.Option(help="The table, a file or url; default: the public one, pinned by md5."),
    ] = None,
    images: Images = None,
) -> None:
    """Assess Fitzpatrick17k (annotations CC BY-NC-SA 3.0, Groh et al. 2021)."""
    from tonegap.source import use_fitzpatrick17k  # noqa: PLC0415

    _report(use_fitzpatrick17k(Path(), annotations, images or ()))


@app.command("table")
def table(
    path: Annotated[str, typer.Argument(help="An annotation table, a file or url.")],
    images: Images = None,
    identifier: Annotated[
        str | None,
        typer.Option(help="Its column of image names; needed where columns have other names."),
    ] = None,
    fst: Annotated[str, typer.Option(help="Its column of skin types.")] = "fitzpatrick_scale",
    fst_second: Annotated[str | None, typer.Option(help="A second annotator's.")] = None,
    label: Annotated[str, typer.Option(help="Its column of the finest condition.")] = "label",
    label_middle: Annotated[str | None, typer.Option(help="A coarser level.")] = None,
    label_coarse: Annotated[str | None, typer.Option(help="The coarsest level.")] = None,
    url: Annotated[str | None, typer.Option(help="Its column of image urls.")] = None,
) -> None:
    """Assess any other data set (docs/other-data.md)."""
    from tonegap.source import use_table  # noqa: PLC0415
    from tonegap.tables import ColumnNames  # noqa: PLC0415

    columns = (
        ColumnNames(identifier, fst, label, fst_second, label_middle, label_coarse, url)
        if identifier
        else None
    )
    _report(use_table(Path(), path, columns, images or ()))


def _report(chosen: Chosen) -> None:
    for line in chosen.lines():
        typer.echo(line)
