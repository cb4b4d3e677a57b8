"""Measure what each uncertainty score costs: time per image, time to fit, memory.

Run ``python benchmarks/scores.py``, or with ``--size 64``. Networks are untrained: costs do not
depend on weights. Each score is measured in a process of its own. ``--paper`` computes the costs at
the paper's size from shapes alone. It records and judges nothing.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from tonegap.assessment import per_image_errors
from tonegap.files.parameters import read_params
from tonegap.model.factory import build_model
from tonegap.model.protocol import VaeAdapter, as_generative
from tonegap.study.files import read_study
from tonegap.training.precision import numerics
from tonegap.uncertainty import decoder_laplace, last_layer_laplace
from tonegap.uncertainty.setting import Setting, TrainingDraw
from tonegap.uncertainty.table import FITS, fit_scores

ROOT = Path(__file__).parent.parent
PAPER_DRAWS, PAPER_TESTS = 1668, 1000
TERA = 1e12
REPEATS = 3


def main() -> None:
    """Print one row per score."""
    options = _options()
    if options.paper:
        _print_paper()
        return
    print(
        f"{options.size} px, {options.draws} draws, {options.images} images, one thread, CPU time"
    )
    print(f"{'score':<20}{'fit, s':>10}{'per image, ms':>16}{'more memory, MB':>18}")
    for name in ("reconstruction", *FITS):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            fit, each, memory = pool.apply(_measure, (name, options))
        print(f"{name:<20}{fit:>10.2f}{1000 * each:>16.1f}{memory:>18.0f}", flush=True)


def _measure(name: str, options: argparse.Namespace) -> tuple[float, float, float]:
    """Return seconds to fit, seconds per image and MB beyond what the reconstruction takes."""
    torch.set_num_threads(1)
    params = read_params(ROOT / "params.yaml")
    rng = np.random.default_rng(0)
    shape = (options.size, options.size, 3)
    train = rng.integers(0, 256, (options.draws, *shape), dtype=np.uint8)
    images = rng.integers(0, 256, (options.images, *shape), dtype=np.uint8)
    train = train[rng.integers(0, options.draws, options.draws)]
    model = as_generative(build_model(params.model, options.size, seed=0), options.size)
    batch = params.evaluate.batch_size
    with numerics(deterministic=True, strict=False):
        per_image_errors(model, images[:batch], batch)
        alone = _seconds(lambda: per_image_errors(model, images, batch))
        before = _peak()
        if name == "reconstruction":
            return 0.0, alone / options.images, 0.0
        setting = Setting(model, TrainingDraw.of(train), torch.device("cpu"), batch, 50)
        started = time.process_time()
        scores = fit_scores([name], setting)
        fit = time.process_time() - started
        both = _seconds(lambda: per_image_errors(model, images, batch, scores=scores))
    return fit, max(both - alone, 0.0) / options.images, _peak() - before


def _seconds(work: Callable[[], object]) -> float:
    """Return the least CPU time of some repetitions."""
    found = []
    for _ in range(REPEATS):
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    return min(found)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def _print_paper() -> None:
    """Count operations and memory of one model of the paper from shapes."""
    paper = read_study(ROOT, "paper").cells[0].params
    size = paper.data.image_size
    network = build_model(paper.model, size, seed=0)
    model = as_generative(network, size)
    if not isinstance(model, VaeAdapter):
        raise TypeError("the paper's model is a VAE")
    decode = 42.5e9 / 2.0  # forward pass of one image, half of it in the decoder
    distinct = int(PAPER_DRAWS * (1 - np.exp(-PAPER_DRAWS / 7255)) * 7255 / PAPER_DRAWS)
    width = network.to_image.weight[0].numel() + 1
    places = (size // last_layer_laplace.STRIDE) ** 2
    weights = sum(p.numel() for name, p in network.named_parameters() if "decoder" in name)
    weights += sum(p.numel() for p in network.to_image.parameters())
    latent = np.prod(network.latent_shape(size))
    rows = decoder_laplace.ROWS
    gradients = rows + decoder_laplace.PROBES * PAPER_TESTS
    costs = {
        "latent_knn": (distinct * 42.5e9 / 2, PAPER_DRAWS * latent * 4),
        "last_layer_laplace": (
            distinct * (42.5e9 + 6.0 * places * width**2)
            + PAPER_TESTS * (decode + 6.0 * places * width**2),
            3 * width**2 * 8 * 2,
        ),
        "decoder_laplace": (
            gradients * 3.0 * decode
            + (2.0 * rows**2 + 2.0 * rows * decoder_laplace.RANK) * weights
            + decoder_laplace.PROBES * PAPER_TESTS * 2.0 * decoder_laplace.RANK * weights,
            (rows + decoder_laplace.RANK) * weights * 4.0,
        ),
        "ensemble": (5800 * 42.5e9, 5800 * 1024 * 2),
    }
    print(f"one model of the paper: {distinct} distinct training images, {PAPER_TESTS} tests, "
          f"{weights / 1e6:.1f} M decoder weights")  # fmt: skip
    print(f"{'score':<20}{'TFLOP':>10}{'memory, GB':>14}")
    for name, (operations, memory) in costs.items():
        print(f"{name:<20}{operations / TERA:>10.1f}{memory / 1e9:>14.2f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=32, help="side of the images, pixels")
    parser.add_argument("--draws", type=int, default=128)
    parser.add_argument("--images", type=int, default=120)
    parser.add_argument("--paper", action="store_true", help="costs at the paper's size, by shapes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
