"""``tonegap export``: what leaves the project, for others' tools and for reviewers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="export",
    help="Describe the cohort, a model or the whole study for others.",
    no_args_is_help=True,
)


@app.command("croissant")
def croissant(
    output: Annotated[Path, typer.Option(help="The metadata, within the repository.")] = Path(
        "croissant.json"
    ),
) -> None:
    """Describe the prepared cohort as Croissant 1.1 metadata with responsible-AI fields."""
    from tonegap.files.croissant import write_croissant  # noqa: PLC0415

    data = write_croissant(Path(), output)
    typer.echo(f"{output}: {data.title}; licence: {data.licence}")
    if data.documented.page is None:
        typer.echo("no web address is known of this data set: add `url` before you publish it")
    if data.patients:
        typer.echo(f"{data.patients}: the metadata holds no picture; do not publish images.npy")


@app.command("card")
def card(
    output: Annotated[
        Path, typer.Option(help="Folder of the card and, if nobody is shown, the weights.")
    ] = Path("card"),
) -> None:
    """Write a Hugging Face model card of the trained model, beside its safetensors."""
    from tonegap.files.model_card import CARD, WEIGHTS, write_card  # noqa: PLC0415

    data = write_card(Path(), output)
    typer.echo(f"{output / CARD}: a model trained on {data.title}")
    if data.patients:
        typer.echo(
            f"no weights beside it: {data.patients}, and a model trained on photographs counts as "
            "a picture of patients (docs/remotes.md)"
        )
    else:
        typer.echo(f"{output / WEIGHTS}: its weights")


@app.command("bundle")
def bundle(
    output: Annotated[Path, typer.Argument(metavar="FILE.zip", help="The bundle.")],
) -> None:
    """Write one zip for reviewers: tables, parameters, environment, claims and report."""
    from tonegap.files.bundle import write_bundle  # noqa: PLC0415
    from tonegap.pull_request.machine import describe_machine  # noqa: PLC0415

    manifest = write_bundle(Path(), output, describe_machine())
    size = sum(member.size for member in manifest.files)
    typer.echo(f"{output}: {len(manifest.files)} files, {size} bytes; pictures {manifest.pictures}")
    typer.echo(f"its tables hold annotations; their licence: {manifest.licence}")
    if manifest.uncommitted:
        typer.echo(f"warning: not in commit {manifest.commit[:12]}: {manifest.uncommitted}")
