"""How fast training is on this machine, measured against its own matrix products."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import torch

from tonegap.model.cost import step_cost
from tonegap.model.perceptual import FeatureNetwork
from tonegap.params import ModelParams, TrainParams
from tonegap.training.feed import batch_spans, plan_epoch
from tonegap.training.loop import TrainingData
from tonegap.training.precision import Arithmetic, describe_device, numerics
from tonegap.training.usage import peak_bytes, reset_peak
from tonegap.training.workbench import Job, Workbench

_TERA = 1e12
Result = TypeVar("Result")
_PRODUCT_SIDE = {"cuda": 8192, "mps": 4096, "cpu": 1024}
_WARM_UP = 2  # steps before measuring, beside the first


@dataclass(frozen=True)
class TrainingSpeed:
    """What a training step achieves.

    Attributes
    ----------
    device, precision : str
        What it ran on and in.
    compiled, cached : bool
        Whether the loss was compiled and the real images' features were kept.
    batch_size, image_size : int
        Images per step, and their side in pixels.
    first_step_s : float
        First step, with compiling and choosing of algorithms, seconds.
    step_s : float
        Median of the measured steps, seconds.
    images_per_s : float
        Batch size over ``step_s``.
    gflop_per_image : float
        Operations of the step's convolutions and products, as written in the model.
    tflop_per_s : float
        ``gflop_per_image`` times ``images_per_s``.
    product_tflop_per_s : float
        Rate of a large matrix product in the same format, measured in the same run.
    share_of_product_rate : float
        ``tflop_per_s`` over ``product_tflop_per_s``. The model needs fewer operations than
        are counted where up-sampling is folded into its convolution.
    peak_device_bytes : int
        Largest GPU memory held by tensors; 0 without a GPU.
    """

    device: str
    precision: str
    compiled: bool
    cached: bool
    batch_size: int
    image_size: int
    first_step_s: float
    step_s: float
    images_per_s: float
    gflop_per_image: float
    tflop_per_s: float
    product_tflop_per_s: float
    share_of_product_rate: float
    peak_device_bytes: int

    def hours(self, models: int, images_per_model: int) -> float:
        """Extrapolate the time of a study's training, hours; nothing but steps is counted."""
        return models * images_per_model / self.images_per_s / 3600.0


def synthetic_data(images: int, image_size: int, seed: int = 0) -> TrainingData:
    """Uniform noise in place of images: the time of a step does not depend on its values."""
    pixels = np.random.default_rng(seed).integers(
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
    """
    bench = Workbench(arithmetic)
    placed = None if features is None else bench.features("bench", lambda: features)
    reset_peak(arithmetic.device)
    with numerics(deterministic=train.deterministic):
        job = bench.prepare(synthetic_data(4 * train.batch_size, image_size), model, train, placed)
        seconds = list(itertools.islice(timed_steps(job, arithmetic), 1 + _WARM_UP + steps))
        product = product_rate(arithmetic)
    step_s = statistics.median(seconds[1 + _WARM_UP :])
    cost = step_cost(job.run.network, image_size, placed)
    gflop = cost.total_gflop - (cost.target_features_gflop if job.cached else 0.0)
    achieved = gflop * 1e9 * train.batch_size / step_s / _TERA
    return TrainingSpeed(
        device=describe_device(arithmetic.device),
        precision=arithmetic.name,
        compiled=job.compiled,
        cached=job.cached,
        batch_size=train.batch_size,
        image_size=image_size,
        first_step_s=seconds[0],
        step_s=step_s,
        images_per_s=train.batch_size / step_s,
        gflop_per_image=gflop,
        tflop_per_s=achieved,
        product_tflop_per_s=product,
        share_of_product_rate=achieved / product,
        peak_device_bytes=peak_bytes(arithmetic.device),
    )


def timed_steps(job: Job, arithmetic: Arithmetic) -> Iterator[float]:
    """Train on, yielding the seconds of each step, waiting for the device after each.

    Waiting costs a GPU the overlap of one step with the next: the true rate is no lower.
    """
    loop = job.loop
    spans = batch_spans(len(loop.data.rows), loop.batch_size)
    for epoch in itertools.count():
        steps = loop.steps(
            job.run, plan_epoch(loop.data.rows, epoch, loop.seed, flip=loop.flip), spans
        )
        for _ in spans:
            yield _timed(partial(next, steps), arithmetic.device)[0]


def product_rate(arithmetic: Arithmetic, repeats: int = 5) -> float:
    """Rate of a large square matrix product in the run's format, TFLOP/s: the best of several."""
    side = _PRODUCT_SIDE[arithmetic.device.type]
    dtype = arithmetic.autocast or torch.float32
    factor = torch.rand(side, side, device=arithmetic.device).to(dtype)
    seconds = [_timed(lambda: factor @ factor, arithmetic.device)[0] for _ in range(repeats + 1)]
    return 2.0 * side**3 / min(seconds[1:]) / _TERA


def _timed(act: Callable[[], Result], device: torch.device) -> tuple[float, Result]:
    _wait(device)
    started = time.perf_counter()
    result = act()
    _wait(device)
    return time.perf_counter() - started, result


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
