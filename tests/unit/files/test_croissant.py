"""Croissant metadata, read by mlcroissant: the reference implementation of the format."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from exported import IMAGES, edit_json, relock, show_patients, write
from typer.testing import CliRunner

from tonegap.cli.app import app
from tonegap.errors import DataError
from tonegap.files.croissant import write_croissant
from tonegap.workspace import Workspace

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of rdflib, within itself


@pytest.fixture
def mlcroissant():
    return pytest.importorskip("mlcroissant", reason="the extra tonegap[croissant] is absent")


def test_the_metadata_is_valid_and_its_records_are_the_cohort(mlcroissant, exported):
    """Mlcroissant finds no error and nothing to warn of, and reads the table's own rows."""
    result = CliRunner().invoke(app, ["export", "croissant"])
    assert result.exit_code == 0, result.output
    assert "croissant.json: Embedded phantoms of tonegap; licence: MIT" in result.output
    dataset = mlcroissant.Dataset(jsonld="croissant.json")
    issues = dataset.metadata.ctx.issues
    assert not issues.errors
    assert not issues.warnings
    assert dataset.metadata.ctx.is_v1_1()
    records = pd.DataFrame(dataset.records("cohort"))
    assert list(records["cohort/md5hash"].str.decode("utf-8")) == IMAGES
    assert list(records["cohort/fst"]) == [1, 2, 5, 6]
    assert records["cohort/fst_second"][2] == b"5-6"
    assert list(records["cohort/ita"]) == [50.5, 40.0, -30.0, -40.25]
    assert list(records["cohort/side"]) == [96, 96, 80, 96]
    assert [row["packed/row"] for row in dataset.records("packed")] == [0, 1, 2, 3]


def test_another_folder_names_the_same_files(mlcroissant, exported):
    """Addresses are relative to the metadata, so the repository can move."""
    write_croissant(exported, exported / "meta" / "c.json")
    moved = exported.rename(exported.parent / "moved")
    dataset = mlcroissant.Dataset(jsonld=str(moved / "meta" / "c.json"))
    assert len(list(dataset.records("cohort"))) == len(IMAGES)
    assert str(exported) not in (moved / "meta" / "c.json").read_text()


def test_a_changed_table_is_not_read(mlcroissant, exported):
    """The hashes are those of the files: mlcroissant refuses others."""
    write_croissant(exported, exported / "croissant.json")
    with (exported / Workspace.cohort).open("a") as stream:
        stream.write("x\n")
    dataset = mlcroissant.Dataset(jsonld=str(exported / "croissant.json"))
    with pytest.raises(Exception, match=r"Download\(cohort\.csv\)") as caught:
        list(dataset.records("cohort"))
    assert "not identical" in str(caught.value.__cause__)


def test_the_responsible_fields_hold_the_cohorts_own_numbers(mlcroissant, exported):
    """Counts, shared copies and the tone warning come from metrics/cohort.json."""
    write_croissant(exported, exported / "croissant.json")
    counts = json.loads((exported / Workspace.cohort_counts).read_text())
    known = mlcroissant.Dataset(jsonld="croissant.json").metadata
    assert f"{counts['cohort']['all']} images" in known.data_biases[-1]
    assert str(counts["duplicates"]["images"]) in " ".join(known.data_limitations)
    assert str(counts["steps"]["annotated"]["all"]) in known.data_collection_missing_data
    for field in (
        known.data_collection,
        known.data_annotation_protocol,
        known.personal_sensitive_information,
        known.data_use_cases,
        known.data_social_impact,
        known.data_preprocessing_protocol,
    ):
        assert field


def test_a_tone_warning_is_a_limitation(repository, exported):
    """What contradicts the skin types must not stay behind."""
    edit_json(
        exported / Workspace.cohort_counts, lambda counts: counts.update(tone_warning="swapped?")
    )
    relock(repository, exported)
    write_croissant(exported, exported / "croissant.json")
    document = json.loads((exported / "croissant.json").read_text())
    assert "swapped?" in document["rai:dataLimitations"]


def test_photographs_carry_the_presets_licence(mlcroissant, repository, exported):
    """Fitzpatrick17k is known by the md5 of its table: authors, licence, biases, no pictures."""
    show_patients(repository, exported)
    result = CliRunner().invoke(app, ["export", "croissant"])
    assert result.exit_code == 0, result.output
    assert "do not publish images.npy" in result.output
    known = mlcroissant.Dataset(jsonld="croissant.json").metadata
    assert not known.ctx.issues.errors
    assert known.license == ["https://creativecommons.org/licenses/by-nc-sa/3.0/"]
    assert "Matthew Groh" in [person.name for person in known.creators]
    assert known.url == "https://github.com/mattgroh/fitzpatrick17k"
    packed = next(file for file in known.distribution if file.id == "images.npy")
    assert "gives nobody access" in str(packed.description)
    assert "nobody is shown" not in (exported / "croissant.json").read_text()


def test_a_table_that_nobody_knows_says_so(repository, exported):
    """No licence is made up, and it counts as photographs."""
    show_patients(repository, exported)
    pin = (exported / "data.dvc").read_text()
    write(exported / "data.dvc", pin.replace("md5: 7", "md5: 8").encode())
    data = write_croissant(exported, exported / "croissant.json")
    document = json.loads((exported / "croissant.json").read_text())
    assert data.name == "own"
    assert document["license"] == "not recorded: ask whoever gave you the table"
    assert "photographs of patients" in document["description"]


def test_metadata_outside_the_repository_is_refused(exported, tmp_path):
    """It would name files that others do not have."""
    with pytest.raises(DataError, match="outside the repository"):
        write_croissant(exported, tmp_path / "croissant.json")
    assert not (tmp_path / "croissant.json").exists()
