"""Measure training speed on this machine, relative to its own matrix products."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from tonegap.model.factory import build_model
from tonegap.model.perceptual import FeatureNetwork
from tonegap.params import ModelParams, TrainParams
from tonegap.profiling.cost import step_cost
from tonegap.training.feed import batch_spans, plan_epoch
from tonegap.training.loop import TrainingData
from tonegap.training.precision import Arithmetic, describe_device, numerics
from tonegap.training.step import StepResult
from tonegap.training.usage import (
    peak_bytes,
    peak_process_bytes,
    peak_reserved_bytes,
    reset_peak,
)
from tonegap.training.workbench import TrainingJob, Workbench

_TERA = 1e12
_PRODUCT_SIDE = {"cuda": 8192, "mps": 4096, "cpu": 1024}
_PRODUCTS = 6  # the best of them is the rate
_WARM_UP = 2  # steps before measuring, in addition to the first
_BLOCKS = 5  # at most, into which the measured steps are divided


@dataclass(frozen=True)
class TrainingSpeed:
    """Speed and cost of a training step.

    Attributes
    ----------
    device, precision : str
        Device and number format.
    compiled, cached : bool
        True if the loss was compiled, and if the real images' features were cached.
    batch_size, image_size : int
        Images per step, and their side in pixels.
    setup_s : float
        Time to build the model and to compute cached features, seconds.
    first_step_s : float
        First step, including compiling and the choice of algorithms, seconds.
    step_s : float
        Seconds per step: the median of blocks of steps. Each block ends by waiting for the
        device. Within a block, the host runs ahead of a GPU, as in training.
    images_per_s : float
        Batch size over ``step_s``.
    gflop_per_image : float
        Operations of the step's convolutions and products, as written in the model.
    tflop_per_s : float
        ``gflop_per_image`` times ``images_per_s``.
    product_tflop_per_s : float
        Rate of a large matrix product in the same format, measured in the same run.
    share_of_product_rate : float
        ``tflop_per_s`` over ``product_tflop_per_s``. If up-sampling is folded into its
        convolution, the model needs fewer operations than are counted.
    peak_device_bytes : int
        Largest GPU memory held by tensors; 0 without a GPU.
    peak_reserved_bytes : int
        Largest GPU memory that the process reserved for them. It matters if experiments share a
        GPU; CUDA itself needs about half a gigabyte more. 0 without a GPU.
    peak_process_bytes : int
        Largest main memory of this process since its start, including Python, PyTorch and the
        measured product; 0 if the system does not report it.
    """

    device: str
    precision: str
    compiled: bool
    cached: bool
    batch_size: int
    image_size: int
    setup_s: float
    first_step_s: float
    step_s: float
    images_per_s: float
    gflop_per_image: float
    tflop_per_s: float
    product_tflop_per_s: float
    share_of_product_rate: float
    peak_device_bytes: int
    peak_reserved_bytes: int
    peak_process_bytes: int

    def hours(self, models: int, images_per_model: int) -> float:
        """Extrapolate the time of a study's training, hours; only steps are counted."""
        return models * images_per_model / self.images_per_s / 3600.0


@dataclass(frozen=True)
class WholeModels:
    """Models trained from their first step to their last, one after another in a process.

    Attributes
    ----------
    seconds : tuple of float
        Wall time of each: building, caching features, compiling and all epochs. The first
        also includes the setup that the others share.
    """

    seconds: tuple[float, ...]

    def hours(self, models: int) -> float:
        """Extrapolate to a study in one process: the first model, and others like the last."""
        return (self.seconds[0] + (models - 1) * self.seconds[-1]) / 3600.0


def synthetic_data(images: int, image_size: int) -> TrainingData:
    """Return uniform noise as images: the time of a step does not depend on the values."""
    pixels = np.random.default_rng(0).integers(
        0, 256, (images, image_size, image_size, 3), dtype=np.uint8
    )
    return TrainingData(pixels, np.arange(images), [f"{row:032x}" for row in range(images)])


