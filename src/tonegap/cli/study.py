"""``tonegap study``: plan, run, watch, collect and tidy up studies."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tonegap.study.cluster_engine import Queue
    from tonegap.study.plan import Study
    from tonegap.study.run import Engine
    from tonegap.study.state import CellState

app = typer.Typer(help="Run many models as DVC experiments.", no_args_is_help=True)

_ROOT = Path()  # commands run at the root of a repository
_REFRESH_S = 2.0
_INTERRUPTED = 130

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


class Cluster(StrEnum):
    """Where the slurm engine's jobs run."""

    slurm = "slurm"
    local = "local"


@dataclass(frozen=True)
class Site:
    """Options of the slurm engine alone: see ``tonegap study run --help``."""

    hub: str | None
    scratch: str | None
    options: tuple[str, ...]
    cluster: Cluster | None


@app.command("run")
def run(
    name: Name,
    engine: Annotated[EngineName, typer.Option(help="How to run the cells.")] = EngineName.local,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, help="Number of concurrent runs.")
    ] = 1,
    override: Set = None,
    hub: Annotated[
        str | None,
        typer.Option(
            help="slurm: git repository, with a DVC remote in its configuration, that the jobs "
            "clone and push to; without it, the nodes must share this clone and its cache."
        ),
    ] = None,
    scratch: Annotated[
        str | None, typer.Option(help="slurm: folder on the nodes for the jobs' clones.")
    ] = None,
    slurm: Annotated[
        list[str] | None,
        typer.Option(
            help="slurm: an option of sbatch as key=value, such as partition=gpu, gpus_per_node=1 "
            "or time=120 (minutes; 24 hours without it). Repeatable."
        ),
    ] = None,
    cluster: Annotated[
        Cluster | None,
        typer.Option(help="slurm: `local` runs the jobs as processes here, to try things out."),
    ] = None,
) -> None:
    """Run the missing cells of a study; repeat after any interruption."""
    from tonegap.files.at_hand import images_at_hand  # noqa: PLC0415
    from tonegap.study.run import run_study  # noqa: PLC0415
    from tonegap.workspace import Workspace  # noqa: PLC0415

    site = Site(hub, scratch, tuple(slurm or ()), cluster)
    study = _study(name, override)
    if (_ROOT / Workspace.annotations).is_file():  # else the first run brings it
        typer.echo(f"runs will see {images_at_hand(_ROOT)}")
    done = 0

    def report(outcome: Any) -> None:
        nonlocal done
        done += 1
        text = "failed: " + outcome.reason if outcome.reason else f"done in {outcome.seconds:.0f} s"
        typer.echo(f"{outcome.cell.name} {text}")

    try:
        states = run_study(_ROOT, study, _engine(engine, jobs, study, site), report)
    except KeyboardInterrupt:
        typer.echo(f"interrupted; `tonegap study run {name}` runs the missing ones", err=True)
        raise typer.Exit(_INTERRUPTED) from None
    failed = [state for state in states if state.status != "done"]
    for line in _lines(failed):
        typer.echo(line)
    typer.echo(f"{len(states) - len(failed)} of {len(states)} runs of {name} are done")
    if failed:
        raise typer.Exit(1)


@app.command("status")
def status(
    name: Name,
    override: Set = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Refresh until nothing is running.")
    ] = False,
) -> None:
    """Show which runs are done, running, failed or missing, and why."""
    from tonegap.study.records import study_state  # noqa: PLC0415
    from tonegap.study.repeats import repetitive_runs  # noqa: PLC0415

    study = _study(name, override)
    if watch:
        _watch(study)
        return
    states = study_state(_ROOT, study)
    typer.echo("\n".join(_table(states)))
    for warning in repetitive_runs(_ROOT, states):
        typer.echo(f"warning: {warning}")


@app.command("collect")
def collect(
    name: Name,
    partial: Annotated[
        bool, typer.Option(help="Collect the finished runs even if others are missing.")
    ] = False,
    where: Annotated[
        list[str] | None,
        typer.Option(help="Choose runs by key=value, if the grid has more than mixes and seeds."),
    ] = None,
    override: Set = None,
) -> None:
    """Collect a study's experiments into tables that git tracks."""
    from tonegap.study.choice import runs_where  # noqa: PLC0415
    from tonegap.study.collect import collect_study  # noqa: PLC0415
    from tonegap.study.files import twin_of  # noqa: PLC0415
    from tonegap.study.records import study_state  # noqa: PLC0415

    study = _study(name, override)
    states = study_state(_ROOT, study)
    if twin := twin_of(_ROOT, name, "equal"):
        states += _finished(twin, override, "joined", partial=partial)
    retrained: list[CellState] = []
    if twin := twin_of(_ROOT, name, "retrained"):
        retrained = _finished(twin, override, "taken along", partial=partial)
    chosen = runs_where(states, _pairs("--where", where or ()))
    for line in collect_study(_ROOT, study, chosen, retrained, partial=partial):
        typer.echo(line)
    typer.echo("now run `dvc repro` for figures and report, and commit them with the tables")


