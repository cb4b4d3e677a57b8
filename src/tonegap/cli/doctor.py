"""``tonegap doctor``."""

from __future__ import annotations

from pathlib import Path

import typer


def doctor() -> None:
    """Check git, DVC, disk, device, weights and image store; advise what to do."""
    from tonegap.doctor import examine  # noqa: PLC0415

    good = True
    for finding in examine(Path()):
        good &= finding.good
        mark = "ok  " if finding.good else "FAIL"
        # The name of a folder may be invalid UTF-8, which Python refuses to print.
        detail = finding.detail.encode(errors="backslashreplace").decode()
        typer.echo(f"{mark}  {finding.topic:<18}  {detail}")
    if not good:
        raise typer.Exit(1)
