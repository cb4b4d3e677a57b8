"""The tables that ship with the package are what the code makes, and what the pipeline needs."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pandas as pd
import pytest

from tonegap.phantom.foreign import CODES, COLUMNS, foreign_table
from tonegap.phantom.spec import parse_url


@pytest.mark.parametrize(("recipe", "name"), [("default", "annotations"), ("foreign", "foreign")])
def test_shipped_tables_regenerate_byte_for_byte(recipe: str, name: str, tmp_path: Path) -> None:
    """``python -m tonegap.phantom`` writes the committed file again."""
    out = tmp_path / "table.csv"
    command = [sys.executable, "-m", "tonegap.phantom", "--recipe", recipe, "--seed", "7"]
    subprocess.run([*command, "--out", str(out)], check=True, timeout=120)
    assert out.read_bytes() == (files("tonegap.phantom") / f"{name}.csv").read_bytes()


def test_default_pools_suffice_for_the_default_parameters() -> None:
    """Each pool covers 60 test images and 160 more, so that every mix can be drawn."""
    table = pd.read_csv(str(files("tonegap.phantom") / "annotations.csv"))
    usable = table[table["url"].notna()]
    assert usable["fitzpatrick_scale"].isin([1, 2]).sum() >= 220
    assert usable["fitzpatrick_scale"].isin([5, 6]).sum() >= 220


def test_foreign_table_has_other_names() -> None:
    """The second data set keeps PAD-UFES-20's names, codes and empty tones."""
    table = foreign_table()
    assert tuple(table.columns) == COLUMNS
    assert table["img_id"].is_unique
    assert set(table["diagnostic"]) <= set(CODES.values())
    assert table["fitspatrick"].dropna().between(1, 6).all()
    assert table["fitspatrick"].isna().any()
    assert table["patient_id"].duplicated().any()
    for url in table["url"]:
        parse_url(url)
