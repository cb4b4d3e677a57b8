"""``tonegap guard``: refuse to push pictures of patients."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def guard(
    revision: Annotated[str, typer.Argument(help="Branch or commit to be pushed.")] = "HEAD",
) -> None:
    """Refuse a push that would carry pictures of patients (`make hooks` lets git call this)."""
    from tonegap.files.pictures import require_private  # noqa: PLC0415
    from tonegap.files.pushed_commits import require_no_pictures  # noqa: PLC0415

    root = Path()
    searched = require_no_pictures(root, revision)
    typer.echo(f"no picture of a patient in the {searched} files that git would push")
    typer.echo(require_private(root))
