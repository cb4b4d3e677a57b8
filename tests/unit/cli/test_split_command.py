"""``tonegap split``: what it says of the split."""

from __future__ import annotations

from small_cohort import DATA, twelve_images
from tiny_pipeline import write_params
from typer.testing import CliRunner

from tonegap.cli.app import app
from tonegap.pipeline import run_stage
from tonegap.workspace import Workspace


def test_the_command_describes_the_split(repository, tmp_path, monkeypatch):
    """`tonegap split` says by what it was drawn, and what is in it, by group."""
    write_params(repository, tmp_path, {"data": DATA.model_dump()})
    place = Workspace(tmp_path)
    place.split.parent.mkdir()
    twelve_images().to_csv(place.cohort, index=False)
    run_stage("split", place)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["split"])
    assert result.exit_code == 0, result.output
    first, head, *rows = result.output.splitlines()
    assert first == "seed 3, mix mixed, duplicates paper"
    assert head.split() == ["quantity", "light", "dark", "all"]
    numbers = {line.strip().rsplit(maxsplit=3)[0]: line.split()[-3:] for line in rows}
    assert numbers["cohort"] == ["6", "6", "12"]
    assert numbers["test"] == ["2", "2", "4"]
    assert numbers["training draws"] == ["4", "4", "8"]
