"""``tonegap study compare``: what one arm or study changes against another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_FORM = "a study, or a folder or table that `study collect` wrote; :key=value,... chooses runs."


def compare(
    baseline: Annotated[str, typer.Argument(help=f"The baseline: {_FORM}")],
    candidate: Annotated[str, typer.Argument(help=f"The candidate: {_FORM}")],
    out: Annotated[Path, typer.Option(help="Folder for comparison.csv and comparison.svg.")] = Path(
        "comparison"
    ),
) -> None:
    """Compare two arms on the same seeds and test images: how the gap and each error change."""
    from tonegap.errors import StudyError  # noqa: PLC0415
    from tonegap.figures.encoding import svg_bytes  # noqa: PLC0415
    from tonegap.figures.forest import draw_comparison  # noqa: PLC0415
    from tonegap.files.atomic import write_bytes  # noqa: PLC0415
    from tonegap.files.tables import write_csv  # noqa: PLC0415
    from tonegap.statistics.comparison import compare as compared  # noqa: PLC0415
    from tonegap.study.compared import read_source  # noqa: PLC0415

    first, second = (read_source(Path(), text) for text in (baseline, candidate))
    if first.groups != second.groups:
        raise StudyError(
            f"{baseline} compares {first.groups.gap}, {candidate} {second.groups.gap}; two gaps "
            "are compared only between the same groups"
        )
    found = compared(first.images, second.images, first.groups)
    out.mkdir(parents=True, exist_ok=True)
    write_csv(found.table, out / "comparison.csv")
    note = [found.verdict.capitalize() + f": {candidate} against {baseline}."]
    drawing = draw_comparison(found.table, first.groups, note)
    write_bytes(out / "comparison.svg", svg_bytes(drawing.figure))
    typer.echo(found.sentence)
    typer.echo(f"{out / 'comparison.csv'} and comparison.svg hold the numbers and the plot")
