"""``tonegap calibrate``: measure how often the study's tests err when the truth is known."""

from __future__ import annotations

import contextlib
import functools
import gc
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    import pandas as pd

    from tonegap.calibration.simulated import Calibration

Model = Literal["pca"]
EVERY = "all"
_CHUNK = 10
"""Studies per task of a process: a second of work."""


def calibrate(
    model: Annotated[
        Model | None,
        typer.Option(help="Train this model on phantoms instead of simulating errors."),
    ] = None,
    recipe: Annotated[
        list[str] | None,
        typer.Option(help="The planted effect, by default `no_effect`; may be repeated, or `all`."),
    ] = None,
    design: Annotated[
        str, typer.Option(help="Study whose sizes to use: phantom, pilot or paper.")
    ] = "phantom",
    studies: Annotated[
        int,
        typer.Option(min=2, help="Simulated studies per recipe; 1,000 distinguish 5 % from 6.5 %."),
    ] = 1000,
    effect: Annotated[
        float, typer.Option(min=0.001, max=10.0, help="Relative change of the planted error.")
    ] = 0.1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every draw.")] = 0,
    processes: Annotated[
        int, typer.Option(min=1, help="Number of processes; changes the time, never the numbers.")
    ] = 1,
    output: Annotated[
        Path | None, typer.Option(help="CSV file for the table of contrasts.")
    ] = None,
) -> None:
    """Measure rejection, power and coverage of the study's tests when the truth is known.

    By default, errors are drawn from a distribution and no model is trained; ``--model pca``
    trains PCA on phantoms. Both are assessed by the functions that assess a real study.
    ``--design`` and ``--effect`` apply to simulated errors only.
    """
    if model is not None:
        _calibrate_trained(recipe or ["no_effect"], studies, seed, processes, output)
        return
    from tonegap.calibration.simulated import DESIGNS, RECIPES, planted  # noqa: PLC0415
    from tonegap.calibration.simulated import calibrate as measure  # noqa: PLC0415
    from tonegap.files.tables import write_csv  # noqa: PLC0415

    recipes = _known_recipes(recipe or ["no_effect"], RECIPES)
    _require_known(design, DESIGNS, "design")
    _require_folder(output)
    scenarios = [planted(DESIGNS[design], name, effect) for name in recipes]
    with _mapping(processes, studies * len(scenarios)) as over:
        found = measure(scenarios, studies, seed, over)
    _print(found, recipes, effect)
    if output is not None:
        write_csv(found.contrasts, output)


def _calibrate_trained(
    names: list[str], studies: int, seed: int, processes: int, output: Path | None
) -> None:
    from tonegap.calibration.planted import RECIPES  # noqa: PLC0415
    from tonegap.cli.calibrate_trained import calibrate_trained  # noqa: PLC0415

    recipes = _known_recipes(names, RECIPES)
    _require_folder(output)
    with _mapping(processes, studies * len(recipes)) as over:
        calibrate_trained(recipes, studies, seed, over, output)


def _known_recipes(names: list[str], known: Iterable[str]) -> list[str]:
    if EVERY in names:
        return list(known)
    for name in names:
        _require_known(name, known, "recipe")
    return list(dict.fromkeys(names))


def _require_known(name: str, known: Iterable[str], what: str) -> None:
    from tonegap.errors import ParameterError  # noqa: PLC0415
    from tonegap.nearest import nearest  # noqa: PLC0415

    if name not in known:
        raise ParameterError(f"there is no {what} {name!r} to simulate; {nearest(name, known)}")


def _require_folder(output: Path | None) -> None:
    """Check before the work that its result can be written."""
    from tonegap.errors import ParameterError  # noqa: PLC0415

    if output is not None and (output.is_dir() or not output.absolute().parent.is_dir()):
        raise ParameterError(
            f"--output {output} is a folder, or its folder does not exist, so the table "
            "could not be written at the end; name a file in a folder that exists"
        )


