"""Write the code that each stage imports into dvc.yaml, and into that of audits: ``make deps``.

DVC reruns a stage when one of its ``deps`` changes. Too few deps keep a stale result, too many
retrain thirty models for a new error class. So the list is the import graph, less the modules in
:data:`DECLARATIONS`, which compute nothing that ends up in a result.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import grimp
from ruamel.yaml import YAML

DECLARATIONS = {
    "tonegap": "holds the version",
    "tonegap.errors": "names and words exceptions",
    "tonegap.params": "names parameters; DVC compares their values",
    "tonegap.workspace": "names paths; DVC compares the files",
    "tonegap.nearest": "words a hint in an error",
}
"""Modules that no stage depends on, and why a change there leaves results as they are."""

AUDITS = "src/tonegap/audits/pipeline.yaml"
"""The stages of audits, of which ``tonegap audit`` makes each audit's own pipeline."""

_ROOT = Path(__file__).parents[2]


def stage_deps(root: Path = _ROOT) -> dict[str, list[str]]:
    """Return the files of code that each stage imports, by stage, sorted."""
    graph = grimp.build_graph("tonegap", cache_dir=None, exclude_type_checking_imports=True)
    stages = sorted(graph.find_children("tonegap.stages"))
    return {
        stage.rpartition(".")[2]: sorted(
            _path(module, root) for module in _imported(graph, stage) - set(DECLARATIONS)
        )
        for stage in stages
    }


def is_code(dep: object) -> bool:
    """Say whether a dep of dvc.yaml is code, not data."""
    return isinstance(dep, str) and dep.startswith("src/tonegap/") and dep.endswith(".py")


def _imported(graph: grimp.ImportGraph, start: str) -> set[str]:
    """Find what importing a module runs: its imports, the packages they lie in, and so on."""
    found: set[str] = set()
    waiting = {start}
    while waiting:
        module = waiting.pop()
        if module in found or module in DECLARATIONS:
            continue
        found.add(module)
        waiting |= graph.find_modules_directly_imported_by(module)
        waiting |= set(_packages(module))
    return found


def _packages(module: str) -> Iterable[str]:
    parts = module.split(".")
    return (".".join(parts[:depth]) for depth in range(1, len(parts)))


def _path(module: str, root: Path) -> str:
    stem = Path("src", *module.split("."))
    package = stem / "__init__.py"
    return (package if (root / package).is_file() else stem.with_suffix(".py")).as_posix()


def main() -> None:
    """Rewrite the pipelines in place; comments, data and everything else stay."""
    yaml = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    code = stage_deps()
    for path in (_ROOT / "dvc.yaml", _ROOT / AUDITS):
        document = yaml.load(path.read_text(encoding="utf-8"))
        for name, stage in document["stages"].items():
            data = [dep for dep in stage["deps"] if not str(dep).startswith("src/")]
            stage["deps"][:] = [*data, *code[name]]
        with path.open("w", encoding="utf-8") as stream:
            yaml.dump(document, stream)


if __name__ == "__main__":
    main()
