"""``tonegap calibrate --model pca``: whole studies of trained PCA on phantoms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

    from tonegap.files.calibration_store import TrainedCalibration

N_PER_GROUP = 32_000
"""Phantoms of each group in a population; a cohort takes 542 of them, or 1,939."""

SHOWN = ("estimator", "holds", "truth", "mean", "bias_se", "rejected", "covered")
PRIMARIES = ("own_share_effect", "gap_overall")


def calibrate_trained(
    recipes: list[str],
    studies: int,
    seed: int,
    over: Callable[..., Iterable[Any]],
    output: Path | None,
) -> None:
    """Draw whole studies of each recipe and print, and write, the rates.

    Trained studies are stored in the user's cache, so a repeated call trains only the missing
    ones and assesses all. The output is written after every recipe.
    """
    import pandas as pd  # noqa: PLC0415

    from tonegap.files.cache import user_cache  # noqa: PLC0415
    from tonegap.files.calibration_store import TrainedCalibration  # noqa: PLC0415
    from tonegap.files.tables import write_csv  # noqa: PLC0415

    tables: list[pd.DataFrame] = []
    for name in recipes:
        calibration = TrainedCalibration(user_cache() / "calibration", name, N_PER_GROUP, seed)
        tables.append(_rates(calibration, studies, over))
        _print(tables[-1], name)
        if output is not None:
            write_csv(pd.concat(tables, ignore_index=True), output)


def _rates(
    calibration: TrainedCalibration, studies: int, over: Callable[..., Iterable[Any]]
) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415

    from tonegap.calibration.rates import rates  # noqa: PLC0415
    from tonegap.files.calibration_store import assess_study  # noqa: PLC0415

    truth = calibration.truth()
    found = over(assess_study, [calibration] * studies, range(studies))
    return rates(pd.concat(found, ignore_index=True), truth, calibration.recipe)


def _print(table: pd.DataFrame, recipe: str) -> None:
    from tonegap.calibration.planted import RECIPES  # noqa: PLC0415

    typer.echo(f"\n{recipe}: {RECIPES[recipe].why} ({table['studies'].iloc[0]} studies)")
    typer.echo(table[list(SHOWN)].round(4).to_string(index=False))
    typer.echo("rejected is power if the effect is planted or follows, else false alarms.")
    for row in table[table["estimator"].isin(PRIMARIES)].to_dict("records"):
        typer.echo(_primary(row))


def _primary(row: dict[Any, Any]) -> str:
    """Say whether a primary contrast's rates are what a test at 5 % promises."""
    from tonegap.calibration.rates import COVERAGE_GOAL, REJECTION_GOAL, place  # noqa: PLC0415

    def judged(rate: str, goal: tuple[float, float]) -> str:
        low, high = (100.0 * bound for bound in goal)
        where = place(row[rate], goal, row["studies"])
        return f"{100.0 * row[rate]:.1f} % ({where} {low:.0f}-{high:.0f})"

    found = f"the effect is found in {100.0 * row['rejected']:.1f} %"
    if row["holds"] == "none":
        found = f"the true null is rejected in {judged('rejected', REJECTION_GOAL)}"
    return (
        f"{row['estimator']}: {found}, the truth is covered in {judged('covered', COVERAGE_GOAL)}"
    )
