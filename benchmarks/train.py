r"""Time training steps or whole models: `python benchmarks/train.py --help`.

On a GPU, at the paper's settings, without and with torch.compile; then two whole models, from
which thirty are extrapolated as one process would train them:

    python benchmarks/train.py --paper --steps 50 --compile off
    python benchmarks/train.py --paper --steps 50 --compile on
    python benchmarks/train.py --paper --whole-models 2 --compile on

On a laptop, reduced:

    python benchmarks/train.py --steps 5
    python benchmarks/train.py --whole-models 2 --draws 32 --epochs 2

From the source tree, where tonegap is not installed and no registry is reached: besides torch,
torchvision and numpy this needs four packages and theirs, brought in a folder (some are compiled
for one version of Python; take the other machine's):

    pip install --target wheels --only-binary :all: --python-version 3.12 \
        jaxtyping pydantic ruamel.yaml safetensors
    PYTHONPATH=src:wheels python benchmarks/train.py --paper --steps 50 --compile on

With typer and platformdirs as well, `PYTHONPATH=src:wheels python -m tonegap bench train --study
paper` runs there too.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tonegap.files.parameters import read_yaml
from tonegap.files.weights import resolve_weights
from tonegap.params import ModelParams, TrainParams
from tonegap.profiling.bench import measure_training, train_whole_models
from tonegap.study.plan import plan_study
from tonegap.training.precision import choose_arithmetic, describe_device
from tonegap.training.usage import peak_bytes, peak_process_bytes, peak_reserved_bytes

ROOT = Path(__file__).resolve().parent.parent
PAPER_DRAWS, PAPER_EPOCHS, PAPER_MODELS = 1_668, 15, 30
PAPER = {"image_size": 128, "base_width": 64, "batch_size": 64}


def main() -> None:
    """Measure once and print JSON."""
    options = _options()
    model, train = paper_sections(options)
    measure = _whole_models if options.whole_models else _steps
    print(json.dumps(measure(model, train, options), indent=2))


def paper_sections(options: argparse.Namespace) -> tuple[ModelParams, TrainParams]:
    """Give the paper's network, objective and optimiser at the sizes asked for.

    They are those of studies/paper.yaml, whatever params.yaml says at the moment.
    """
    study = plan_study(
        "paper", read_yaml(ROOT / "studies/paper.yaml"), read_yaml(ROOT / "params.yaml")
    )
    paper = study.cells[0].params
    return (
        paper.model.model_copy(update={"base_width": options.base_width}),
        paper.train.model_copy(
            update={
                "batch_size": options.batch_size,
                "epochs": options.epochs,
                "device": options.device,
                "precision": options.precision,
                "compile": options.compile,
                "cache_features": options.cache_features,
                "deterministic": options.deterministic,
            }
        ),
    )


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that decide what is trained and on what."""
    parser.add_argument("--paper", action="store_true", help="128 px, base width 64, batch 64")
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--base-width", type=int, default=16)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=PAPER_EPOCHS)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--compile", choices=("auto", "off", "on"), default="auto")
    parser.add_argument("--deterministic", action=argparse.BooleanOptionalAction, default=True)


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse the command line; ``--paper`` overrides the sizes."""
    options = parser.parse_args()
    if options.paper:
        vars(options).update(PAPER)
    return options


def _steps(model: ModelParams, train: TrainParams, options: argparse.Namespace) -> dict[str, Any]:
    speed = measure_training(
        model,
        train,
        options.image_size,
        choose_arithmetic(train.device, train.precision),
        resolve_weights(train.perceptual_network, "random"),
        steps=options.steps,
    )
    hours = speed.hours(PAPER_MODELS, PAPER_DRAWS * PAPER_EPOCHS)
    return asdict(speed) | {"hours_of_30_models_at_this_size_steps_alone": hours}


def _whole_models(
    model: ModelParams, train: TrainParams, options: argparse.Namespace
) -> dict[str, Any]:
    arithmetic = choose_arithmetic(train.device, train.precision)
    whole = train_whole_models(
        model,
        train,
        options.image_size,
        arithmetic,
        resolve_weights(train.perceptual_network, "random"),
        draws=options.draws,
        models=options.whole_models,
        runs=PAPER_MODELS,
    )
    return {
        "device": describe_device(arithmetic.device),
        "precision": arithmetic.name,
        "draws": options.draws,
        "epochs": options.epochs,
        "seconds_of_each_model": whole.seconds,
        "images_per_s_of_the_last": options.draws * options.epochs / whole.seconds[-1],
        "hours_of_30_such_models": whole.hours(PAPER_MODELS),
        "peak_device_bytes": peak_bytes(arithmetic.device),
        "peak_reserved_bytes": peak_reserved_bytes(arithmetic.device),
        "peak_process_bytes": peak_process_bytes(),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_common_options(parser)
    parser.add_argument("--cache-features", choices=("auto", "off", "on"), default="off")
    parser.add_argument("--steps", type=int, default=10, help="to measure")
    parser.add_argument("--whole-models", type=int, default=0, help="train so many instead")
    parser.add_argument("--draws", type=int, default=PAPER_DRAWS, help="per epoch of whole models")
    return parsed(parser)


if __name__ == "__main__":
    main()
