"""Near duplicates: recall and precision on planted copies, time and memory at scale.

    python benchmarks/duplicates.py copies [--light 700 --dark 500 --seed 3]
    python benchmarks/duplicates.py scale [--images 16600 100000 1000000]

``copies`` renders the phantom recipe ``duplicates``, whose truth is known; a missed pair
counts against the recall of its kind, a found pair that is none against the precision of
all. ``scale`` draws hashes at random and plants one near pair per hundred; each size runs
in a process of its own, whose peak memory is quoted.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time

import numpy as np
import pandas as pd
from rich.progress import track

from tonegap.duplicates import near_duplicate_pairs
from tonegap.duplicates.hamming import within_distance
from tonegap.fingerprint import fingerprint
from tonegap.fingerprint.table import fingerprint_table
from tonegap.phantom.copies import planted_copies
from tonegap.phantom.recipes import annotation_table
from tonegap.phantom.render import jpeg_from_url

_KEYS = ["md5hash_a", "md5hash_b"]


def copies(light: int, dark: int, seed: int, distances: list[int]) -> None:
    """Print recall per kind of copy and precision, for each near_distance."""
    table = annotation_table("duplicates", light, dark, 0, seed=seed)
    table = table[table["url"].notna()]
    rows = [
        fingerprint(name, jpeg_from_url(url))
        for name, url in track(list(zip(table["md5hash"], table["url"], strict=True)))
    ]
    truth, index = planted_copies(table), fingerprint_table(rows)
    print(f"{len(index)} phantoms, {len(truth)} true pairs")
    for distance in distances:
        print(f"near_distance {distance}: {_scores(truth, near_duplicate_pairs(index, distance))}")


def _scores(truth: pd.DataFrame, found: pd.DataFrame) -> str:
    joined = truth.merge(found[_KEYS], on=_KEYS, how="left", indicator="hit")
    recall = (joined["hit"] == "both").groupby(joined["kind"]).mean()
    precision = found.merge(truth[_KEYS], on=_KEYS).shape[0] / max(len(found), 1)
    parts = [f"recall {kind} {share:.3f}" for kind, share in recall.items()]
    return ", ".join([*parts, f"precision {precision:.3f} of {len(found)} pairs"])


def scale(sizes: list[int], distance: int) -> None:
    """Print seconds and peak memory of the search at each size."""
    context = multiprocessing.get_context("spawn")
    for size in sizes:
        with context.Pool(1) as pool:
            print(pool.apply(_search, (size, distance)), flush=True)


def _search(size: int, distance: int) -> str:
    rng = np.random.default_rng(size)
    hashes = rng.integers(0, 2**64, size, dtype=np.uint64)
    planted = max(size // 100, 1)
    flips = np.bitwise_or.reduce(
        np.uint64(1) << rng.integers(0, 64, (distance, planted)).astype("u8")
    )
    hashes[-planted:] = hashes[:planted] ^ flips
    crops = rng.integers(0, 2**64, 5 * size, dtype=np.uint64)
    before = _peak_mb()
    start = time.perf_counter()
    pairs = within_distance(hashes, hashes, distance)
    whole = time.perf_counter() - start
    within_distance(hashes, crops, distance)
    cropped = time.perf_counter() - start
    flipped = rng.integers(0, 2**64, size, dtype=np.uint64)
    within_distance(flipped, hashes, distance)
    within_distance(flipped, crops, distance)
    mirrored = time.perf_counter() - start
    found = int(((pairs.right - pairs.left) == size - planted).sum())
    return (
        f"{size} hashes: whole against whole {whole:.2f} s, with 5 crops each {cropped:.2f} s, "
        f"with flips, as the stage searches, {mirrored:.2f} s, "
        f"{found} of {planted} planted pairs found, peak {_peak_mb():.0f} MB ({before:.0f} before)"
    )


def _peak_mb() -> float:
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_subparsers(dest="what", required=True)
    one = what.add_parser("copies")
    one.add_argument("--light", type=int, default=700)
    one.add_argument("--dark", type=int, default=500)
    one.add_argument("--seed", type=int, default=3)
    one.add_argument("--near-distance", type=int, nargs="+", default=[2, 4, 6, 8, 10, 12])
    two = what.add_parser("scale")
    two.add_argument("--images", type=int, nargs="+", default=[16_600, 100_000, 1_000_000])
    two.add_argument("--near-distance", type=int, default=6)
    given = parser.parse_args()
    if given.what == "copies":
        copies(given.light, given.dark, given.seed, given.near_distance)
    else:
        scale(given.images, given.near_distance)


if __name__ == "__main__":
    main()
