"""``tonegap study``: plan, run, watch, collect and tidy up studies."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tonegap.study.plan import Study
    from tonegap.study.run import Engine
    from tonegap.study.state import CellState

app = typer.Typer(help="Run many models as DVC experiments.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A study: the name of a file in studies/.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", "-S", help="Override a parameter in every run: key=value, as YAML."),
]


class EngineName(StrEnum):
    """How the runs are executed."""

    local = "local"
    inprocess = "inprocess"
    slurm = "slurm"


@app.command("run")
def run(
    name: Name,
    engine: Annotated[EngineName, typer.Option(help="How to run the cells.")] = EngineName.local,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Runs at once.")] = 1,
    override: Set = None,
) -> None:
    """Run what is missing of a study; repeat after any interruption."""
    from tonegap.study.run import run_study  # noqa: PLC0415

    study = _study(name, override)
    done = 0

    def report(outcome: Any) -> None:
        nonlocal done
        done += 1
        text = "failed: " + outcome.reason if outcome.reason else f"done in {outcome.seconds:.0f} s"
        typer.echo(f"{outcome.cell.name} {text}")

    states = run_study(study, _engine(engine, jobs), report)
    _print_states(states, only_open=True)
    failed = [state for state in states if state.status != "done"]
    typer.echo(f"{len(states) - len(failed)} of {len(states)} runs of {name} are done")
    if failed:
        raise typer.Exit(1)


@app.command("status")
def status(name: Name, override: Set = None) -> None:
    """Show which runs are done, running, failed or missing, and why."""
    from tonegap.study.records import study_state  # noqa: PLC0415

    states = study_state(_study(name, override))
    _print_states(states, only_open=False)
    counts: dict[str, int] = {}
    for state in states:
        counts[state.status] = counts.get(state.status, 0) + 1
    typer.echo(", ".join(f"{count} {status}" for status, count in sorted(counts.items())))


@app.command("collect")
def collect(
    name: Name,
    partial: Annotated[bool, typer.Option(help="Collect what is done, though runs miss.")] = False,
    override: Set = None,
) -> None:
    """Bring a study's experiments together in tables that git tracks."""
    from tonegap.study.collect import collect_study  # noqa: PLC0415
    from tonegap.study.records import study_state  # noqa: PLC0415

    study = _study(name, override)
    for line in collect_study(study, study_state(study), partial=partial):
        typer.echo(line)
    typer.echo("now run `dvc repro` for figures and report, and commit them with the tables")


@app.command("clean")
def clean(
    name: Name,
    experiments: Annotated[
        bool, typer.Option(help="Remove the study's experiments too, results included.")
    ] = False,
) -> None:
    """Remove what killed runs left behind; on request the experiments as well."""
    from tonegap.study.clean import clean_study  # noqa: PLC0415

    for line in clean_study(_study(name, None), results=experiments):
        typer.echo(line)


def _study(name: str, override: list[str] | None) -> Study:
    from tonegap.errors import ParameterError  # noqa: PLC0415
    from tonegap.files.parameters import parse_value  # noqa: PLC0415
    from tonegap.study.files import read_study  # noqa: PLC0415

    extra = {}
    for text in override or ():
        key, equals, value = text.partition("=")
        if not equals:
            raise ParameterError(f"--set {text!r} has another form than key=value")
        extra[key.strip()] = parse_value(value)
    return read_study(name, extra)


def _engine(name: EngineName, jobs: int) -> Engine:
    from tonegap.files.layout import PARAMS  # noqa: PLC0415
    from tonegap.files.parameters import read_yaml  # noqa: PLC0415

    base = read_yaml(PARAMS)
    if name is EngineName.inprocess:
        from tonegap.study.inprocess import InProcessEngine  # noqa: PLC0415

        return InProcessEngine(_announce)
    if name is EngineName.slurm:
        from tonegap.study.slurm import SlurmEngine  # noqa: PLC0415

        return SlurmEngine(jobs, base, _announce)
    from tonegap.study.local import LocalEngine  # noqa: PLC0415
    from tonegap.study.run import visible_gpus  # noqa: PLC0415

    return LocalEngine(jobs, base, visible_gpus(), _announce)


def _announce(cell: Any) -> None:
    typer.echo(f"{cell.name} started")


def _print_states(states: list[CellState], *, only_open: bool) -> None:
    width = max(len(state.cell.name) for state in states)
    for state in states:
        if only_open and state.status == "done":
            continue
        detail = state.commit[:10] if state.commit else state.reason
        typer.echo(f"{state.cell.name:<{width}}  {state.status:<8}  {detail}".rstrip())
