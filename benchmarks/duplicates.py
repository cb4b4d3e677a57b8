"""Near duplicates: recall and precision per kind of planted copy, time and memory at scale.

    python benchmarks/duplicates.py copies [--seeds 11 12 13] [--originals FOLDER]
    python benchmarks/duplicates.py scale [--images 16600 100000 1000000]

``copies`` plants copies whose truth is known: in phantoms (the recipe ``duplicates``, rendered
anew for each seed) or, with ``--originals``, in a folder of real images, in memory and nowhere
else. Each picture gets one copy at most, of one kind, or of several at once for real images. All
other pairs are strangers. Recall of a kind: planted pairs that were found. Precision of a kind:
found pairs with such a copy in them that are true. Real images that the search joins before
anything is planted are counted and left out, all but one of each cluster, for their truth is
not known.

``scale`` draws a table of fingerprints at random, plants one near pair per hundred and does all
that the filter stage does to find copies: search, verification, clusters. Each size runs in a
process of its own, whose peak memory is quoted; much of it is the table of thumbnails itself.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import multiprocessing
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont
from rich.progress import track

from tonegap.duplicates.candidates import hash_candidates
from tonegap.duplicates.clustering import clusters
from tonegap.duplicates.pairs import near_duplicate_pairs, verified
from tonegap.fingerprint.decoding import decode
from tonegap.fingerprint.measures import fingerprint
from tonegap.fingerprint.table import fingerprint_table
from tonegap.phantom.copies import KINDS, draw_copy, planted_copies
from tonegap.phantom.recipes import annotation_table, identifier
from tonegap.phantom.render import jpeg_from_url
from tonegap.phantom.spec import Copy

_KEYS = ["md5hash_a", "md5hash_b"]
_REAL_KINDS = (
    *KINDS,
    "resize+reencode",
    "reencode+crop",
    "resize+reencode+crop",
    "reencode+crop+flip",
    "resize+watermark",
    "each side",
    "corner",
)


def copies(
    seeds: list[int], distances: list[int], groups: tuple[int, int], folder: Path | None
) -> None:
    """Print recall and precision per kind of copy, for each near_distance, over all seeds."""
    drawn = [_phantoms(seed, groups) for seed in seeds] if folder is None else _real(folder, seeds)
    for distance in distances:
        scores = [_scores(index, truth, distance) for index, truth in drawn]
        print(f"near_distance {distance}, seeds {seeds}:")
        print(_summed(scores).to_string(float_format=lambda share: f"{share:.3f}"))


def _phantoms(seed: int, groups: tuple[int, int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Render one seed's phantoms: their fingerprints and the planted pairs."""
    table = annotation_table("duplicates", *groups, 0, seed=seed)
    table = table[table["url"].notna()]
    rows = [
        fingerprint(name, jpeg_from_url(url))
        for name, url in track(list(zip(table["md5hash"], table["url"], strict=True)))
    ]
    return fingerprint_table(rows), planted_copies(table)


def _real(folder: Path, seeds: list[int]) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """Plant a copy of each real image, of a kind that goes round with image and seed."""
    files = {path.stem: path for path in sorted(folder.glob("*.jpg"))}
    known = fingerprint_table(
        fingerprint(name, path.read_bytes()) for name, path in track(list(files.items()))
    )
    found = near_duplicate_pairs(known, 6)
    cluster = clusters(known["md5hash"], found)
    apart = known[known["md5hash"].to_numpy() == cluster.to_numpy()]
    print(f"{len(known)} images, {len(found)} pairs before planting; {len(apart)} of them taken")
    return [_planted(apart, files, seed) for seed in seeds]


