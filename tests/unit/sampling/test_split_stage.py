"""The stage `split`: files in, files out."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest
from tiny_pipeline import write_params
from typer.testing import CliRunner

from tonegap.cli.app import app
from tonegap.errors import DataError
from tonegap.files.tables import read_csv
from tonegap.groups import LIGHT_AND_DARK
from tonegap.params import DataParams
from tonegap.sampling.split import SPLIT_COLUMNS, draw_split
from tonegap.stages import split as split_stage
from tonegap.workspace import Workspace

SHARE = 0.5
DATA = DataParams(
    image_size=32,
    seed=3,
    mix="mixed",
    n_test=2,
    n_train=8,
    replacement=True,
    duplicates="paper",
    match="none",
    distinct="paper",
)


@pytest.fixture
def cohort(tmp_path):
    """Write a cohort of twelve images."""
    names = [f"a{n:031x}" for n in range(12)]
    frame = pd.DataFrame(
        {
            "md5hash": names,
            "group": ["light", "dark"] * 6,
            "label_fine": "acne",
            "source": "atlas",
            "cluster": names,
        }
    )
    frame.to_csv(tmp_path / "cohort.csv", index=False)
    return tmp_path / "cohort.csv"


def test_the_split_is_written_as_drawn(cohort, tmp_path):
    """The file holds what the core drew, and reads back the same."""
    split_stage.run(
        cohort=cohort,
        data=DATA,
        share=SHARE,
        groups=LIGHT_AND_DARK,
        split=tmp_path / "split.csv",
    )
    written = read_csv(tmp_path / "split.csv", SPLIT_COLUMNS, "the split")
    drawn = draw_split(read_csv(cohort, ["md5hash"], "the cohort"), DATA, SHARE, LIGHT_AND_DARK)
    pd.testing.assert_frame_equal(written, drawn, check_dtype=False)


def test_the_same_seed_gives_the_same_bytes(cohort, tmp_path):
    """Two runs write the same manifest, byte by byte."""
    for name in ("one.csv", "two.csv"):
        split_stage.run(
            cohort=cohort,
            data=DATA,
            share=SHARE,
            groups=LIGHT_AND_DARK,
            split=tmp_path / name,
        )
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_few_distinct_images_are_warned_of(cohort, tmp_path, capsys):
    """Twenty draws of a group with four images left warn on stderr, two draws do not."""
    for n_train, warned in ((40, ["dark", "light"]), (4, [])):
        data = DATA.model_copy(update={"n_train": n_train})
        split_stage.run(
            cohort=cohort,
            data=data,
            share=SHARE,
            groups=LIGHT_AND_DARK,
            split=tmp_path / "split.csv",
        )
        lines = capsys.readouterr().err.splitlines()
        assert [line.split(" of the group ")[1].split()[0] for line in lines] == warned
        assert all(line.startswith("tonegap split: warning: 20 training draws") for line in lines)


def test_the_command_describes_the_split(cohort, repository, tmp_path, monkeypatch):
    """`tonegap split` says by what it was drawn, and what is in it, by group."""
    write_params(repository, tmp_path, {"data": DATA.model_dump()})
    place = Workspace(tmp_path)
    place.split.parent.mkdir()
    shutil.copy(cohort, place.cohort)
    split_stage.run(cohort=cohort, data=DATA, share=SHARE, groups=LIGHT_AND_DARK, split=place.split)
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


def test_a_missing_cohort_is_named(tmp_path):
    """Without the table the error says where it should be and how to make it."""
    with pytest.raises(DataError, match=r"the cohort is not at .*cohort\.csv; run `dvc repro`"):
        split_stage.run(
            cohort=tmp_path / "cohort.csv",
            data=DATA,
            share=SHARE,
            groups=LIGHT_AND_DARK,
            split=tmp_path / "s",
        )
