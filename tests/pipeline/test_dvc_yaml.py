"""dvc.yaml says what the stages really import: DVC reruns by what it says."""

from __future__ import annotations

from pathlib import Path

import grimp
import pytest
from ruamel.yaml import YAML

STAGES = ("fetch", "hash", "filter", "prepare", "split", "train", "evaluate", "figures", "report")


@pytest.fixture(scope="module")
def stages(repository: Path) -> dict:
    return YAML(typ="safe").load((repository / "dvc.yaml").read_text())["stages"]


@pytest.fixture(scope="module")
def graph(repository: Path) -> grimp.ImportGraph:
    return grimp.build_graph("tonegap", cache_dir=None)


def _path(module: str, root: Path) -> str:
    stem = Path("src", *module.split("."))
    package = stem / "__init__.py"
    return (package if (root / package).is_file() else stem.with_suffix(".py")).as_posix()


def _imported(graph: grimp.ImportGraph, stage: str, root: Path) -> set[str]:
    """Files that importing the stage runs: its modules and the packages they lie in."""
    start = f"tonegap.stages.{stage}"
    modules = graph.find_upstream_modules(start) | {start}
    packages = {
        ".".join(parts[:depth])
        for module in modules
        for parts in [module.split(".")]
        for depth in range(2, len(parts))
    }
    # tonegap/__init__.py holds the version only, which must not rerun anything.
    return {_path(module, root) for module in modules | packages if module != "tonegap"}


def _code(deps: list) -> list[str]:
    return [dep for dep in deps if isinstance(dep, str) and dep.startswith("src/")]


def _covers(dep: str, file: str) -> bool:
    return file == dep or file.startswith(dep.rstrip("/") + "/")


def test_stages_are_the_known_ones(stages: dict):
    """The pipeline has the stages that the command knows, in this order."""
    assert tuple(stages) == STAGES


@pytest.mark.parametrize("stage", STAGES)
def test_every_imported_module_is_a_dependency(stages, graph, repository, stage):
    """An edit of any module that a stage imports reruns that stage."""
    deps = _code(stages[stage]["deps"])
    missing = sorted(
        file
        for file in _imported(graph, stage, repository)
        if not any(_covers(dep, file) for dep in deps)
    )
    assert not missing, f"add to deps of {stage}: {missing}"


@pytest.mark.parametrize("stage", STAGES)
def test_every_dependency_is_imported(stages, graph, repository, stage):
    """A stage does not rerun for a module that it does not import."""
    imported = _imported(graph, stage, repository)
    needless = [
        dep
        for dep in _code(stages[stage]["deps"])
        if dep.endswith(".py") and not any(_covers(dep, file) for file in imported)
    ]
    assert not needless, f"remove from deps of {stage}: {needless}"


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_says_what_it_does(stages, stage):
    """`dvc stage list` shows a sentence for each stage."""
    assert len(stages[stage]["desc"]) > 20