@contextlib.contextmanager
def _mapping(processes: int, length: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """Return a ``map`` that shows its progress and may use several processes."""
    from tonegap.parallel import in_order  # noqa: PLC0415

    with contextlib.ExitStack() as stack:
        _freeze()
        stack.callback(gc.unfreeze)
        bar = stack.enter_context(typer.progressbar(length=length, label="studies", file=_stderr()))

        def over(function: Callable[..., Any], *given: Iterable[Any]) -> Iterator[Any]:
            studies = zip(*given, strict=True)
            apply = functools.partial(_apply, function)
            for result in in_order(
                apply, studies, processes, chunk=_CHUNK, worker="that draws studies", setup=_freeze
            ):
                bar.update(1)
                yield result

        yield over


def _apply(function: Callable[..., Any], given: tuple[Any, ...]) -> Any:
    return function(*given)


def _freeze() -> None:
    """Exempt imported modules from garbage collection.

    statsmodels' correction for many tests collects garbage at every call; without this, looking
    through all modules takes nine tenths of a simulated study's time.
    """
    import tonegap.calibration.simulated  # noqa: F401, PLC0415 - to be imported before

    gc.freeze()


def _stderr() -> Any:
    import sys  # noqa: PLC0415

    return sys.stderr


def _print(found: Calibration, recipes: list[str], effect: float) -> None:
    from tonegap.calibration.simulated import RECIPES  # noqa: PLC0415

    typer.echo("All errors are simulated: no model was trained, no image was drawn.")
    for name in recipes:
        rows = found.contrasts[found.contrasts["scenario"].str.endswith(f"/{name}")]
        verdicts = found.claims[found.claims["scenario"].str.endswith(f"/{name}")]
        typer.echo(f"\n{rows['scenario'].iloc[0]}: {RECIPES[name]} (effect {effect:g})")
        typer.echo(_contrasts(rows).to_string(index=False, na_rep="-"))
        typer.echo(_verdicts(verdicts))
        typer.echo(_rejection(rows))
        typer.echo(_coverage(rows))
        typer.echo(_run_means(rows))
    typer.echo(
        "\nPaired and Welch t: the paper's reading, tests on run means. Single contrasts at .05, "
        "before Holm. Tests of sigma_auc by mix are of equivalence: rejection means within the "
        "margin, and a rate below the band is not a fault."
    )


def _contrasts(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the columns to print, with rates in per cent."""
    shown = rows[["measure", "contrast", "truth"]].assign(truth=rows["truth"].map("{:+.4f}".format))
    shown["rejected %"] = (100.0 * rows["rejected"]).map("{:.1f}".format)
    shown["band"] = rows["rejection_is"]
    shown["covered %"] = (100.0 * rows["covered"]).map("{:.1f}".format)
    shown["93-97"] = rows["coverage_is"]
    for name, title in (("paired", "paired t %"), ("welch", "Welch t %")):
        rates = 100.0 * rows[f"rejected_{name}"]
        shown[title] = rates.map("{:.1f}".format).where(rates.notna(), "-")
    return shown


def _rejection(rows: pd.DataFrame) -> str:
    """Report in one line which true nulls are rejected too often or too rarely."""
    nulls = rows[rows["null_is_true"]]
    if nulls.empty:
        return "Rejection: no line of the table is a true null."
    first = nulls.iloc[0]
    low, high, all_low, all_high = (
        100.0 * float(first[name]) for name in ("band_low", "band_high", "all_low", "all_high")
    )
    beyond = nulls[nulls["rejection_is"].isin(("below", "above"))]
    edge = nulls[nulls["rejection_is"] == "edge"]
    return (
        f"Rejection of {len(nulls)} true nulls in {first['studies']} studies, binomial band "
        f"{low:.1f}-{high:.1f} % (one in twenty leaves it by chance), {all_low:.1f}-{all_high:.1f} "
        f"% for all at once: {_named(beyond, 'rejected')} outside the second, "
        f"{_named(edge, 'rejected')} outside the first only."
    )


def _coverage(rows: pd.DataFrame) -> str:
    """Report in one line which intervals cover the truth too rarely or too often."""
    from tonegap.calibration.rates import COVERAGE_GOAL  # noqa: PLC0415
    from tonegap.calibration.simulated import COVERAGE  # noqa: PLC0415

    studies = int(rows["studies"].iloc[0])
    error = 196.0 * (COVERAGE * (1.0 - COVERAGE) / studies) ** 0.5
    low, high = (100.0 * bound for bound in COVERAGE_GOAL)
    outside = rows[rows["coverage_is"] != "in"]
    return (
        f"Coverage of {len(rows)} intervals: {_named(outside, 'covered')} outside {low:.0f}-"
        f"{high:.0f} % (counting {studies} studies leaves an error of {error:.1f} points)."
    )


def _run_means(rows: pd.DataFrame) -> str:
    """Report in one line how often tests on run means reject the same true nulls."""
    nulls = rows[rows["null_is_true"]]
    ranges = [
        f"{title} {100.0 * rates.min():.1f}-{100.0 * rates.max():.1f} %"
        for name, title in (("paired", "paired t"), ("welch", "Welch's t"))
        for rates in [nulls[f"rejected_{name}"].dropna()]
        if not rates.empty
    ]
    return "Tests on run means, of the same true nulls: " + (", ".join(ranges) or "none") + "."


def _named(rows: pd.DataFrame, rate: str) -> str:
    """Count lines and name them with their rates, in per cent."""
    if rows.empty:
        return "none"
    names = (
        f"{row['contrast']} of {row['measure']} {100.0 * row[rate]:.1f} %"
        for row in rows.to_dict("records")
    )
    return f"{len(rows)} ({', '.join(names)})"


def _verdicts(rows: pd.DataFrame) -> str:
    lines = [
        f"{row['claim']}: supported {100 * row['supported']:.1f} %, undecided "
        f"{100 * row['undecided']:.1f} %, contradicted {100 * row['contradicted']:.1f} %"
        for row in rows.to_dict("records")
    ]
    error = 100.0 * float(rows["family_error"].iloc[0])
    return "\n".join([*lines, f"Any true null rejected after Holm: {error:.1f} %"])