def measure_training(
    model: ModelParams,
    train: TrainParams,
    image_size: int,
    arithmetic: Arithmetic,
    features: FeatureNetwork | None,
    *,
    steps: int = 10,
    draws: int | None = None,
    runs: int = 1,
) -> TrainingSpeed:
    """Time training steps on synthetic images.

    Parameters
    ----------
    model, train
        The sections of params.yaml.
    image_size
        Pixels.
    arithmetic
        Device and number format.
    features
        The perceptual network, or None.
    steps
        Steps to measure, after the first and two more to warm up.
    draws
        Images of an epoch, all distinct; four batches by default. Together with ``runs``, they
        decide how ``auto`` resolves for compiling and for caching features.
    runs
        Assumed number of models that the process trains.
    """
    bench = Workbench(arithmetic, expected_runs=runs)
    placed = None if features is None else bench.features("bench", lambda: features)
    data = synthetic_data(draws or 4 * train.batch_size, image_size)
    reset_peak(arithmetic.device)
    with numerics(deterministic=train.deterministic):
        started = time.perf_counter()
        job = bench.prepare(data, model, train, placed)
        _wait(arithmetic.device)
        setup_s = time.perf_counter() - started
        taken = taken_steps(job)
        first_step_s = _seconds_per_step(taken, 1, arithmetic.device)
        _seconds_per_step(taken, _WARM_UP, arithmetic.device)
        sizes = [len(part) for part in np.array_split(range(steps), min(steps, _BLOCKS))]
        step_s = statistics.median(
            _seconds_per_step(taken, size, arithmetic.device) for size in sizes
        )
        peaks = peak_bytes(arithmetic.device), peak_reserved_bytes(arithmetic.device)
        product = product_rate(arithmetic)
    # Of a fresh model: one that has taken steps may hold what cannot be copied.
    cost = step_cost(build_model(model, image_size, train.seed), image_size, placed)
    gflop = cost.total_gflop - (cost.target_features_gflop if job.cached else 0.0)
    achieved = gflop * 1e9 * train.batch_size / step_s / _TERA
    return TrainingSpeed(
        device=describe_device(arithmetic.device),
        precision=arithmetic.name,
        compiled=job.compiled,
        cached=job.cached,
        batch_size=train.batch_size,
        image_size=image_size,
        setup_s=setup_s,
        first_step_s=first_step_s,
        step_s=step_s,
        images_per_s=train.batch_size / step_s,
        gflop_per_image=gflop,
        tflop_per_s=achieved,
        product_tflop_per_s=product,
        share_of_product_rate=achieved / product,
        peak_device_bytes=peaks[0],
        peak_reserved_bytes=peaks[1],
        peak_process_bytes=peak_process_bytes(),
    )


def train_whole_models(
    model: ModelParams,
    train: TrainParams,
    image_size: int,
    arithmetic: Arithmetic,
    features: FeatureNetwork | None,
    *,
    draws: int,
    models: int,
    runs: int,
) -> WholeModels:
    """Train whole models on synthetic images, one after another, as a study in one process does.

    Checkpoints, the log and the other stages are left out.

    Parameters
    ----------
    model, train, image_size, arithmetic, features, runs
        As in :func:`measure_training`.
    draws
        Images of an epoch, all distinct.
    models
        Number of models to train.
    """
    bench = Workbench(arithmetic, expected_runs=runs)
    placed = None if features is None else bench.features("bench", lambda: features)
    data = synthetic_data(draws, image_size)
    seconds = []
    for seed in range(models):
        started = time.perf_counter()
        with numerics(deterministic=train.deterministic):
            settings = train.model_copy(update={"seed": seed})
            job = bench.prepare(data, model, settings, placed, data_key="bench")
            for _ in job.loop.epochs(job.run, train.epochs):
                pass  # an epoch ends by fetching its losses: the device is done
        seconds.append(time.perf_counter() - started)
    return WholeModels(tuple(seconds))


def taken_steps(job: TrainingJob) -> Iterator[StepResult]:
    """Train without end; yield after each step is queued on the device."""
    loop = job.loop
    spans = batch_spans(len(loop.data.rows), loop.batch_size)
    # Only full batches: a smaller last one would count as a faster step.
    full = [span for span in spans if span.stop - span.start == loop.batch_size] or spans
    for epoch in itertools.count():
        plan = plan_epoch(loop.data.rows, epoch, loop.seed, flip=loop.flip)
        yield from loop.steps(job.run, plan, full)


def timed_steps(job: TrainingJob, arithmetic: Arithmetic, block: int = 1) -> Iterator[float]:
    """Continue training; yield the seconds per step of each block of steps.

    Each block ends by waiting for the device. Waiting prevents the overlap of one step with
    the next on a GPU, so the true speed is at least as high.
    """
    taken = taken_steps(job)
    while True:
        yield _seconds_per_step(taken, block, arithmetic.device)


def product_rate(arithmetic: Arithmetic) -> float:
    """Return the best rate of a large square matrix product in the run's format, TFLOP/s."""
    side = _PRODUCT_SIDE[arithmetic.device.type]
    dtype = arithmetic.autocast or torch.float32
    factor = torch.rand(side, side, device=arithmetic.device).to(dtype)
    products = (factor @ factor for _ in itertools.count())
    return (
        2.0
        * side**3
        / min(_seconds_per_step(products, 1, arithmetic.device) for _ in range(_PRODUCTS))
        / _TERA
    )


def _seconds_per_step(taken: Iterator[object], steps: int, device: torch.device) -> float:
    _wait(device)
    started = time.perf_counter()
    for _ in itertools.islice(taken, steps):
        pass
    _wait(device)
    return (time.perf_counter() - started) / steps


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
