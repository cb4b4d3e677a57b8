"""``tonegap.open``: a clone as a Python object."""

from __future__ import annotations

import shutil

import pytest

import tonegap
from tonegap.errors import DataError, ParameterError
from tonegap.files.tables import write_csv


@pytest.fixture
def project(repository, tmp_path):
    """Open a folder with the parameters and the committed results, without data."""
    for name in ("params.yaml", "dvc.yaml", "metrics"):
        source, target = repository / name, tmp_path / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    return tonegap.open(tmp_path)


def test_parameters_and_results_are_read_wherever_the_process_is(project, tmp_path):
    """No working directory matters; tables and documents go by the workspace's names."""
    assert repr(project) == f"Project({str(tmp_path)!r})"
    assert project.params.data.n_test > 0
    assert {"run", "mix", "group", "mse"} <= set(project.table("study").columns)
    assert "mse" in project.document("evaluation")


def test_a_stage_runs_on_its_files(project, tmp_path):
    """`run` is the stage, on this clone's paths."""
    columns = ("md5hash", "group", "label_fine", "source", "cluster", "subject")
    cohort = {name: [] for name in columns}
    for group in ("light", "dark"):
        for n in range(300):
            for key, value in zip(
                cohort, (f"{group}{n}", group, "a", "s", *[f"{group}{n}"] * 2), strict=True
            ):
                cohort[key].append(value)
    import pandas as pd  # noqa: PLC0415

    write_csv(pd.DataFrame(cohort), tmp_path / "data/cohort.csv")
    project.run("split")
    assert set(project.table("split")["role"]) == {"test", "train"}


def test_what_is_not_there_is_named(project, tmp_path):
    """Unknown names suggest the nearest; absent files say how to make them."""
    with pytest.raises(DataError, match="did you mean 'cohort'"):
        project.table("cohrt")
    with pytest.raises(DataError, match="run `dvc repro`"):
        project.table("cohort")
    with pytest.raises(DataError, match="no \\.json file 'cohort'"):
        project.document("cohort")
    with pytest.raises(ParameterError, match="did you mean 'split'"):
        project.run("splt")
    with pytest.raises(ParameterError, match=r"holds no params\.yaml"):
        tonegap.open(tmp_path / "metrics")


def test_the_collected_study_is_that_of_the_images(project, tmp_path):
    """A study of other images is not read as this one's."""
    images = project.table("study_images")
    rows = images.drop_duplicates("md5hash")[["md5hash", "group", "fst", "source"]]
    labels = {f"label_{level}": "x" for level in ("fine", "middle", "coarse")}
    table = rows.assign(fst_second=rows["fst"], **labels)
    write_csv(table, tmp_path / "data/groups.csv")
    study = project.study()
    assert study.groups.pair == ("light", "dark")
    assert len(study.images) == len(images)
    write_csv(table.iloc[1:], tmp_path / "data/groups.csv")
    with pytest.raises(DataError, match="another data set"):
        project.study()
