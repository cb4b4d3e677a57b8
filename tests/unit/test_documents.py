"""Documents say what is there."""

from __future__ import annotations

import csv
import re
import subprocess

import pytest
from ruamel.yaml import YAML
from tree_map import END, START, tree_map

from tonegap.files import layout


def tracked(repository) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.splitlines() if (repository / name).is_file()]


def test_the_readme_maps_the_tree(repository):
    """Every file of the product has its line, and no line is of a file that has gone."""
    readme = (repository / "README.md").read_text()
    written = readme[readme.index(START) : readme.index(END) + len(END)]
    assert written == tree_map(repository), "run `make map`"


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
    others = ("PARAMS", "LISTS", "PRIVATE", "PRIVATE_EXAMPLES", "REPORT")
    places = {
        value.as_posix()
        for name, value in vars(layout).items()
        if name.isupper() and name not in others
    }
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
