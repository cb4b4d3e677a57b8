"""``tonegap study compare``: what it reads, refuses and writes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from confounded_study import draw_confounded
from typer.testing import CliRunner

from tonegap.cli.compare import compare
from tonegap.errors import StudyError
from tonegap.groups import LIGHT_AND_DARK, Groups
from tonegap.study import compared
from tonegap.study.compared import read_source
from tonegap.study.records import experiment_ref
from tonegap.workspace import Workspace

GRID = {"data.mix": ["light", "dark"], "data.seed": [0, 1], "train.beta": [1.0, 6.0]}


@pytest.fixture
def collected(tmp_path):
    """Give a folder as `study collect` writes it, with groups of its own."""
    folder = tmp_path / "first"
    folder.mkdir()
    table = draw_confounded(np.random.default_rng(0), tone=0.4)
    table.to_csv(folder / Workspace.study_images.name, index=False)
    groups = Groups("light", "dark", {"light": "FST 1-2", "dark": "FST 4-6"})
    facts = {"settings": {"groups": groups.to_mapping()}}
    (folder / Workspace.study_facts.name).write_text(json.dumps(facts))
    return folder


@pytest.fixture
def study(toy, monkeypatch):
    """Give a study whose runs are done; their tables come from memory instead of DVC's cache."""
    toy.write("studies/toy.yaml", json.dumps({"grid": GRID}))
    toy.commit()
    for cell in toy.study().cells:
        toy.save(cell)
    monkeypatch.setattr(
        compared, "images_of", lambda _root, _study, state: pd.DataFrame({"run": [state.cell.name]})
    )
    return toy


def test_a_collected_folder_gives_its_rows_and_groups(collected) -> None:
    """The folder and its table read the same; keys are columns, with or without ``data.``."""
    whole = read_source(Path(), str(collected))
    assert whole.groups.words["dark"] == "FST 4-6"
    part = read_source(Path(), f"{collected / Workspace.study_images.name}:data.mix=mixed,seed=1")
    assert set(part.images["run"]) == {"mixed-1"}
    assert part.groups == whole.groups


def test_a_study_gives_the_runs_with_its_keys(study) -> None:
    """Keys are dotted parameters; groups of runs from before groups were named are the paper's."""
    found = read_source(study.root, "toy:train.beta=6,data.mix=dark")
    expected = {
        cell.name
        for cell in study.study().cells
        if cell.overrides["train.beta"] == 6.0 and cell.overrides["data.mix"] == "dark"
    }
    assert set(found.images["run"]) == expected
    assert len(expected) == 2
    assert found.groups == LIGHT_AND_DARK


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("toy:train.beta", "is not of the form STUDY:key=value"),
        ("toy:train.beta=2", "no run of toy has train.beta=2; .*6.0"),
        ("toy:train.lr=2", "no run of toy has train.lr=2"),
    ],
)
def test_keys_that_choose_nothing_are_refused(study, text, message) -> None:
    """The message names the key and what there is."""
    with pytest.raises(StudyError, match=message):
        read_source(study.root, text)


def test_unknown_columns_and_values_of_a_table_are_refused(collected) -> None:
    """The message suggests the nearest."""
    with pytest.raises(StudyError, match="no column 'mixx'; did you mean 'mix'"):
        read_source(Path(), f"{collected}:mixx=dark")
    with pytest.raises(StudyError, match="no run with mix=drak; did you mean 'dark'"):
        read_source(Path(), f"{collected}:mix=drak")


def test_runs_that_are_not_done_are_named(study) -> None:
    """A comparison of what happens to be there would compare other pairs tomorrow."""
    missing = study.study().cells[0].name
    study.git("update-ref", "-d", experiment_ref(study.git("rev-parse", "HEAD"), missing))
    with pytest.raises(StudyError, match=rf"1 of 8 runs .* such as {missing}"):
        read_source(study.root, "toy")


def test_the_command_writes_table_and_plot_and_says_the_verdict(collected, tmp_path) -> None:
    """Better on dark images by a planted fifth."""
    table = pd.read_csv(collected / Workspace.study_images.name)
    factor = np.where(table["group"] == "dark", 0.8, 1.0)
    noise = np.exp(0.01 * np.random.default_rng(1).standard_normal(len(table)))
    second = tmp_path / "second"
    second.mkdir()
    table.assign(mse=table["mse"] * factor * noise).to_csv(
        second / Workspace.study_images.name, index=False
    )
    (second / Workspace.study_facts.name).write_text(
        (collected / Workspace.study_facts.name).read_text()
    )
    app, out = typer.Typer(), tmp_path / "out"
    app.command()(compare)
    done = CliRunner().invoke(app, [str(collected), str(second), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("Mitigates: the gap (dark minus light) goes from")
    written = pd.read_csv(out / "comparison.csv").set_index(["mix", "quantity"])
    assert written.loc[("overall", "d_compared"), "percent"] == pytest.approx(-20.0, abs=0.5)
    assert (out / "comparison.svg").read_bytes().startswith(b"<?xml")


def test_other_groups_are_not_compared(collected, tmp_path) -> None:
    """Two gaps of unlike groups are refused."""
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(collected / Workspace.study_images.name, other)
    app = typer.Typer()
    app.command()(compare)
    done = CliRunner().invoke(app, [str(collected), str(other)])
    assert isinstance(done.exception, StudyError)
    assert "only between the same groups" in str(done.exception)
