"""Amplification: planted slopes, scipy's interval, and what gives none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tonegap.statistics.amplification import COLUMNS, amplification


def study(slope, seeds: int = 5, noise: float = 0.0) -> pd.DataFrame:
    """Make runs of three mixes, a row per group, whose samples follow the mix with a slope."""
    rng = np.random.default_rng(0)
    rows = []
    for seed in range(seeds):
        for share in (0.0, 0.5, 1.0):
            found = 0.5 + slope * (share - 0.5) + noise * rng.normal()
            for group in ("light", "dark"):
                run = f"{share}-{seed}"
                rows.append({"run": run, "seed": seed, "share": share, "group": group,
                             "sample_share_prior": found})  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize("slope", [1.0, 0.4, 0.0, 1.5])
def test_the_planted_slope_is_found(slope: float) -> None:
    """1 where samples follow the mix; more exaggerates, less levels."""
    (row,) = amplification(study(slope)).to_dict("records")
    assert (row["sampler"], row["slope"]) == ("prior", pytest.approx(slope))
    assert (row["n_runs"], row["n_seeds"], row["reason"]) == (15, 5, "")


def test_a_sampler_that_drops_the_group_has_slope_0() -> None:
    """No dark sample in any run."""
    table = study(1.0).assign(sample_share_prior=0.0)
    (row,) = amplification(table).to_dict("records")
    assert (row["slope"], row["low"], row["high"]) == (0.0, 0.0, 0.0)


def test_the_interval_is_of_the_seeds_own_slopes() -> None:
    """Scipy's line of each seed, and t over the seeds."""
    table = study(0.7, seeds=6, noise=0.1)
    slopes = [
        stats.linregress(rows["share"], rows["sample_share_prior"]).slope
        for _, rows in table.groupby("seed")
    ]
    (row,) = amplification(table).to_dict("records")
    expected = stats.t.interval(0.95, 5, np.mean(slopes), stats.sem(slopes))
    assert (row["low"], row["high"]) == pytest.approx(expected)


def test_every_sampler_has_its_row_and_missing_samples_none() -> None:
    """Columns without a value are of no sampler of the study."""
    table = study(0.7).assign(sample_share_fitted=0.5, sample_share_other=np.nan)
    found = amplification(table)
    assert found["sampler"].tolist() == ["prior", "fitted"]
    none = amplification(table[["run", "seed", "share", "group"]])
    assert list(none.columns) == list(COLUMNS)
    assert len(none) == 0


def test_two_seeds_or_one_mix_give_no_slope() -> None:
    """A reason instead of an interval."""
    one_mix = study(1.0)[lambda t: t["share"] == 0.5]
    for table in (study(1.0, seeds=2), one_mix):
        (row,) = amplification(table).to_dict("records")
        assert np.isnan(row["slope"])
        assert "seeds have samples of several mixes, an interval needs 3" in row["reason"]


def test_the_null_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Of 300 studies whose samples follow the mix but for noise, 95 % hold the slope 1."""
    rng = np.random.default_rng(4)
    share = np.tile([0.0, 0.5, 1.0], 5)
    seed = np.repeat(np.arange(5), 3)
    held = 0
    for _ in range(300):
        table = pd.DataFrame({"run": np.arange(15), "seed": seed, "share": share,
                              "sample_share_prior": share + 0.1 * rng.normal(size=15)})  # fmt: skip
        row = amplification(table).iloc[0]
        held += row["low"] <= 1.0 <= row["high"]
    assert 0.91 < held / 300 < 0.985