def _planted(
    known: pd.DataFrame, files: dict[str, Path], seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    rows, pairs = [], []
    for number, name in enumerate(track(list(known["md5hash"]))):
        kind = _REAL_KINDS[(number + seed) % len(_REAL_KINDS)]
        copied = identifier(f"{name} {kind} {seed}")
        rows.append(fingerprint(copied, _copy(decode(files[name].read_bytes()), kind, rng)))
        pairs.append((*sorted([name, copied]), kind))
    index = pd.concat([known, fingerprint_table(rows)], ignore_index=True)
    return index, pd.DataFrame(pairs, columns=[*_KEYS, "kind"])


def _copy(picture: Image.Image, kind: str, rng: np.random.Generator) -> bytes:
    """Change what ``kind`` names, within the ranges of :func:`draw_copy`; a JPEG file.

    Crops harder than its own: up to 5 % off at each side, or 5 % of width and height at a corner.
    """
    if kind in {"each side", "corner"}:
        return _cut(picture, kind, rng)
    drawn = [vars(draw_copy(each, rng)) for each in kind.split("+")]
    plain = vars(Copy())
    changed = {key: value for one in drawn for key, value in one.items() if value != plain[key]}
    copy = replace(Copy(), **changed)
    # Half of the crops keep the centre, the others any part.
    x, y = rng.uniform(size=2) if rng.random() < 0.5 else (0.5, 0.5)
    left, top = picture.width * copy.crop * x, picture.height * copy.crop * y
    width, height = picture.width * (1 - copy.crop), picture.height * (1 - copy.crop)
    picture = picture.crop((round(left), round(top), round(left + width), round(top + height)))
    size = (round(picture.width * copy.resize), round(picture.height * copy.resize))
    picture = picture.resize(size, Image.Resampling.BICUBIC)
    picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if copy.flip else picture
    picture = _captioned(picture) if copy.watermark else picture
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=copy.quality, subsampling="4:2:0")
    return stream.getvalue()


