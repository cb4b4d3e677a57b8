"""The stage `split`: files in, files out."""

from __future__ import annotations

import pandas as pd
import pytest
from small_cohort import DATA, SHARE, twelve_images

from tonegap.errors import DataError
from tonegap.files.tables import read_csv
from tonegap.groups import LIGHT_AND_DARK
from tonegap.sampling.split import SPLIT_COLUMNS, draw_split
from tonegap.stages import split as split_stage


@pytest.fixture
def cohort(tmp_path):
    """Write a cohort of twelve images."""
    twelve_images().to_csv(tmp_path / "cohort.csv", index=False)
    return tmp_path / "cohort.csv"


def test_the_split_is_written_as_drawn(cohort, tmp_path):
    """The file holds what the core drew, and reads back the same."""
    split_stage.run(
        cohort=cohort,
        data=DATA,
        share=SHARE,
        groups=LIGHT_AND_DARK,
        split=tmp_path / "split.csv",
        panel=tmp_path / "panel.csv",
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
            panel=tmp_path / "panel.csv",
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
            panel=tmp_path / "panel.csv",
        )
        lines = capsys.readouterr().err.splitlines()
        assert [line.split(" of the group ")[1].split()[0] for line in lines] == warned
        assert all(line.startswith("tonegap split: warning: 20 training draws") for line in lines)


def test_a_missing_cohort_is_named(tmp_path):
    """Without the table the error says where it should be and how to make it."""
    with pytest.raises(DataError, match=r"the cohort is not at .*cohort\.csv; run `dvc repro`"):
        split_stage.run(
            cohort=tmp_path / "cohort.csv",
            data=DATA,
            share=SHARE,
            groups=LIGHT_AND_DARK,
            split=tmp_path / "s",
            panel=tmp_path / "p",
        )
