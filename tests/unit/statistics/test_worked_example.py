"""The worked example of docs/statistics.md is what the code computes."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from tonegap.groups import LIGHT_AND_DARK
from tonegap.statistics.declared import declared_contrasts
from tonegap.statistics.design import design_of
from tonegap.statistics.inference import Estimate, estimate
from tonegap.statistics.measures import measure_columns

ROW = re.compile(
    r"^\| (\d) \| (light|mixed|dark) \((0|\.5|1)\) \|((?: -\d\.\d\d \|){4})", re.MULTILINE
)


@pytest.fixture(scope="module")
def page(repository) -> str:
    return (repository / "docs/statistics.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def found(page) -> dict[str, Estimate]:
    """Read the page's table of log errors and estimate both primaries."""
    rows = []
    for seed, mix, share, cells in ROW.findall(page):
        values = [float(cell) for cell in cells.strip(" |").split(" |")]
        rows += [
            {
                "run": f"{mix}-{seed}",
                "mix": mix,
                "share": float(share),
                "seed": int(seed),
                "md5hash": name,
                "cluster": name,
                "mse": np.exp(value),
                "group": "light" if name.startswith("L") else "dark",
            }
            for name, value in zip(("L1", "L2", "D1", "D2"), values, strict=True)
        ]
    table = pd.DataFrame(rows)
    assert len(table) == 24
    design = design_of(table)
    values = measure_columns(table, design, ["log_mse"])["log_mse"].to_numpy()
    return {
        contrast.name: estimate(contrast, design, values)
        for contrast in declared_contrasts([0.0, 0.5, 1.0], LIGHT_AND_DARK)
        if contrast.measure == "log_mse" and not contrast.equal_distinct
    }


def test_the_own_share_effect_is_the_pages(page, found):
    """Estimate, standard error, degrees of freedom and interval as the page works them out."""
    own = found["own_share_effect"]
    assert (own.value, own.se, own.df) == pytest.approx((-0.205, 0.015, 1.0), abs=5e-4)
    assert own.interval(0.95) == pytest.approx((-0.396, -0.014), abs=5e-4)
    assert "-.396 to -.014" in page


def test_the_overall_gap_is_the_pages(page, found):
    """So are the variance over images and seeds, p and the minimum detectable effect."""
    gap = found["gap_overall"]
    assert (gap.value, gap.se) == pytest.approx((0.33, 0.113), abs=1e-3)
    assert gap.df == pytest.approx(2.68, abs=0.01)
    assert gap.interval(0.95) == pytest.approx((-0.054, 0.714), abs=2e-3)
    assert gap.p == pytest.approx(0.07, abs=0.005)
    assert gap.minimum_detectable == pytest.approx(0.50, abs=0.01)
    assert "-.054 to .714" in page
