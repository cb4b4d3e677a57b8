"""Time training steps and extrapolate a study: `python benchmarks/train.py --help`.

On a GPU, at the paper's settings:

    python benchmarks/train.py --image-size 128 --base-width 64 --batch-size 64 --steps 50

On a laptop, reduced:

    python benchmarks/train.py --image-size 64 --base-width 16 --batch-size 16 --steps 5
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from tonegap.files.parameters import read_params
from tonegap.files.weights import resolve_weights
from tonegap.params import ModelParams, TrainParams
from tonegap.training.bench import measure_training
from tonegap.training.precision import choose_arithmetic

PAPER_IMAGES = 1_668 * 15  # training draws x epochs of one model
PAPER_MODELS = 30


def main() -> None:
    """Measure once and print JSON."""
    options = _options()
    params = read_params(Path(__file__).resolve().parent.parent / "params.yaml")
    model, train = paper_sections(params.model, params.train, options)
    speed = measure_training(
        model,
        train,
        options.image_size,
        choose_arithmetic(train.device, train.precision),
        resolve_weights(train.perceptual_network, "random"),
        steps=options.steps,
    )
    hours = speed.hours(PAPER_MODELS, PAPER_IMAGES)
    print(json.dumps(asdict(speed) | {"hours_of_30_models_at_this_size": hours}, indent=2))


def paper_sections(
    model: ModelParams, train: TrainParams, options: argparse.Namespace
) -> tuple[ModelParams, TrainParams]:
    """Give the paper's network and optimiser at the sizes asked for."""
    network = {"block_widths": (1, 2, 4, 8), "latent_channels": 64, "deep": True}
    return (
        model.model_copy(update=network | {"base_width": options.base_width}),
        train.model_copy(
            update={
                "batch_size": options.batch_size,
                "learning_rate": 1e-4,
                "epochs": 15,
                "perceptual_network": "vgg19",
                "device": options.device,
                "precision": options.precision,
                "compile": options.compile,
                "cache_features": options.cache_features,
                "deterministic": options.deterministic,
            }
        ),
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--base-width", type=int, default=16)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--compile", choices=("auto", "off", "on"), default="auto")
    parser.add_argument("--cache-features", choices=("auto", "off", "on"), default="off")
    parser.add_argument("--deterministic", action=argparse.BooleanOptionalAction, default=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
