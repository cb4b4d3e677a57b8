"""``tonegap source``: choose the table and images that this branch assesses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tonegap.presets import preset_names, preset_summary

if TYPE_CHECKING:
    from tonegap.presets.schema import Form
    from tonegap.source import Chosen, Downloaded

app = typer.Typer(help="Choose the data set that this branch assesses.", no_args_is_help=True)

Images = Annotated[
    list[Path] | None,
    typer.Option("--images", help="Folder or zip with images; may be repeated."),
]
Unlabelled = Annotated[
    str | None,
    typer.Option(help="What rows without a label become: drop, or the word for their label."),
]


@app.command("phantom")
def phantom() -> None:
    """Switch back to the embedded phantom."""
    from tonegap.source import use_phantom  # noqa: PLC0415

    _report(use_phantom(Path()))


@app.command("table")
def table(
    path: Annotated[
        str,
        typer.Argument(help="A table, a file or url: CSV, Excel, Parquet or JSON lines."),
    ],
    images: Images = None,
    identifier: Annotated[
        list[str] | None,
        typer.Option(help="Its column of image names; may be repeated for several images a row."),
    ] = None,
    files: Annotated[
        str | None,
        typer.Option(help="Which files belong to a row, such as '{}_*': {} is the identifier."),
    ] = None,
    fst: Annotated[
        str | None,
        typer.Option(help="Its column of skin types, or another column that defines the groups."),
    ] = None,
    light: Annotated[
        list[str] | None,
        typer.Option(
            help="Value, or range such as 28.., of that column for the light group, if it holds no "
            "skin types."
        ),
    ] = None,
    dark: Annotated[
        list[str] | None,
        typer.Option(help="Value, or range such as ..10, for the dark group; may be repeated."),
    ] = None,
    fst_second: Annotated[str | None, typer.Option(help="A second annotator's.")] = None,
    label: Annotated[str | None, typer.Option(help="Its column of the finest condition.")] = None,
    label_middle: Annotated[str | None, typer.Option(help="A coarser level.")] = None,
    label_coarse: Annotated[str | None, typer.Option(help="The coarsest level.")] = None,
    subject: Annotated[
        list[str] | None,
        typer.Option(help="Its column of patients, lesions or cases; may be repeated."),
    ] = None,
    url: Annotated[str | None, typer.Option(help="Its column of image urls.")] = None,
    unlabelled: Unlabelled = None,
) -> None:
    """Assess any other data set (docs/other-data.md)."""
    from tonegap.errors import ParameterError  # noqa: PLC0415
    from tonegap.source import use_table  # noqa: PLC0415

    others = (fst, fst_second, label, label_middle, label_coarse, url, light, dark, files)
    if not identifier and any(others):
        raise ParameterError(
            "columns are named but not --identifier, the column of image names, without which a "
            "table must have this study's own columns (docs/other-data.md)"
        )
    form = _form(
        identifier or [],
        files,
        (fst, fst_second, light or [], dark or []),
        (label, label_middle, label_coarse),
        subject or [],
        url,
        unlabelled,
    )
    _report(use_table(Path(), path, form, images or (), unlabelled=unlabelled))


def _form(
    identifier: list[str],
    files: str | None,
    tone: tuple[str | None, str | None, list[str], list[str]],
    labels: tuple[str | None, str | None, str | None],
    subject: list[str],
    url: str | None,
    unlabelled: str | None,
) -> Form:
    """Describe the table's layout by the options."""
    import pydantic  # noqa: PLC0415

    from tonegap.errors import ParameterError  # noqa: PLC0415
    from tonegap.foreign.table import OWN_FORM  # noqa: PLC0415
    from tonegap.presets.schema import Form, Labels, Tone  # noqa: PLC0415

    if not identifier:
        return OWN_FORM.model_copy(update={"subject": tuple(subject)}) if subject else OWN_FORM
    fst, second, light, dark = tone
    if fst is None and (second or light or dark):
        raise ParameterError("--fst-second, --light and --dark need --fst, the column of skin tone")
    fine, middle, coarse = labels
    try:
        return Form(
            images=tuple(identifier),
            files=files,
            tone=Tone(
                columns=(fst,),
                second=(second,) if second else (),
                light=tuple(light),
                dark=tuple(dark),
            )
            if fst
            else None,
            labels=Labels(fine=fine or "label", middle=middle, coarse=coarse),
            subject=tuple(subject),
            url=url,
            # A table without labels needs no such column if its rows are named.
            may_lack=("label",) if fine is None and unlabelled else (),
        )
    except pydantic.ValidationError as problem:
        reason = problem.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise ParameterError(f"the options do not fit: {reason}") from None


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


def _preset_command(name: str) -> Callable[..., None]:
    """Make the command of one preset."""

    def command(
        images: Images = None,
        table: Annotated[
            list[str] | None,
            typer.Option(
                "--table",
                help="Its table, a file or url; may be repeated, the main one first. Default: "
                "looked for among the images.",
            ),
        ] = None,
        licence: Annotated[
            list[str] | None,
            typer.Option(help="Keep only images under this licence; may be repeated."),
        ] = None,
        unlabelled: Unlabelled = None,
    ) -> None:
        from tonegap.source import use_preset  # noqa: PLC0415

        _report(
            use_preset(
                Path(),
                name,
                tables=table or (),
                images=images or (),
                licences=licence or (),
                unlabelled=unlabelled,
            )
        )

    return command


for _name in preset_names():
    app.command(_name, help=preset_summary(_name))(_preset_command(_name))


def _report(done: Chosen | Downloaded) -> None:
    for line in done.lines():
        typer.echo(line)
