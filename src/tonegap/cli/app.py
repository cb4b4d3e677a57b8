"""The ``tonegap`` command and its groups.

Commands import what they need when they run: ``tonegap --help`` stays quick, and a
stage does not load what it does not use.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

import tonegap
from tonegap.cli import (
    audit,
    bench,
    calibrate,
    compare,
    doctor,
    export,
    guard,
    model,
    planted,
    pull_request,
    source,
    split,
    study,
    verify,
)
from tonegap.errors import TonegapError, one_line
from tonegap.pipeline import AUDIT_STAGES, STAGES, run_audit_stage, run_stage
from tonegap.workspace import Workspace

_USER_ERROR = 2
_INTERRUPTED = 130

app = typer.Typer(
    name="tonegap",
    help="Assess whether generative models of skin images serve dark skin as well as light.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(source.app, name="source")
app.add_typer(study.app, name="study")
app.add_typer(bench.app, name="bench")
app.add_typer(export.app, name="export")
study.app.command("compare")(compare.compare)
app.command("model")(model.describe)
app.command("split")(split.describe)
app.command("calibrate")(calibrate.calibrate)
app.command("audit")(audit.audit)
app.command("doctor")(doctor.doctor)
app.command("planted")(planted.planted)
app.command("guard")(guard.guard)
app.command("verify")(verify.verify)
app.command("pr-report")(pull_request.pull_request_report)


def _show_version(*, wanted: bool | None) -> None:
    if wanted:
        typer.echo(f"tonegap {tonegap.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool | None,
        typer.Option(
            "--version",
            callback=lambda value: _show_version(wanted=value),
            is_eager=True,
            help="Show the version and stop.",
        ),
    ] = None,
) -> None:
    """Assess whether generative models of skin images serve dark skin as well as light."""


@app.command("stage")
def stage(
    name: Annotated[str, typer.Argument(help="One of: " + ", ".join((*STAGES, *AUDIT_STAGES)))],
    of_audit: Annotated[
        str | None, typer.Option("--audit", help="Run a stage of this audit.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=1, help="prepare: pack images of another size, pixels.")
    ] = None,
) -> None:
    """Run one stage of the pipeline on this repository's files (dvc.yaml calls this)."""
    if of_audit is not None:
        run_audit_stage(name, Workspace(Path()), of_audit)
    else:
        run_stage(name, Workspace(Path()), **({} if size is None else {"image_size": size}))


@app.command("check")
def check() -> None:
    """Check params.yaml, gate.yaml and every study file, without running anything."""
    from tonegap.files.parameters import read_params  # noqa: PLC0415
    from tonegap.pull_request.gate import read_gate  # noqa: PLC0415
    from tonegap.study.files import read_study, study_names  # noqa: PLC0415

    root = Path()
    read_params(root / Workspace.params)
    read_gate(root / Workspace.gate)
    for name in study_names(root):
        read_study(root, name)
    typer.echo("params.yaml, gate.yaml and studies/ are valid")


def run() -> None:
    """Run the command; print an error that the user can fix on one line and exit with code 2."""
    try:
        app()
    except TonegapError as error:
        typer.echo(f"tonegap: error: {one_line(error)}", err=True)
        sys.exit(_USER_ERROR)
    except KeyboardInterrupt:
        typer.echo("tonegap: interrupted", err=True)
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