def _cut(picture: Image.Image, kind: str, rng: np.random.Generator) -> bytes:
    """Cut the sides and code what is left as a JPEG file."""
    left, top, right, bottom = rng.uniform(0.0, 0.05, 4)
    if kind == "corner":
        left, top = rng.choice([0.0, 0.05], 2)
        right, bottom = 0.05 - left, 0.05 - top
    width, height = picture.size
    box = (width * left, height * top, width * (1 - right), height * (1 - bottom))
    stream = io.BytesIO()
    picture.crop(tuple(map(round, box))).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def _captioned(picture: Image.Image) -> Image.Image:
    """Print pale, half transparent letters across half of the picture, near its lower edge."""
    layer = Image.new("RGBA", picture.size)
    font = ImageFont.load_default(size=max(picture.height // 14, 6))
    place = (picture.width // 4, picture.height - picture.height // 9)
    ImageDraw.Draw(layer).text(place, "(c) Dermatology Atlas", (235, 235, 235, 153), font)
    return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")


def _scores(index: pd.DataFrame, truth: pd.DataFrame, distance: int) -> pd.DataFrame:
    """Count planted pairs and those recalled, found pairs and the true ones; by kind and in all."""
    found = near_duplicate_pairs(index, distance)[_KEYS]
    hit = truth.merge(found, on=_KEYS)
    true = found.merge(truth, on=_KEYS, how="left")["kind"].notna().to_numpy()
    kind_of = _kinds_of_images(truth)
    rows = {"all": [len(truth), len(hit), int(true.sum()), len(found)]}
    for kind in sorted(truth["kind"].unique()):
        has = (found.map(kind_of.get) == kind).any(axis=1).to_numpy()
        planted, kept = ((table["kind"] == kind).sum() for table in (truth, hit))
        rows[kind] = [int(planted), int(kept), int((true & has).sum()), int(has.sum())]
    return pd.DataFrame.from_dict(
        rows, orient="index", columns=["planted", "recalled", "true", "found"]
    )


def _kinds_of_images(truth: pd.DataFrame) -> dict[str, str]:
    """Which kind of planted pair each image is in: it is in one at most."""
    return {
        name: kind for key in _KEYS for name, kind in zip(truth[key], truth["kind"], strict=True)
    }


def _summed(scores: list[pd.DataFrame]) -> pd.DataFrame:
    total = functools.reduce(lambda one, other: one.add(other, fill_value=0), scores).astype(int)
    shares = {
        "recall": total["recalled"] / total["planted"],
        "precision": total["true"] / total["found"].clip(lower=1),
    }
    return total.assign(**shares)


def scale(sizes: list[int], distance: int) -> None:
    """Print seconds and peak memory of finding copies at each size."""
    context = multiprocessing.get_context("spawn")
    for size in sizes:
        with context.Pool(1) as pool:
            print(pool.apply(_find, (size, distance)), flush=True)


def _find(size: int, distance: int) -> str:
    rng = np.random.default_rng(size)
    index, truth = _random_index(size, distance, rng)
    before, steps = _peak_mb(), []
    with _timed(steps, "search"):
        candidates = hash_candidates(index, distance)
    with _timed(steps, "verification"):
        verified(index, candidates)
    with _timed(steps, "both, with exact copies"):
        found = near_duplicate_pairs(index, distance)
    with _timed(steps, "clusters"):
        clusters(index["md5hash"], found)
    hit = len(found.merge(truth, on=_KEYS))
    return (
        f"{size} images: {', '.join(steps)}; {hit} of {len(truth)} planted pairs among "
        f"{len(found)} found of {len(candidates)} candidates; peak {_peak_mb():.0f} MB "
        f"({before:.0f} with the table alone)"
    )


@contextlib.contextmanager
def _timed(steps: list[str], name: str) -> Iterator[None]:
    """Note what the body takes, in wall and in processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    yield
    spent = time.perf_counter() - wall, time.process_time() - processor
    steps.append(f"{name} {spent[0]:.2f} s (processor {spent[1]:.2f} s)")


def _random_index(
    size: int, distance: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw fingerprints of unrelated pictures; the last of them are near the first."""
    planted = max(size // 100, 1)
    flips = np.bitwise_or.reduce(
        np.uint64(1) << rng.integers(0, 64, (distance, planted)).astype("u8")
    )
    hashes = {name: rng.integers(0, 2**64, size, dtype=np.uint64) for name in _HASHES}
    hashes["phash"][-planted:] = hashes["phash"][:planted] ^ flips
    pictures = rng.integers(40, 216, (size, 1024), dtype=np.uint8)
    pictures[-planted:] = pictures[:planted] + rng.integers(0, 3, (planted, 1024), dtype=np.uint8)
    names = [identifier(str(number)) for number in range(size)]
    columns = {name: [f"{each:016x}" for each in value] for name, value in hashes.items()}
    crops, long = rng.bytes(_CROPS * 8 * size).hex(), _CROPS * 16
    columns["phash_crops"] = [crops[long * row : long * row + long] for row in range(size)]
    columns["thumbnail"] = [picture.tobytes().hex() for picture in pictures]
    index = pd.DataFrame(
        {"md5hash": names, "readable": True, "sha256": names, "pixel_sha256": names, **columns}
    )
    pairs = [sorted(pair) for pair in zip(names[:planted], names[-planted:], strict=True)]
    return index.sort_values("md5hash", ignore_index=True), pd.DataFrame(pairs, columns=_KEYS)


_CROPS = 14
_HASHES = ("phash", "phash_flip", "phash_inner")


def _peak_mb() -> float:
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_subparsers(dest="what", required=True)
    one = what.add_parser("copies")
    one.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    one.add_argument("--originals", type=Path, help="a folder of real images, <md5hash>.jpg")
    one.add_argument("--light", type=int, default=700, help="phantoms of light skin per seed")
    one.add_argument("--dark", type=int, default=500, help="phantoms of dark skin per seed")
    one.add_argument("--near-distance", type=int, nargs="+", default=[6])
    two = what.add_parser("scale")
    two.add_argument("--images", type=int, nargs="+", default=[16_600, 100_000, 1_000_000])
    two.add_argument("--near-distance", type=int, default=6)
    given = parser.parse_args()
    if given.what == "copies":
        groups = (given.light, given.dark)
        copies(given.seeds, given.near_distance, groups, given.originals)
    else:
        scale(given.images, given.near_distance)


if __name__ == "__main__":
    main()
