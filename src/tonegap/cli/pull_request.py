"""``tonegap pr-report``: show how a change affects metrics and plots, and judge it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tonegap.errors import ParameterError

_FAILS = 1


def pull_request_report(
    base: Annotated[str, typer.Option(help="Branch or commit to compare with.")] = "main",
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("plots-diff"),
) -> None:
    """Reproduce this checkout and its base, compare them, and judge the change by gate.yaml.

    Exit code 1: the gate says no; the report is written.
    """
    from tonegap.pull_request.report import write_report  # noqa: PLC0415

    report = write_report(Path(), base, out, lambda line: typer.echo(line, err=True))
    typer.echo(report.path.read_text(encoding="utf-8"))
    typer.echo(f"written to {report.path}; plots in {out / 'index.html'} and its folder")
    if report.problem:
        raise ParameterError(report.problem)
    if report.fails:
        raise typer.Exit(_FAILS)