def _finished(
    twin: str, override: list[str] | None, taken: str, *, partial: bool
) -> list[CellState]:
    """Return the finished runs of a twin, and say if they are enough to be taken."""
    from tonegap.study.records import study_state  # noqa: PLC0415

    states = study_state(_ROOT, _study(twin, override))
    finished = [state for state in states if state.status == "done"]
    enough = len(finished) == len(states) or partial
    counted = f"{twin}: {len(finished)} of {len(states)} runs are done"
    typer.echo(f"{counted}, {taken}" if enough else f"{counted}; results that need them wait")
    return finished if enough else []


@app.command("noise")
def noise(
    name: Annotated[
        str, typer.Argument(help="A study whose grid varies train.seed alone.")
    ] = "noise",
) -> None:
    """Write how much each metric scatters over training seeds, for pull requests to compare."""
    from tonegap.digits import json_value  # noqa: PLC0415
    from tonegap.files.tables import write_json  # noqa: PLC0415
    from tonegap.study.noise import measure_noise  # noqa: PLC0415
    from tonegap.study.records import study_state  # noqa: PLC0415
    from tonegap.workspace import Workspace  # noqa: PLC0415

    study = _study(name, None)
    measured = measure_noise(_ROOT, study, study_state(_ROOT, study))
    write_json(json_value(measured), _ROOT / Workspace.noise)
    count = measured["design"]["n"]
    typer.echo(f"{Workspace.noise}: {len(measured['metrics'])} metrics over {count} runs")


@app.command("clean")
def clean(
    name: Name,
    experiments: Annotated[
        bool, typer.Option(help="Remove the study's experiments too, results included.")
    ] = False,
) -> None:
    """Remove the leftovers of killed runs; on request the experiments as well."""
    from tonegap.study.clean import clean_study  # noqa: PLC0415

    for line in clean_study(_ROOT, _study(name, None), results=experiments):
        typer.echo(line)


def _study(name: str, override: list[str] | None) -> Study:
    from tonegap.files.repository import require_own_repository  # noqa: PLC0415
    from tonegap.study.files import read_study  # noqa: PLC0415

    study = read_study(_ROOT, name, _pairs("--set", override or ()))
    require_own_repository(_ROOT)
    return study


def _pairs(option: str, texts: Sequence[str]) -> dict[str, Any]:
    from tonegap.errors import ParameterError  # noqa: PLC0415
    from tonegap.files.parameters import parse_value  # noqa: PLC0415

    pairs = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise ParameterError(f"{option} {text!r} is not of the form key=value")
        pairs[key.strip()] = parse_value(value)
    return pairs


def _engine(name: EngineName, jobs: int, study: Study, site: Site) -> Engine:
    from tonegap.files.parameters import read_yaml  # noqa: PLC0415
    from tonegap.workspace import Workspace  # noqa: PLC0415

    base = read_yaml(Workspace.params)
    if name in _QUEUES:
        from tonegap.study.cluster_engine import ClusterEngine  # noqa: PLC0415

        queue = _QUEUES[name](jobs, study, site)
        return ClusterEngine(_ROOT, queue, base, _announce, hub=site.hub, scratch=site.scratch)
    if any(vars(site).values()):
        from tonegap.errors import ParameterError  # noqa: PLC0415

        raise ParameterError(
            f"--hub, --scratch, --slurm and --cluster have no meaning for --engine {name}; "
            "did you mean --engine slurm?"
        )
    if name is EngineName.inprocess:
        from tonegap.study.inprocess import InProcessEngine  # noqa: PLC0415

        return InProcessEngine(_ROOT, study, _announce)
    from tonegap.study.local import LocalEngine  # noqa: PLC0415
    from tonegap.study.run import visible_gpus  # noqa: PLC0415

    return LocalEngine(
        _ROOT, study.name, jobs, base=base, devices=visible_gpus(), started=_announce
    )


def _slurm_queue(jobs: int, study: Study, site: Site) -> Queue:
    from tonegap.study.records import jobs_folder  # noqa: PLC0415
    from tonegap.study.submitit_queue import SubmititQueue  # noqa: PLC0415

    options = _pairs("--slurm", site.options)
    folder = jobs_folder(_ROOT, study.name)
    return SubmititQueue(folder, site.cluster or Cluster.slurm, jobs, options)


_QUEUES = {EngineName.slurm: _slurm_queue}
"""Engines that hand cells to a cluster's scheduler: another one is its queue and a row here."""


def _announce(cell: Any) -> None:
    typer.echo(f"{cell.name} started")


def _watch(study: Study) -> None:
    """Refresh the table in place while a process runs the study."""
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from tonegap.study.records import is_running, study_state  # noqa: PLC0415

    with Live(auto_refresh=False) as live:
        running = True
        while running:
            running = is_running(_ROOT, study.name)
            text = "\n".join(_table(study_state(_ROOT, study)))
            live.update(Text(text, no_wrap=True, overflow="ellipsis"), refresh=True)
            if running:
                time.sleep(_REFRESH_S)


def _table(states: Sequence[CellState]) -> list[str]:
    """Return a line per run, and one with the counts."""
    counts = Counter(state.status for state in states)
    return [*_lines(states), ", ".join(f"{n} {status}" for status, n in sorted(counts.items()))]


def _lines(states: Sequence[CellState]) -> list[str]:
    width = max((len(state.cell.name) for state in states), default=0)
    details = [state.commit[:10] if state.commit else state.reason for state in states]
    return [
        f"{state.cell.name:<{width}}  {state.status:<8}  {detail}".rstrip()
        for state, detail in zip(states, details, strict=True)
    ]
