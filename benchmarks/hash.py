"""Throughput of the hash stage on a folder of images, beside cleanvision and imagehash.

    python benchmarks/hash.py FOLDER [--processes 2] [--rounds 3]

Each tool takes its turn in every round, so that other load on the machine meets all alike.
A first, unmeasured turn warms the file cache. Start-up of workers is part of the time. They
import this script first, so it imports at its top what each tool's work needs and no more, as
the command does; ``--processes 1`` works in this process and measures the work alone.

- ``tonegap``: the stage, all measures of data/index.csv, from a zip made beforehand.
- ``imagehash``: its ``phash`` alone, one of the stage's hashes, in as many processes.
- ``cleanvision``: its default checks (among them exact and near duplicates), in as many
  processes. It is not a dependency; it takes part where it is installed.

Seconds of wall time tell what a user waits for; processor seconds, of all processes, are the
steadier number on a machine that others use.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image


def _tonegap(folder: Path, processes: int) -> Callable[[], object]:
    from tonegap.files.archive import write_archive  # noqa: PLC0415  no worker needs it
    from tonegap.stages import hash as stage  # noqa: PLC0415

    work = Path(tempfile.mkdtemp(prefix="tonegap-benchmark-"))
    files = sorted(folder.glob("*.jpg"))
    write_archive(work / "raw.zip", ((path.name, path.read_bytes()) for path in files))
    return lambda: stage.run(raw=work / "raw.zip", index=work / "index.csv", processes=processes)


def _phash(path: Path) -> str:
    import imagehash  # noqa: PLC0415  the workers of the other tools do without

    with Image.open(path) as image:
        return str(imagehash.phash(image))


def _imagehash(folder: Path, processes: int) -> Callable[[], object]:
    files = sorted(folder.glob("*.jpg"))

    def turn() -> None:
        if processes == 1:
            list(map(_phash, files))
            return
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            pool.map(_phash, files, chunksize=32)

    return turn


def _cleanvision(folder: Path, processes: int) -> Callable[[], object]:
    from cleanvision import Imagelab  # noqa: PLC0415  not a dependency

    def turn() -> None:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            Imagelab(data_path=str(folder)).find_issues(n_jobs=processes, verbose=False)

    return turn


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> None:
    """Run the rounds and print images per second of each tool."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    makers = {"tonegap": _tonegap, "imagehash": _imagehash, "cleanvision": _cleanvision}
    if importlib.util.find_spec("cleanvision") is None:
        print("cleanvision is not installed and takes no part")
        del makers["cleanvision"]
    turns = {name: make(given.folder, given.processes) for name, make in makers.items()}
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in turns}
    for number in range(given.rounds + 1):
        for name, turn in turns.items():
            wall, cpu = time.perf_counter(), _cpu_s()
            turn()
            if number:
                spent[name].append((time.perf_counter() - wall, _cpu_s() - cpu))
    count = len(list(given.folder.glob("*.jpg")))
    for name, rounds in spent.items():
        rates = ", ".join(f"{count / wall:.0f}" for wall, _ in rounds)
        cpu_ms = 1e3 * statistics.median(cpu for _, cpu in rounds) / count
        print(f"{name}: {rates} images/s of wall time; {cpu_ms:.1f} ms of processor per image")


if __name__ == "__main__":
    main()
