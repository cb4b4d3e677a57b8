from __future__ import annotations

import pytest

from tonegap.errors import StudyError
from tonegap.study.clean import clean_study
from tonegap.study.files import read_study
from tonegap.study.records import (
    copies_folder,
    jobs_folder,
    log_path,
    note_attempt,
    note_path,
    study_lock,
)


@pytest.fixture
def used(toy):
    """Give a repository in which the study ran, and another one whose name begins alike."""
    cell = toy.study().cells[0]
    note_attempt(toy.root, cell.name, alive=False, reason="x")
    log_path(toy.root, cell.name).write_text("said")
    jobs_folder(toy.root, "toy").mkdir(parents=True)
    for study in ("toy", "other"):
        copies_folder(toy.root, study).mkdir(parents=True)
    (toy.root / ".dvc/tmp/exps/standalone/left").mkdir(parents=True)
    commit = toy.save(cell)
    head = toy.git("rev-parse", "HEAD")
    for name in (f"{cell.name}-replaced-1234567", f"{cell.name}0", "mine"):
        toy.git("update-ref", f"refs/exps/{head[:2]}/{head[2:]}/{name}", commit)
    return toy


def test_results_stay(used):
    """Notes, logs and left-over copies go; experiments stay."""
    before = used.experiments()
    lines = clean_study(used.root, used.study(), results=False)
    assert used.experiments() == before
    assert not note_path(used.root, "toy-light-s0").exists()
    assert not log_path(used.root, "toy-light-s0").exists()
    assert not jobs_folder(used.root, "toy").exists()
    assert not copies_folder(used.root, "toy").exists()
    assert copies_folder(used.root, "other").exists()
    assert not (used.root / ".dvc/tmp/exps/standalone/left").exists()
    assert any("left-over copy left" in line for line in lines)
    assert clean_study(used.root, used.study(), results=False) == []


def test_results_go_on_request(used):
    """The study's own experiments go, those set aside too; nobody else's."""
    clean_study(used.root, used.study(), results=True)
    assert used.experiments() == {"toy-light-s00", "mine"}


def test_a_running_study_is_not_cleaned(used):
    """Its copies are in use."""
    with study_lock(used.root, "toy"), pytest.raises(StudyError, match="is running"):
        clean_study(used.root, used.study(), results=False)
    assert note_path(used.root, "toy-light-s0").exists()


def test_another_study_keeps_its_notes(used):
    """Only the cells of the study named are tidied up."""
    used.write("studies/other.yaml", '{"grid": {"data.seed": [7]}}')
    clean_study(used.root, read_study(used.root, "other"), results=True)
    assert note_path(used.root, "toy-light-s0").exists()
    assert "toy-light-s0" in used.experiments()
