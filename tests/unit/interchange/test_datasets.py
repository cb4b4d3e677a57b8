from __future__ import annotations

import pytest

from tonegap.files.presets import read_preset
from tonegap.interchange.columns import column_of
from tonegap.interchange.croissant import CONFORMS_TO
from tonegap.interchange.datasets import licence_url, other_set, phantom_set, preset_set
from tonegap.presets import preset_names
from tonegap.tables import COHORT_COLUMNS


@pytest.mark.parametrize(
    ("words", "url"),
    [
        ("the annotations are under CC BY-NC-SA 3.0; ...", "by-nc-sa/3.0/"),
        ("CC-BY 4.0", "by/4.0/"),
        ("CC BY-ND 4.0, as they say", "by-nd/4.0/"),
        ("Stanford's research agreement", None),
        ("ACC BY 4.0", None),
    ],
)
def test_creative_commons_licences_have_addresses(words, url):
    """Other terms stay words."""
    expected = None if url is None else f"https://creativecommons.org/licenses/{url}"
    assert licence_url(words) == expected


def test_every_preset_can_be_described():
    """Its licence in words, and no fact that is not recorded."""
    for name in preset_names():
        preset = read_preset(name)
        described = preset_set(name, preset, "photographs")
        assert described.licence == preset.licence.text
        if preset.documented is None:
            assert described.documented.citation == "not recorded"


def test_nobody_is_shown_by_phantoms_alone():
    """Phantoms carry the code's licence; an unknown table carries none."""
    assert phantom_set().patients == ""
    assert phantom_set().licence.startswith("MIT")
    assert other_set("because").licence_url is None


def test_every_column_of_the_cohort_has_a_meaning():
    """A column that the pipeline adds needs its row in the table of columns."""
    import pandas as pd  # noqa: PLC0415

    other = column_of("of the user", pd.Series(["a"]))
    assert all(column_of(name, pd.Series(["a"])) != other for name in COHORT_COLUMNS)
    assert column_of("of the user", pd.Series([1.5])).type == "sc:Float"
    assert column_of("fst", pd.Series([1, 2])).type == "sc:Integer"
    assert column_of("qc", pd.Series([None, None], dtype=float)).type == "sc:Text"


def test_the_metadata_names_both_vocabularies():
    """Croissant 1.1, and its vocabulary for responsible AI."""
    assert CONFORMS_TO == (
        "http://mlcommons.org/croissant/1.1",
        "http://mlcommons.org/croissant/RAI/1.0",
    )
