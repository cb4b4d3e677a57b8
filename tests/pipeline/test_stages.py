"""All stages, end to end, on a tiny phantom."""

from __future__ import annotations

import filecmp
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML
from tiny_pipeline import SEVEN, make_workspace, write_params

from tonegap.pipeline import run_stage
from tonegap.workspace import Workspace

PRODUCTS = (
    "data/raw.zip",
    "data/index.csv",
    "data/cohort.csv",
    "data/images.npy",
    "data/split.csv",
    "models/vae.safetensors",
    "results/per_image.csv",
    "metrics/evaluate.json",
    "metrics/train/metrics.json",
)


@pytest.fixture(scope="module")
def declared(repository) -> dict:
    return YAML(typ="safe").load((repository / "dvc.yaml").read_text())["stages"]


def test_every_declared_output_is_written(workspace, declared):
    """What dvc.yaml promises of a stage is there when it has run."""
    for stage in SEVEN:
        entries = [declared[stage].get(kind, []) for kind in ("outs", "metrics", "plots")]
        for entry in (item for group in entries for item in group):
            path = entry if isinstance(entry, str) else next(iter(entry))
            assert (workspace.folder / path).exists(), path


def test_nothing_undeclared_is_written(workspace, declared):
    """No stage leaves a file that DVC does not know."""
    known = {"data/annotations.csv", "images.txt", "params.yaml"}
    for stage in SEVEN:
        for kind in ("outs", "metrics", "plots"):
            entries = declared[stage].get(kind, [])
            known |= {item if isinstance(item, str) else next(iter(item)) for item in entries}
    files = [path for path in workspace.folder.rglob("*") if path.is_file()]
    names = [path.relative_to(workspace.folder).as_posix() for path in files]
    extra = [
        name
        for name in names
        if not name.startswith("cache/")
        and not any(name == path or name.startswith(path + "/") for path in known)
    ]
    assert extra == []


@pytest.mark.parametrize("stage", SEVEN)
def test_a_stage_reads_only_declared_parameters(workspace, declared, stage):
    """A parameter that a stage reads reruns it when it changes."""
    listed = [name.replace("${data.mix}", "mixed") for name in declared[stage].get("params", [])]
    # The model to assess comes with its parameters, in the header of its weights.
    elsewhere = {"evaluate": "model."}.get(stage, "nowhere")
    undeclared = [
        name
        for name in workspace.read[stage]
        if not name.startswith(elsewhere)
        and not any(name == entry or name.startswith(f"{entry}.") for entry in listed)
    ]
    assert undeclared == []


def test_the_evaluation_has_the_promised_keys(workspace):
    """Mse and sigma by group with their gap, and the settings that give them meaning."""
    document = json.loads((workspace.folder / "metrics/evaluate.json").read_text())
    for measure in ("mse", "nmse", "sigma", "mse_pca", "mse_jpeg"):
        values = document[measure]
        assert values["gap"] == pytest.approx(
            values["dark"] - values["light"], rel=1e-5, abs=1e-5 * abs(values["dark"])
        )
    for group in ("light", "dark", "gap"):
        assert document["mse_01"][group] == pytest.approx(document["mse"][group] / 4, rel=1e-5)
    settings = document["settings"]
    assert settings["images"] == "phantom"
    assert settings["share"] == 0.5
    assert settings["features_random"] is True
    assert settings["mse_range"] == "[-1, 1]"


def test_the_evaluation_is_the_mean_of_its_images(workspace):
    """The headline equals a mean taken here, from the per-image table."""
    table = pd.read_csv(workspace.folder / "results/per_image.csv")
    document = json.loads((workspace.folder / "metrics/evaluate.json").read_text())
    for group in ("light", "dark"):
        mine = table.loc[table["group"] == group, "mse"]
        assert len(mine) == 6
        assert document["mse"][group] == pytest.approx(mine.mean(), rel=1e-5)
    assert table["md5hash"].is_unique


def test_conditions_add_up(workspace):
    """At each level the conditions' images are the test images."""
    conditions = pd.read_csv(workspace.folder / "metrics/conditions.csv")
    assert list(conditions.columns) == ["level", "label", "group", "n", "mse", "sigma"]
    totals = conditions.groupby(["level", "group"])["n"].sum()
    assert set(totals.index.get_level_values("level")) == {"coarse", "middle", "fine"}
    assert set(totals) == {6}


def test_packed_images_are_the_cohort_in_order(workspace):
    """Row k of the array is image k of the cohort."""
    cohort = pd.read_csv(workspace.folder / "data/cohort.csv")
    rows = pd.read_csv(workspace.folder / "data/images.csv")
    images = np.load(workspace.folder / "data/images.npy")
    assert images.shape == (len(cohort), 32, 32, 3)
    assert images.dtype == np.uint8
    assert list(rows["md5hash"]) == list(cohort["md5hash"])


def test_every_row_is_in_the_cohort_or_has_one_reason(workspace):
    """No annotated image is lost without a word."""
    folder = workspace.folder
    annotations = pd.read_csv(folder / "data/annotations.csv")["md5hash"]
    cohort = pd.read_csv(folder / "data/cohort.csv")["md5hash"]
    excluded = pd.read_csv(folder / "data/exclusions.csv")
    assert sorted([*cohort, *excluded["md5hash"]]) == sorted(annotations)
    assert excluded["reason"].notna().all()


def test_phantoms_are_pictured(workspace):
    """Where tonegap rendered every image, the reconstructions are drawn."""
    assert (workspace.folder / "plots/evaluate/reconstructions.png").is_file()


def test_photographs_are_never_pictured(workspace, tmp_path):
    """One test image that tonegap did not render, and no picture is drawn."""
    folder = tmp_path / "w"
    shutil.copytree(workspace.folder, folder)
    shutil.rmtree(folder / "plots")
    fetch = pd.read_csv(folder / "data/fetch.csv")
    split = pd.read_csv(folder / "data/split.csv")
    tested = split.loc[split["role"] == "test", "md5hash"].iloc[0]
    fetch.loc[fetch["md5hash"] == tested, "status"] = "verified"
    fetch.to_csv(folder / "data/fetch.csv", index=False)
    run_stage("evaluate", Workspace(folder))
    document = json.loads((folder / "metrics/evaluate.json").read_text())
    assert document["settings"]["images"] == "photographs"
    assert [path.suffix for path in (folder / "plots").rglob("*") if path.is_file()] == [".csv"]


def test_the_same_input_gives_the_same_bytes(workspace, repository, tmp_path, monkeypatch):
    """Every product of a second run from scratch is the same file."""
    folder = make_workspace(repository, tmp_path / "again")
    monkeypatch.setenv("TONEGAP_CACHE", str(folder / "cache"))
    for stage in SEVEN:
        run_stage(stage, Workspace(folder))
    for product in PRODUCTS:
        assert filecmp.cmp(folder / product, workspace.folder / product, shallow=False), product


def test_the_mix_changes_the_split_alone(workspace, repository, tmp_path):
    """The same seed has the same test sets in every mix."""
    folder = tmp_path / "w"
    shutil.copytree(workspace.folder, folder)
    write_params(repository, folder, {"data": {"n_test": 6, "n_train": 12, "mix": "dark"}})
    run_stage("split", Workspace(folder))
    one = pd.read_csv(workspace.folder / "data/split.csv")
    other = pd.read_csv(folder / "data/split.csv")
    pd.testing.assert_frame_equal(one[one["role"] == "test"], other[other["role"] == "test"])
    assert set(other.loc[other["role"] == "train", "group"]) == {"dark"}
