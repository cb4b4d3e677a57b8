"""Time the two-way bootstrap at the paper's size: 30 runs x 1,000 images, 10,000 resamples.

Run ``python benchmarks/bootstrap.py``. It records and judges nothing.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from tonegap.statistics.bootstrap import resample
from tonegap.statistics.design import design_of
from tonegap.calibration.simulation import Scenario, draw_study


def main() -> None:
    """Draw one simulated study of the paper's design and resample it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resamples", type=int, default=10_000)
    parser.add_argument("--columns", type=int, default=1, help="measures resampled together")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    table = draw_study(Scenario(), np.random.default_rng(0))
    design = design_of(table)
    values = np.column_stack([table["mse"].to_numpy()] * options.columns)
    seconds, processor = [], []
    for repeat in range(options.repeats):
        start, start_processor = time.perf_counter(), time.process_time()
        drawn = resample(design, values, options.resamples, np.random.default_rng(repeat))
        means = drawn.arm_means(0)
        seconds.append(time.perf_counter() - start)
        processor.append(time.process_time() - start_processor)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{len(table)} rows, {design.n_units} clusters, {design.n_seeds} seeds, "
        f"{options.columns} column(s), {options.resamples} resamples: "
        f"wall {' '.join(f'{s:.1f}' for s in seconds)} s, processor "
        f"{' '.join(f'{s:.1f}' for s in processor)} s; peak {peak_mb:.0f} MB; "
        f"standard error of the first arm {means[:, 0].std():.2e}"
    )


if __name__ == "__main__":
    main()
