from __future__ import annotations

import shutil
import subprocess

import pytest

from tonegap.errors import ParameterError, StudyError
from tonegap.files.parameters import read_yaml
from tonegap.study.files import read_study
from tonegap.study.plan import plan_study

GRID = {"data.mix": ["light", "dark"], "data.seed": [0, 1]}


@pytest.fixture
def base(repository):
    return read_yaml(repository / "params.yaml")


def test_cells_are_the_product_of_the_grid(base):
    """Two mixes and two seeds give four cells, each with its own parameters."""
    study = plan_study("toy", {"grid": GRID, "set": {"train.epochs": 2}}, base)
    assert [cell.name for cell in study.cells] == [
        "toy-light-s0",
        "toy-light-s1",
        "toy-dark-s0",
        "toy-dark-s1",
    ]
    assert [(c.params.data.mix, c.params.data.seed) for c in study.cells][3] == ("dark", 1)
    assert {cell.params.train.epochs for cell in study.cells} == {2}
    assert base["train"]["epochs"] != 2


@pytest.mark.parametrize(
    ("raw", "kind", "message"),
    [
        ({"grid": GRID, "sets": {}}, StudyError, "did you mean 'set'"),
        ({"grid": {}}, StudyError, "`grid` is empty"),
        ({"grid": {"data.mix": "light"}}, StudyError, "expected a list"),
        ({"grid": GRID, "set": {"data.seed": 1}}, StudyError, "both"),
        ({"grid": {"data.seed": [1, 1]}}, StudyError, "repeats"),
        ({"grid": {"data.mix": ["light"]}, "set": [1]}, StudyError, "map parameters to values"),
        ({"grid": GRID, "set": {1: 2}}, ParameterError, "unknown parameter 1"),
        ({"grid": {1: [2]}}, ParameterError, "unknown parameter 1"),
        ({"grid": {"train.perceptual_weights": ["a/b", "a b"]}}, StudyError, "differ in signs"),
        ({"grid": {"train.perceptual_weights": [300 * "a"]}}, StudyError, "321 characters"),
        ([1], StudyError, "expected the keys"),
        ({"grid": GRID, "set": {"data.sed": 1}}, ParameterError, "did you mean 'seed'"),
        ({"grid": GRID, "set": {"train.epochs": 0}}, ParameterError, "train.epochs is 0"),
        ({"grid": {"data.mix": ["drak"]}}, ParameterError, "did you mean 'dark'"),
    ],
)
def test_a_study_of_another_form_is_refused(base, raw, kind, message):
    """A study file says what is wrong with it before anything runs."""
    with pytest.raises(kind, match=message) as error:
        plan_study("toy", raw, base)
    assert "studies/toy.yaml" in str(error.value)


def test_names_that_git_could_not_hold_are_refused(base):
    """A study's name becomes part of a git ref."""
    with pytest.raises(StudyError, match="letters, digits"):
        plan_study("a/b", {"grid": GRID}, base)


@pytest.mark.parametrize("value", ["a..b", "a.lock", "a.", "dir/été é.pt", "it's {x}=$y", "a\nb"])
def test_every_cell_has_a_name_that_git_can_hold(base, value):
    """Whatever a value looks like, its run can be kept under a ref."""
    grid = {"train.perceptual_weights": [value]}
    (cell,) = plan_study("toy", {"grid": grid}, base).cells
    ref = f"refs/exps/aa/{38 * 'b'}/{cell.name}"
    assert subprocess.run(["git", "check-ref-format", ref], check=False).returncode == 0
    assert cell.params.train.perceptual_weights == value


@pytest.mark.parametrize("content", ["", "grid: {data.seed: [0]}\nset: [1]"])
def test_an_override_on_a_broken_file_is_one_error(repository, tmp_path, content):
    """The command line's values meet a file of another form."""
    shutil.copy(repository / "params.yaml", tmp_path)
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies/toy.yaml").write_text(content)
    with pytest.raises(StudyError, match=r"studies/toy\.yaml"):
        read_study(tmp_path, "toy", {"train.epochs": 1})


def test_an_unknown_study_names_the_known(repository):
    """A typo in the study's name is met with the nearest."""
    with pytest.raises(StudyError, match="did you mean 'phantom'"):
        read_study(repository, "phantm")


def test_overrides_of_the_command_line_win(repository):
    """An extra override replaces the file's value in every cell."""
    study = read_study(repository, "pilot", {"train.epochs": 1})
    assert {cell.params.train.epochs for cell in study.cells} == {1}
