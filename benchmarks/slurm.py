"""Throughput of a study on a one-node Slurm cluster: one worker against two.

Starts a cluster of two processors on this machine, clones the repository with a tiny
phantom, and runs as many cells with one worker and as many others with two.

    PYTHONPATH=tests/support python benchmarks/slurm.py --cells 4
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

from slurm_cluster import slurm_cluster
from tiny_study import StudyClone, tiny_study

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Measure and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=4, help="cells per measurement")
    cells = parser.parse_args().cells
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder, slurm_cluster(Path(folder, "slurm")) as found:
        clone = tiny_study(ROOT, Path(folder), Path(folder, "clone"))
        clone.environment["SLURM_CONF"] = found["SLURM_CONF"]
        seconds = {
            workers: run_cells(
                clone,
                f"with{workers}",
                seeds=range(workers * 10, workers * 10 + cells),
                workers=workers,
            )
            for workers in (1, 2)
        }
    print(json.dumps(summary(cells, seconds, load), indent=1))


def run_cells(clone: StudyClone, name: str, *, seeds: range, workers: int) -> float:
    """Run one cell per seed; give the seconds that it took.

    The study keeps its first cell to itself when none is done: that one is run before the clock
    starts, in a run of its own.
    """
    clone.write_study(name, {"data.seed": [seeds[0] + 50]})
    command = ("tonegap", "study", "run", name, "--engine", "slurm", "-j", str(workers))
    clone.run(*command)
    clone.write_study(name, {"data.seed": [seeds[0] + 50, *seeds]})
    begin = time.monotonic()
    clone.run(*command)
    return time.monotonic() - begin


def summary(cells: int, seconds: dict[int, float], load: float) -> dict[str, object]:
    """Cells per minute with each number of workers, and what the second one brings."""
    return {
        "cells": cells,
        "seconds": {str(workers): round(value, 1) for workers, value in seconds.items()},
        "cells_per_minute": {
            str(workers): round(60 * cells / value, 2) for workers, value in seconds.items()
        },
        "two_over_one": round(seconds[1] / seconds[2], 2),
        "processors": os.cpu_count(),
        "load_before": round(load, 2),
    }


if __name__ == "__main__":
    main()
