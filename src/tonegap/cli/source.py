"""``tonegap source``: choose the table and images that this branch assesses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tonegap.source import Chosen, Downloaded

app = typer.Typer(help="Choose the data set that this branch assesses.", no_args_is_help=True)

Images = Annotated[
    list[Path] | None,
    typer.Option("--images", help="Folder or zip with images; may be repeated."),
]


@app.command("phantom")
def phantom() -> None:
    """Switch back to the embedded phantom."""
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
        typer.Option(help="Its column of image names; required if columns have other names."),
    ] = None,
    fst: Annotated[
        str | None,
        typer.Option(help="Its column of skin types, or another column that defines the groups."),
    ] = None,
    light: Annotated[
        list[str] | None,
        typer.Option(help="Value of that column for the light group, if it holds no skin types."),
    ] = None,
    dark: Annotated[
        list[str] | None, typer.Option(help="Value for the dark group; may be repeated.")
    ] = None,
    fst_second: Annotated[str | None, typer.Option(help="A second annotator's.")] = None,
    label: Annotated[str | None, typer.Option(help="Its column of the finest condition.")] = None,
    label_middle: Annotated[str | None, typer.Option(help="A coarser level.")] = None,
    label_coarse: Annotated[str | None, typer.Option(help="The coarsest level.")] = None,
    url: Annotated[str | None, typer.Option(help="Its column of image urls.")] = None,
) -> None:
    """Assess any other data set (docs/other-data.md)."""
    from tonegap.errors import ParameterError  # noqa: PLC0415
    from tonegap.foreign_table import ColumnNames  # noqa: PLC0415
    from tonegap.source import use_table  # noqa: PLC0415

    others = (fst, fst_second, label, label_middle, label_coarse, url, light, dark)
    if identifier is None and any(others):
        raise ParameterError(
            "columns are named but not --identifier, the column of image names, without which a "
            "table must have this study's own columns (docs/other-data.md)"
        )
    columns = None
    if identifier is not None:
        columns = ColumnNames(
            identifier=identifier,
            fst=fst or "fitzpatrick_scale",
            label=label or "label",
            fst_second=fst_second,
            label_middle=label_middle,
            label_coarse=label_coarse,
            url=url,
            light=tuple(light or ()),
            dark=tuple(dark or ()),
        )
    _report(use_table(Path(), path, columns, images or ()))


@app.command("download")
def download() -> None:
    """Download the missing images from their urls, and list them in images.txt."""
    from tonegap.files.parameters import read_params  # noqa: PLC0415
    from tonegap.source import NOT_DOWNLOADED, download_images  # noqa: PLC0415
    from tonegap.workspace import Workspace  # noqa: PLC0415

    _report(
        download_images(
            annotations=Workspace.annotations,
            manifest=Workspace.manifest,
            failures=NOT_DOWNLOADED,
            params=read_params(Workspace.params).fetch,
        )
    )


def _report(done: Chosen | Downloaded) -> None:
    for line in done.lines():
        typer.echo(line)
