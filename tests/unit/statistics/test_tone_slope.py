"""Tone compression: a slope within runs, and its scatter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tonegap.groups import LIGHT_AND_DARK, Groups
from tonegap.statistics.declared import declared_contrasts
from tonegap.statistics.design import design_of
from tonegap.statistics.inference import estimate
from tonegap.statistics.tone_slope import slope_pseudovalues, tone_slopes


def run_of(slope: float, noise: float = 0.0, n: int = 40, seed: int = 0) -> pd.DataFrame:
    """One run's images, dark ones first, whose tones are compressed about 20 degrees."""
    rng = np.random.default_rng(seed)
    group = np.repeat(["dark", "light"], n // 2)
    ita = np.where(group == "dark", -20.0, 50.0) + rng.normal(0, 10, n)
    shift = (slope - 1.0) * (ita - 20.0) + rng.normal(0, 1, n) * noise
    return pd.DataFrame({"group": group, "ita_seen": ita, "ita_shift_skin": shift})


@pytest.mark.parametrize("slope", [1.0, 0.4, 0.0, 1.3])
def test_the_planted_slope_is_found(slope: float) -> None:
    """1 for tones that keep their distances, 0 for one tone; over groups and within each."""
    found = tone_slopes(run_of(slope), LIGHT_AND_DARK)
    assert found == pytest.approx({"light": slope, "dark": slope, "all": slope})


def test_a_common_shift_is_no_compression() -> None:
    """Ten degrees lighter throughout: the slope stays 1."""
    images = run_of(1.0)
    images["ita_shift_skin"] += 10.0
    assert tone_slopes(images, LIGHT_AND_DARK)["all"] == pytest.approx(1.0)


def test_the_slope_is_scipys() -> None:
    """With noise, it is the least-squares line of the reconstructed on the original angle."""
    images = run_of(0.5, noise=8.0)
    again = images["ita_seen"] + images["ita_shift_skin"]
    expected = stats.linregress(images["ita_seen"], again).slope
    assert tone_slopes(images, LIGHT_AND_DARK)["all"] == pytest.approx(expected)


def test_a_third_group_has_a_slope_and_no_part_in_that_of_the_pair() -> None:
    """As everywhere, groups beside the pair are described and not compared."""
    groups = Groups("light", "dark", {"medium": "FST 3-4"})
    third = run_of(3.0, seed=5).assign(group="medium")
    found = tone_slopes(pd.concat([run_of(0.5), third]), groups)
    assert found == pytest.approx({"light": 0.5, "dark": 0.5, "medium": 3.0, "all": 0.5})


@pytest.mark.parametrize(
    "images",
    [
        run_of(1.0)[:0],
        run_of(1.0).drop(columns="ita_seen"),
        run_of(1.0).assign(ita_seen=30.0),
        run_of(1.0).assign(ita_shift_skin=np.nan),
    ],
)
def test_no_slope_without_tones(images: pd.DataFrame) -> None:
    """None, not a number, where there is nothing to draw a line through."""
    assert set(tone_slopes(images, LIGHT_AND_DARK).values()) == {None}


@pytest.mark.parametrize("n_light", [20, 7])
def test_pseudovalues_give_the_slope_and_its_scatter(n_light: int) -> None:
    """Half of each group's mean is the slope less 1; unequal groups change nothing."""
    images = run_of(0.5, noise=8.0).iloc[: 20 + n_light]
    x, shift = images["ita_seen"].to_numpy(), images["ita_shift_skin"].to_numpy()
    dark = (images["group"] == "dark").to_numpy()
    pseudo = slope_pseudovalues(x, shift, dark, np.zeros(len(x), int))
    line = stats.linregress(x, x + shift)
    middle = (pseudo[dark].mean() + pseudo[~dark].mean()) / 2.0
    assert middle + 1.0 == pytest.approx(line.slope)
    variance = sum(pseudo[side].var() / side.sum() for side in (dark, ~dark)) / 4.0
    # That of White (1980) within fixed groups; least squares has one variance for all.
    assert np.sqrt(variance) == pytest.approx(line.stderr, rel=0.35)


def test_a_run_without_tones_has_no_pseudovalues() -> None:
    """NaN for the whole run; others keep theirs."""
    images = pd.concat([run_of(0.5), run_of(0.5, seed=1), run_of(0.5, seed=2)])
    x, shift = images["ita_seen"].to_numpy(), images["ita_shift_skin"].to_numpy().copy()
    run = np.repeat([0, 1, 2], 40)
    dark = (images["group"] == "dark").to_numpy().copy()
    shift[3] = np.nan
    dark[run == 1] = True
    found = slope_pseudovalues(x, shift, dark, run)
    assert np.isnan(found[run < 2]).all()
    assert np.isfinite(found[run == 2]).all()


def test_a_study_has_the_slope_with_an_interval() -> None:
    """The contrast over all mixes finds the planted mean, and its interval holds it."""
    rows = []
    for seed in range(4):
        for share, slope in ((0.0, 0.4), (1.0, 0.6)):
            run = run_of(slope, noise=6.0, seed=seed)
            names = [f"{i}-{seed}" for i in range(len(run))]
            rows.append(
                run.assign(run=f"{share}-{seed}", share=share, seed=seed, md5hash=names,
                           cluster=names, mse=0.1)
            )  # fmt: skip
    table = pd.concat(rows, ignore_index=True)
    design = design_of(table)
    contrast = next(c for c in declared_contrasts([0.0, 1.0]) if c.name == "tone_slope_all")
    values = slope_pseudovalues(
        table["ita_seen"].to_numpy(),
        table["ita_shift_skin"].to_numpy(),
        (table["group"] == "dark").to_numpy(),
        design.run,
    )
    found = estimate(contrast, design, values)
    low, high = found.interval()
    assert low < -0.5 < high
    assert high - low < 0.3
