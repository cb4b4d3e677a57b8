"""``tonegap bench``: measure speed on this machine."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Choice(StrEnum):
    """Values of ``train.compile``."""

    AUTO = "auto"
    OFF = "off"
    ON = "on"


app = typer.Typer(help="Measure speed on this machine.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Measure speed on this machine."""


@app.command("train")
def train(
    study: Annotated[
        str | None, typer.Option(help="Take the parameters of this study, such as `paper`.")
    ] = None,
    steps: Annotated[
        int, typer.Option(min=1, help="Steps to measure, after three warm-up steps.")
    ] = 10,
    batch_size: Annotated[
        int | None, typer.Option(min=2, help="Images per step, instead of the parameters'.")
    ] = None,
    deterministic: Annotated[
        bool | None,
        typer.Option(help="Deterministic algorithms, instead of the parameters' choice."),
    ] = None,
    compile_: Annotated[
        Choice | None,
        typer.Option("--compile", help="torch.compile, instead of the parameters' choice."),
    ] = None,
) -> None:
    """Time training steps on synthetic images with random features of the same cost.

    `auto` compiles and caches features if training all models of the study in one process
    (`--engine inprocess`) would. Whole models: benchmarks/train.py --whole-models.
    """
    import dataclasses  # noqa: PLC0415

    from tonegap.files.parameters import read_params  # noqa: PLC0415
    from tonegap.files.weights import resolve_weights  # noqa: PLC0415  torch loads slowly
    from tonegap.profiling.bench import measure_training  # noqa: PLC0415
    from tonegap.study.files import read_study  # noqa: PLC0415
    from tonegap.training.precision import choose_arithmetic  # noqa: PLC0415
    from tonegap.workspace import Workspace  # noqa: PLC0415

    planned = read_study(Path(), study) if study else None
    params = planned.cells[0].params if planned else read_params(Workspace.params)
    models = len(planned.cells) if planned else 1
    network = params.train.perceptual_network
    asked = {
        "batch_size": batch_size,
        "deterministic": deterministic,
        "compile": None if compile_ is None else compile_.value,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    settings = params.train.model_copy(update=given)
    speed = measure_training(
        params.model,
        settings,
        params.data.image_size,
        choose_arithmetic(params.train.device, params.train.precision),
        resolve_weights(network, "random") if params.train.perceptual_scale > 0 else None,
        steps=steps,
        draws=max(params.data.n_train, settings.batch_size),
        runs=models,
    )
    for name, value in dataclasses.asdict(speed).items():
        typer.echo(f"{name:<21} {value:.4g}" if isinstance(value, float) else f"{name:<21} {value}")
    hours = speed.hours(models, params.data.n_train * params.train.epochs)
    of = "1 model" if models == 1 else f"{models} models"
    typer.echo(f"{'extrapolated':<21} {hours:.3g} h for the training steps of {of}")
