"""``tonegap verify``: check a bundle that somebody sent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def verify(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A zip of `export bundle`.")],
) -> None:
    """Check a bundle: checksums, files, pictures, and whether its claims are of its runs.

    Exit code 1 if anything is wrong.
    """
    from tonegap.files.bundle_check import check_bundle  # noqa: PLC0415

    failed = False
    for check in check_bundle(bundle):
        failed |= bool(check.problems)
        if not check.problems:
            typer.echo(_printable(f"ok    {check.name}: {check.found}"))
        for problem in check.problems:
            typer.echo(_printable(f"FAIL  {check.name}: {problem}"))
    if failed:
        raise typer.Exit(1)


def _printable(line: str) -> str:
    """Replace what a stranger's bundle could use to forge lines or steer the terminal."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line)
