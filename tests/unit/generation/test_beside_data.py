"""Generated images beside a data set."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tonegap.fingerprint.decoding import decode
from tonegap.generation.beside_data import samples_claims, share_sentence, tone_table
from tonegap.groups import LIGHT_AND_DARK
from tonegap.phantom.recipes import annotation_table
from tonegap.phantom.render import jpeg_from_url
from tonegap.tone import mean_ita


def phantoms(n_light: int, n_dark: int, seed: int) -> pd.DataFrame:
    """Draw phantoms and measure their tone, as the stages do."""
    table = annotation_table("default", n_light=n_light, n_dark=n_dark, n_other=0, seed=seed)
    table = table[table["url"].str.startswith("phantom:", na=False)]
    ita = [mean_ita(np.asarray(decode(jpeg_from_url(url)))) for url in table["url"]]
    group = np.where(table["fitzpatrick_scale"] <= 2, "light", "dark")
    names = table["md5hash"].to_numpy()
    return pd.DataFrame({"ita": ita, "group": group, "cluster": names, "sha256": names})


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return phantoms(60, 40, seed=1)


@pytest.fixture(scope="module")
def mixed() -> pd.DataFrame:
    """Generate 80 % light and 20 % dark phantoms."""
    return phantoms(96, 24, seed=2)


def test_a_share_of_20_percent_is_recovered_within_its_interval(data, mixed):
    """From phantoms drawn 80 to 20, beside data of 60 to 40."""
    truth = (mixed["group"] == "dark").mean()
    document = samples_claims(mixed, data, "a", LIGHT_AND_DARK)
    share = document["share"]
    assert share["low"] <= truth <= share["high"]
    assert share["high"] - share["low"] < 0.25
    assert share["verdict"] == "differs"
    assert "% of the generated images are dark" in share_sentence(document)


def test_dark_images_beside_light_data_are_flagged(data):
    """Without dark images in the data no share can be counted, but the tones differ."""
    light, dark = (data[data["group"] == group] for group in ("light", "dark"))
    document = samples_claims(dark, light, "a", LIGHT_AND_DARK)
    assert document["share"]["verdict"] == "not assessable"
    assert document["tone"]["verdict"] == "differs"
    assert any("darker than the data" in flag for flag in document["flags"])
    assert "not assessable" in share_sentence(document)


def test_only_dark_images_beside_mixed_data_are_flagged_twice(data):
    """Their share is one, and their tones are darker."""
    dark = data[data["group"] == "dark"]
    document = samples_claims(dark, data, "a", LIGHT_AND_DARK)
    assert document["share"]["low"] > 0.8
    assert len(document["flags"]) == 2


def test_other_images_of_the_same_mixture_are_not_flagged(data):
    """Halves of one draw differ by chance alone."""
    halves = data.iloc[::2], data.iloc[1::2]
    document = samples_claims(*halves, "a", LIGHT_AND_DARK)
    assert document["flags"] == []


def test_unreadable_images_count_nowhere(data, mixed):
    """They have no tone."""
    worse = pd.concat([mixed, mixed.assign(ita=np.nan)], ignore_index=True)
    assert samples_claims(worse, data, "a", LIGHT_AND_DARK) == samples_claims(
        mixed, data, "a", LIGHT_AND_DARK
    )


def test_shares_of_tone_classes_add_up(data, mixed):
    """Each column of the table is a distribution."""
    table = tone_table(mixed, data, LIGHT_AND_DARK)
    assert list(table.columns) == ["tone", "generated", "data", "light", "dark"]
    assert table.drop(columns="tone").sum().tolist() == pytest.approx([1.0] * 4)
