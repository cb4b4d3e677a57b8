"""Time the training step of LukeDitria/CNN-VAE and tonegap's in alternation.

    git clone <the repository of LukeDitria/CNN-VAE> cnn-vae
    git -C cnn-vae checkout be70946
    python benchmarks/against_cnn_vae.py --checkout cnn-vae

Both train the same architecture at the same batch and image size on the same noise
images, with VGG19's random features of the same weights. Theirs is the loop body of its
train_vae.py: images as float batches from memory (its loader is left out, in its favour),
both images in one pass through VGG19, four statistics fetched per step, gradient scaling
and autocast where CUDA is, PyTorch's switches as they are by default. Ours is the whole step:
picking images, scaling, flipping, noise, loss, update, with the switches of our training.

On a GPU, at the paper's sizes (what has to be brought along: the text of train.py beside this):

    python benchmarks/against_cnn_vae.py --checkout cnn-vae --paper --steps 20 --compile on

The ratio of a run counts the time to fill the cache of real images' features, where
ours keeps them: (epochs x draws) images trained on, 2 x distinct images passed first.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import itertools
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.nn import functional
from train import PAPER_MODELS, add_common_options, paper_sections, parsed

from tonegap.files.weights import resolve_weights
from tonegap.profiling.bench import synthetic_data, timed_steps
from tonegap.profiling.cost import parameter_count
from tonegap.training.precision import choose_arithmetic, describe_device, numerics
from tonegap.training.workbench import Workbench


def main() -> None:
    """Alternate and print JSON."""
    options = _options()
    arithmetic = choose_arithmetic(options.device, options.precision)
    features = resolve_weights("vgg19", "random")
    model, train = paper_sections(options)
    data = synthetic_data(4 * options.batch_size, options.image_size)
    theirs = their_steps(options, arithmetic.device, features.state_dict())
    ours_numerics = partial(numerics, deterministic=options.deterministic)
    with ours_numerics():
        bench = Workbench(arithmetic, expected_runs=PAPER_MODELS)
        placed = bench.features("bench", lambda: features)
        started = time.perf_counter()
        job = bench.prepare(data, model, train, placed)
        setup_s = time.perf_counter() - started
    ours = timed_steps(job, arithmetic, options.steps)
    rounds = []
    for _ in range(options.rounds + 1):
        their_s = statistics.fmean(itertools.islice(theirs, options.steps))
        with ours_numerics():
            rounds.append({"theirs_s": their_s, "ours_s": next(ours)})
    fill_s = setup_s * options.batch_size / (len(data.rows) * options.epochs) if job.cached else 0.0
    measured = rounds[1:]  # the first round warms both up
    steps = [r["theirs_s"] / r["ours_s"] for r in measured]
    runs = [r["theirs_s"] / (r["ours_s"] + fill_s) for r in measured]
    print(
        json.dumps(
            {
                "device": describe_device(arithmetic.device),
                "precision": arithmetic.name,
                "compiled": job.compiled,
                "cached": job.cached,
                "deterministic": options.deterministic,
                "parameters": parameter_count(job.run.network),
                "theirs_images_per_s": _rate(measured, "theirs_s", options.batch_size),
                "ours_images_per_s": _rate(measured, "ours_s", options.batch_size),
                "median_ratio_of_steps": statistics.median(steps),
                "smallest_and_largest_ratio": [min(steps), max(steps)],
                f"median_ratio_of_a_run_of_{options.epochs}_epochs": statistics.median(runs),
                "rounds": measured,
            },
            indent=2,
        )
    )


def their_steps(
    options: argparse.Namespace, device: torch.device, weights: dict[str, Tensor]
) -> Iterator[float]:
    """Build their network and optimiser and yield the seconds of step after step."""
    vae, vgg, helpers = _their_modules(options.checkout)
    network = vae.VAE(
        channel_in=3, ch=options.base_width, blocks=(1, 2, 4, 8), latent_channels=64,
        num_res_blocks=1, deep_model=True,
    ).to(device)  # fmt: skip
    # Its weights come from the network; here they are ours, in the order of its layers.
    with mock.patch("torch.hub.load_state_dict_from_url", return_value=weights):
        features = vgg.VGG19().to(device)
    step = _their_step(network, features, helpers.kl_loss, device)
    generator = torch.Generator().manual_seed(0)
    shape = (options.batch_size, 3, options.image_size, options.image_size)
    images = torch.rand(shape, generator=generator) * 2.0 - 1.0
    return _time_forever(lambda: step(images), device)


def _their_step(
    network: Any, features: Any, kl_loss: Callable[..., Tensor], device: torch.device
) -> Callable[[Tensor], None]:
    cuda = device.type == "cuda"
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-4)
    scaler = torch.amp.GradScaler(device.type, enabled=cuda)
    network.train()

    def step(images: Tensor) -> None:
        images = images.to(device)
        context = torch.autocast("cuda", torch.float16) if cuda else contextlib.nullcontext()
        with context:
            reconstruction, mu, log_var = network(images)
            loss = kl_loss(mu, log_var) + functional.mse_loss(reconstruction, images)
            distance = features(torch.cat((reconstruction, images), 0))
            loss = loss + distance
        distance.item()
        optimiser.zero_grad()
        scaler.scale(loss).backward()
        scaler.unscale_(optimiser)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10)
        scaler.step(optimiser)
        scaler.update()
        for statistic in (mu.mean(), mu.var(), log_var.mean(), log_var.var(), loss):
            statistic.item()

    return step


def _time_forever(act: Callable[[], None], device: torch.device) -> Iterator[float]:
    while True:
        started = time.perf_counter()
        act()  # ends with a fetched number, so the device is done
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        yield time.perf_counter() - started


def _their_modules(checkout: Path) -> tuple[ModuleType, ModuleType, ModuleType]:
    sys.path.insert(0, str(checkout))
    names = ("RES_VAE_Dynamic", "vgg19", "Helpers")
    vae, vgg, helpers = (importlib.import_module(name) for name in names)
    return vae, vgg, helpers


def _rate(rounds: list[dict[str, float]], key: str, batch_size: int) -> float:
    return batch_size / statistics.median(entry[key] for entry in rounds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkout", type=Path, required=True)
    add_common_options(parser)
    parser.add_argument("--cache-features", choices=("auto", "off", "on"), default="auto")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=2, help="of each per round")
    return parsed(parser)


if __name__ == "__main__":
    main()
