"""``tonegap pr-report``: show how a change affects metrics and plots."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def pull_request_report(
    base: Annotated[str, typer.Option(help="Branch or commit to compare with.")] = "main",
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("plots-diff"),
) -> None:
    """Compare parameters, metrics and plots of the workspace with a base."""
    from tonegap.pull_request import write_report  # noqa: PLC0415

    report = write_report(base, out)
    typer.echo(report.read_text(encoding="utf-8"))
    typer.echo(f"written to {report}; plots in {out / 'index.html'} and its folder")
