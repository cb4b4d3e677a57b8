"""Bad input: one line on stderr, exit code 2, never a traceback."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest
from safetensors.torch import save_file
from tiny_pipeline import TINY, write_params
from torch import ones

from tonegap.cli import app
from tonegap.files.archive import open_archive, write_archive
from tonegap.pipeline import run_stage
from tonegap.workspace import Workspace


def command(monkeypatch, capsys, *arguments: str) -> str:
    """Run the command; return the one line that it printed about an error."""
    monkeypatch.setattr("sys.argv", ["tonegap", *arguments])
    with pytest.raises(SystemExit) as ended:
        app.run()
    printed = capsys.readouterr().err
    assert ended.value.code == 2, printed
    assert "Traceback" not in printed
    lines = [line for line in printed.splitlines() if line.startswith("tonegap: error:")]
    assert len(lines) == 1, printed
    return lines[0]


@pytest.fixture
def here(workspace, tmp_path, monkeypatch):
    """Copy the tiny workspace and make it the current folder."""
    folder = tmp_path / "w"
    shutil.copytree(workspace.folder, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TONEGAP_CACHE", str(folder / "cache"))
    return folder


def test_unknown_mix(here, repository, monkeypatch, capsys):
    """The nearest mix of the table is named."""
    write_params(repository, here, {**TINY, "data": {**TINY["data"], "mix": "mixd"}})
    assert "did you mean 'mixed'" in command(monkeypatch, capsys, "stage", "split")


def test_parameter_typo(here, repository, monkeypatch, capsys):
    """The nearest key is named, by `check` as by every stage."""
    write_params(repository, here, {**TINY, "data": {**TINY["data"], "n_tests": 3}})
    for arguments in (["check"], ["stage", "split"]):
        assert "did you mean 'n_test'" in command(monkeypatch, capsys, *arguments)


def test_test_set_larger_than_the_pool(here, repository, monkeypatch, capsys):
    """The pool's size and the parameter to lower are named."""
    write_params(repository, here, {**TINY, "data": {**TINY["data"], "n_test": 500}})
    line = command(monkeypatch, capsys, "stage", "split")
    assert "data.n_test" in line
    assert "500" in line


def test_an_explanation_of_another_split(here, repository, monkeypatch, capsys):
    """A split that was drawn with other parameters is not explained under the new ones."""
    write_params(repository, here, {**TINY, "data": {**TINY["data"], "seed": 1}})
    line = command(monkeypatch, capsys, "split")
    assert "parameters other than" in line
    assert "dvc repro split" in line


def test_missing_annotation_column(here, monkeypatch, capsys):
    """The missing column is named, by the first stage already."""
    path = here / "data/annotations.csv"
    pd.read_csv(path).drop(columns="fitzpatrick_scale").to_csv(path, index=False)
    assert "fitzpatrick_scale" in command(monkeypatch, capsys, "stage", "fetch")


def test_a_damaged_table_value(here, monkeypatch, capsys):
    """The value, its column and its line are named."""
    path = here / "data/annotations.csv"
    table = pd.read_csv(path)
    table.loc[3, "fitzpatrick_scale"] = 9
    table.to_csv(path, index=False)
    line = command(monkeypatch, capsys, "stage", "fetch")
    assert "fitzpatrick_scale" in line
    assert "9" in line


def test_a_non_image_in_the_archive_is_excluded(here):
    """What is no picture leaves the cohort with a reason; the others stay."""
    with open_archive(here / "data/raw.zip") as archive:
        entries = [(name, archive.read(name)) for name in archive.names()]
    name = entries[0][0]
    write_archive(here / "data/raw.zip", [(name, b"<html>gone</html>"), *entries[1:]])
    before = len(pd.read_csv(here / "data/cohort.csv"))
    run_stage("hash", Workspace(here))
    run_stage("filter", Workspace(here))
    excluded = pd.read_csv(here / "data/exclusions.csv").set_index("md5hash")
    after = pd.read_csv(here / "data/cohort.csv")
    md5hash = name.removesuffix(".jpg")
    if md5hash in excluded.index and excluded.loc[md5hash, "step"] == "readable":
        assert len(after) == before - 1
    assert md5hash not in set(after["md5hash"])


def test_an_archive_of_no_images_at_all(here, monkeypatch, capsys):
    """A cohort without images says at which step they were lost."""
    with open_archive(here / "data/raw.zip") as archive:
        names = archive.names()
    write_archive(here / "data/raw.zip", [(name, b"no picture") for name in names])
    run_stage("hash", Workspace(here))
    assert "readable" in command(monkeypatch, capsys, "stage", "filter")


def test_archive_that_is_none(here, monkeypatch, capsys):
    """A file that is no zip is named."""
    (here / "data/raw.zip").unlink()
    (here / "data/raw.zip").write_bytes(b"hello")
    assert "raw.zip" in command(monkeypatch, capsys, "stage", "hash")


@pytest.mark.parametrize("content", ["other network", "no safetensors", "no file"])
def test_wrong_weights_file(here, repository, monkeypatch, capsys, content):
    """Weights of another network, damaged ones and none are each one line."""
    path = here / "weights.safetensors"
    if content == "other network":
        save_file({"fc.weight": ones(2)}, path)
    elif content == "no safetensors":
        path.write_bytes(b"\x00" * 40)
    train = {**TINY["train"], "perceptual_weights": str(path)}
    write_params(repository, here, {**TINY, "train": train})
    line = command(monkeypatch, capsys, "stage", "train")
    assert "weights.safetensors" in line


def test_source_with_another_table(here, monkeypatch, capsys):
    """A table with another md5 is rejected with both md5s; data.dvc is unchanged."""
    (here / "data.dvc").write_text("unchanged\n")
    other = here / "table.csv"
    other.write_text("md5hash\n1\n")
    line = command(monkeypatch, capsys, "source", "fitzpatrick17k", "--table", str(other))
    assert "75556ecbd0bd6227050112565c24b991" in line
    assert (here / "data.dvc").read_text() == "unchanged\n"


def test_a_model_of_another_image_size(here, repository, monkeypatch, capsys):
    """Stale weights are named before anything is assessed with them."""
    write_params(repository, here, {**TINY, "data": {**TINY["data"], "image_size": 48}})
    run_stage("prepare", Workspace(here))
    assert "48" in command(monkeypatch, capsys, "stage", "evaluate")


def test_a_malformed_gate(here, monkeypatch, capsys):
    """A slip in gate.yaml is met before a pull request is."""
    (here / "gate.yaml").write_text("mse.gap: {may_raise: 1}")
    (here / "studies").mkdir(exist_ok=True)
    assert "did you mean 'may_rise'" in command(monkeypatch, capsys, "check")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["stage", "trian"], "did you mean 'train'"),
        (["study", "run", "phantm"], "phantm"),
        (["model", "--study", "papers"], "papers"),
        (["source", "table", "data/annotations.csv", "--fst", "url"], "--identifier"),
        (["source", "table", "data/annotations.csv", "--identifier", "uri"], "'uri'"),
        (["pr-report", "--base", "no-such-branch"], "no-such-branch"),
    ],
)
def test_unknown_names(here, monkeypatch, capsys, arguments, words):
    """A name that is not known is met with what is."""
    assert words in command(monkeypatch, capsys, *arguments)
