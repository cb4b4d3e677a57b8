"""Documents say what is there."""

from __future__ import annotations

import csv
import re
import subprocess

import pytest
import typer
from ruamel.yaml import YAML
from tree_map import END, PAGE, START, tree_map

from tonegap.cli.app import app
from tonegap.workspace import Workspace


def tracked(repository) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.splitlines() if (repository / name).is_file()]


def test_the_map_is_of_the_tree(repository):
    """Every file of the product has its line, and no line is of a file that has gone."""
    page = (repository / PAGE).read_text()
    written = page[page.index(START) : page.index(END) + len(END)]
    assert written == tree_map(repository), "run `make map`"


def _code(repository) -> list[tuple[str, str]]:
    """Lines of code in the pages, with the page's name."""
    lines = []
    for name in tracked(repository):
        if name.endswith(".md"):
            text = (repository / name).read_text()
            for code in re.findall(r"```.*?```|`[^`]+`", text, re.DOTALL):
                lines += [(name, line.strip("` ")) for line in code.split("\n")]
    return lines


def _missing(command, words: list[str]) -> str:
    """Say which word or option of a command line does not exist; empty if all do."""
    while words and (below := getattr(command, "commands", None)) is not None:
        if words[0].startswith("-"):
            break
        if words[0] not in below:
            return words[0]
        command, words = below[words[0]], words[1:]
    known = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
    return next((word for word in words if word.startswith("--") and word not in known), "")


def test_every_command_that_a_page_names_exists(repository):
    """Commands and options in README, CONTRIBUTING and docs are ones that answer."""
    command = typer.main.get_command(app)
    named = 0
    for page, line in _code(repository):
        for words in re.findall(r"(?:^|[;&|] *|= )tonegap((?: [^\s#;&|`\[]+)+)", line):
            named += 1
            assert not (missing := _missing(command, words.split())), f"{page}: {line}: {missing}"
    assert named > 10, "the pages name commands; the search no longer finds them"


def test_every_make_target_that_a_page_names_exists(repository):
    """`make x` in a page is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (repository / "Makefile").read_text(), re.MULTILINE))
    named = [(page, target) for page, line in _code(repository)
             for target in re.findall(r"^make ([a-z-]+)", line)]  # fmt: skip
    assert named
    for page, target in named:
        assert target in targets, f"{page}: make {target}"


def test_links_lead_somewhere(repository):
    """Relative links of every page name files of the repository."""
    for name in tracked(repository):
        if not name.endswith(".md"):
            continue
        page = repository / name
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{name}: {target}"


def test_every_artifact_is_described_and_made(repository):
    """docs/artifacts.csv, dvc.yaml and the layout name the same files."""
    with (repository / "docs/artifacts.csv").open() as stream:
        described = {row["path"]: row["stage"] for row in csv.DictReader(stream)}
    stages = YAML(typ="safe").load((repository / "dvc.yaml").read_text())["stages"]
    made = {"data/annotations.csv": "data.dvc"}
    for stage, entry in stages.items():
        for kind in ("outs", "metrics", "plots"):
            for item in entry.get(kind, []):
                made[item if isinstance(item, str) else next(iter(item))] = stage
    collected = {path: stage for path, stage in described.items() if stage == "study collect"}
    assert described == made | collected
    others = {
        *(
            "params.yaml",
            "dvc.yaml",
            "data.dvc",
            "images.txt",
            "studies",
            "audits",
            "metrics/planted.json",
            "metrics/noise.json",
        ),
        *("lists", "private", "private/study_examples.npz", "data/missing.csv"),
        *("docs/deviations.md", "dvc.lock", "gate.yaml", "metrics/noise.json"),
    }
    names = (name for name in vars(Workspace) if not name.startswith("_"))
    places = {getattr(Workspace, name).as_posix() for name in names} - others
    for place in places:
        assert any(path == place or path.startswith(f"{place}/") for path in described), place


@pytest.mark.parametrize("forbidden", ["/root/", "/home/", "C:\\Users"])
def test_no_path_of_a_machine_is_tracked(repository, forbidden):
    """What is committed works on every machine."""
    for name in tracked(repository):
        if name.startswith(("src/", "docs/", "studies/")) or "/" not in name:
            text = (repository / name).read_bytes()
            assert forbidden.encode() not in text, name


def test_no_photograph_is_tracked(repository):
    """Pictures in git are PNG or SVG drawn by the pipeline, never photographs."""
    suffixes = (".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".heic")
    assert [name for name in tracked(repository) if name.lower().endswith(suffixes)] == []
