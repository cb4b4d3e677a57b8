"""Measure error rate, power and coverage of the study's tests over simulated studies.

Run ``python benchmarks/calibrate.py --design phantom --studies 500``. It records and judges
nothing; ``tonegap.statistics.calibration`` explains the columns.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pandas as pd

from tonegap.statistics.calibration import DESIGNS, calibrate, scenarios


def main() -> None:
    """Simulate the chosen design's scenarios and print the table of rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--design", choices=sorted(DESIGNS), default="phantom")
    parser.add_argument("--only", nargs="*", help="scenarios, e.g. null large; default all")
    parser.add_argument("--studies", type=int, default=500, help="per scenario")
    parser.add_argument("--resamples", type=int, default=0, help="0: closed-form variances")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--csv", type=Path, help="write the table there as well")
    options = parser.parse_args()
    chosen = [
        scenario
        for scenario in scenarios(DESIGNS[options.design])
        if not options.only or scenario.name.split("/")[1] in options.only
    ]
    start = time.perf_counter()
    table = calibrate(chosen, options.studies, options.seed, options.resamples)
    seconds = time.perf_counter() - start
    with pd.option_context("display.width", 240, "display.max_columns", 20):
        print(table.drop(columns="data").round(4).to_string(index=False))
    print(
        f"simulated studies: {options.studies} per scenario, {len(chosen)} scenarios, "
        f"resamples {options.resamples}, seed {options.seed}: {seconds:.0f} s"
    )
    if options.csv:
        table.to_csv(options.csv, index=False, float_format="%.6g")


if __name__ == "__main__":
    main()
