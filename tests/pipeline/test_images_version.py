"""One commit means one set of images, or an error: through DVC, experiments and studies."""

from __future__ import annotations

import json
import shutil

import pytest
from photographs import ALL, FIRST, DataSet
from ruamel.yaml import YAML
from tiny_study import Clones, StudyClone


def _seen(cohort: str) -> int:
    return json.loads(cohort)["steps"]["fetched"]["all"]


def _archive(clone: StudyClone) -> str:
    stages = YAML(typ="safe").load((clone.folder / "dvc.lock").read_text())["stages"]
    outs = {out["path"]: out["md5"] for out in stages["fetch"]["outs"]}
    return outs["data/raw.zip"]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> DataSet:
    return DataSet(tmp_path_factory.mktemp("photographs"))


@pytest.fixture(scope="module")
def grown(repository, tmp_path_factory, data) -> StudyClone:
    """Give a clone some images, run, give the rest, run again; keep what each run saw."""
    clones = Clones(repository, tmp_path_factory.getbasetemp())
    clone = clones.make(tmp_path_factory.mktemp("grown") / "clone")
    clone.seen = []
    for folder in (data.first, data.rest):
        clone.said = clone.run("tonegap", "source", "table", str(data.table), "--images", folder)
        clone.run("dvc", "repro", "filter")
        clone.seen.append(_seen((clone.folder / "metrics/cohort.json").read_text()))
    return clone


@pytest.mark.slow
def test_more_images_make_fetch_stale_by_itself(grown):
    """The pipeline sees what was given so far, says so, and then has nothing to do."""
    assert grown.seen == [FIRST, ALL]
    assert f"images.txt lists {ALL} images, {ALL - FIRST} of them new" in grown.said
    assert f"{ALL} of {ALL} annotated images: {ALL // 2} light, {ALL // 2} dark" in grown.said
    assert "Running stage" not in grown.run("dvc", "repro", "filter")
    assert f"{ALL} of {ALL} annotated images" in grown.run("tonegap", "doctor")


@pytest.mark.slow
def test_experiments_and_studies_see_all_images(grown):
    """`dvc exp run --temp` takes the edited list; a study asks for its commit, then has all."""
    grown.run("dvc", "exp", "run", "--temp", "-n", "look", "evaluate")
    assert _seen(grown.at(grown.experiments()["look"], "metrics/cohort.json")) == ALL
    grown.write_study("one", {"data.mix": ["light"], "data.seed": [0]})
    grown.run("git", "commit", "--quiet", "--message", "the table alone", "data.dvc")
    assert "images.txt is not committed" in grown.run("tonegap", "study", "run", "one", code=2)
    grown.run("git", "add", "--all")
    grown.run("git", "commit", "--quiet", "--message", "all images")
    grown.run("tonegap", "study", "run", "one")
    assert _seen(grown.at(grown.experiments()["one-light-s0"], "metrics/cohort.json")) == ALL


@pytest.mark.slow
def test_another_clone_has_the_same_images_or_an_error(grown, data, tmp_path):
    """With an emptier store fetch says how many are missing; with all it has the same archive."""
    grown.run("git", "add", "--all")
    grown.run("git", "commit", "--quiet", "--allow-empty", "--message", "all images")
    other = StudyClone(tmp_path / "other")
    grown.run("git", "clone", "--quiet", str(grown.folder), str(other.folder))
    (other.folder / "dvc.lock").unlink()  # the archive is made anew, not looked up

    other.run("tonegap", "source", "table", str(data.table), "--images", str(data.first))
    assert other.run("git", "status", "--porcelain", "data.dvc", "images.txt") == ""
    said = other.run("dvc", "repro", "fetch", code=255)
    assert f"{ALL - FIRST} of the {ALL} images that images.txt lists are missing here" in said
    assert "tonegap source ... --images PATH" in said
    assert f"{ALL - FIRST} of the {ALL} images" in other.run("tonegap", "doctor", code=1)
    assert not (other.folder / "data/raw.zip").exists()

    other.run("tonegap", "source", "table", str(data.table), "--images", str(data.rest))
    other.run("dvc", "repro", "fetch")
    assert _archive(other) == _archive(grown)
    assert other.run("git", "status", "--porcelain", "data.dvc", "images.txt") == ""


@pytest.mark.slow
def test_the_phantom_and_back(grown, data, tmp_path):
    """The phantom empties the list; choosing the table again lists what is here."""
    clone = StudyClone(tmp_path / "back")
    shutil.copytree(grown.folder, clone.folder, symlinks=True)
    shutil.copytree(grown.environment["TONEGAP_CACHE"], clone.environment["TONEGAP_CACHE"])
    listed = (clone.folder / "images.txt").read_bytes()
    clone.run("tonegap", "source", "phantom")
    lines = (clone.folder / "images.txt").read_text().splitlines()
    assert all(line.startswith("#") for line in lines)
    clone.run("dvc", "repro", "fetch")
    clone.run("tonegap", "source", "table", str(data.table))
    assert (clone.folder / "images.txt").read_bytes() == listed
    clone.run("dvc", "repro", "fetch")
    assert _archive(clone) == _archive(grown)
