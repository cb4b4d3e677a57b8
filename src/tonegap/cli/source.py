"""``tonegap source``: which data set this branch assesses."""

from __future__ import annotations

import typer

app = typer.Typer(help="Choose the data set that this branch assesses.", no_args_is_help=True)
