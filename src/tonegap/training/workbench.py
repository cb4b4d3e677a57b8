"""The workbench: state that one process shares between the models that it trains.

The perceptual network, the images on the device and compiled code outlive a model, so a
study in one process pays for them only once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import nn

from tonegap.errors import MachineError, TrainingError
from tonegap.model.factory import build_model
from tonegap.model.objective import Objective
from tonegap.model.perceptual import FeatureNetwork
from tonegap.model.protocol import latent_shape
from tonegap.params import ModelParams, TrainParams
from tonegap.training.feed import Feed, batch_spans, make_feed
from tonegap.training.loop import Loop, Run, TrainingData
from tonegap.training.precision import Arithmetic, compiler_problem, room_bytes
from tonegap.training.randomness import DeviceNoise
from tonegap.training.schedule import LearningRate
from tonegap.training.step import LossFunction, Stepper, loss_function, make_optimiser
from tonegap.training.targets import bytes_per_image, caching_pays, make_targets, tap_mean_squares
from tonegap.training.weighting import make_weighting

_COMPILE_REPAID_STEPS = 5_000
"""Number of steps that repays a minute of compiling if each saves 12 ms; an estimate."""

Kept = TypeVar("Kept")


@dataclass(frozen=True)
class TrainingJob:
    """A run, ready to train.

    Attributes
    ----------
    loop, run
        The constant and the changing part of the run.
    compiled, cached : bool
        The resolved values of ``auto``.
    remark : str
        Remark for the user; usually empty.
    """

    loop: Loop
    run: Run
    compiled: bool
    cached: bool
    remark: str = ""


class Workbench:
    """Owner of the state that runs share.

    Parameters
    ----------
    arithmetic
        Device and number format of all runs.
    expected_runs
        Number of models that this process will train, to decide whether compiling pays.
    """

    def __init__(self, arithmetic: Arithmetic, expected_runs: int = 1) -> None:
        self.arithmetic = arithmetic
        self._expected_runs = expected_runs
        self._kept: dict[str, tuple[Hashable, Any]] = {}

    def features(self, key: Hashable, make: Callable[[], FeatureNetwork]) -> FeatureNetwork:
        """Return the feature network known by ``key``, on the device; ``make`` builds it once."""
        return self._keep("features", key, lambda: self._place_features(make()))

    def prepare(
        self,
        data: TrainingData,
        model: ModelParams,
        train: TrainParams,
        features: FeatureNetwork | None,
        data_key: Hashable = None,
    ) -> TrainingJob:
        """Prepare a run for its first step.

        Parameters
        ----------
        data
            The training draw.
        model, train
            The sections of params.yaml. ``train.device`` and ``train.precision`` were
            resolved to the workbench's arithmetic.
        features
            The perceptual network on the device; None omits the term.
        data_key
            Identifies the content of ``data.images``: runs with equal keys share one copy on
            the device. None shares nothing.

        Raises
        ------
        MachineError
            If ``train.compile`` is on and torch.compile does not work here.
        """
        compiled, remark = self._compiling(data, train)
        network = self._network(model, data.image_size, train.seed, compiled=compiled)
        objective = self._objective(data, train, features)
        weighting = make_weighting(
            train.group_weight,
            train.dro_step,
            data.groups,
            self.arithmetic.device,
            self.arithmetic.dtype,
        )
        weighted = weighting is not None
        loss = loss_function(network, features, objective, self.arithmetic, per_image=weighted)
        cached = features is not None and self._caching_pays(data, train, features)
        optimiser = make_optimiser(network, train.learning_rate)
        loop = Loop(
            data=data,
            feed=self._feed(data, data_key),
            targets=make_targets(
                features, self.arithmetic, data.images, data.rows, flip=train.flip, cached=cached
            ),
            loss=self._compiled(loss, (objective, weighted, train.batch_size), network, features)
            if compiled
            else loss,
            loss_of_rest=loss,
            rate=LearningRate(
                train.learning_rate, train.schedule, train.warmup, _steps(data, train)
            ),
            noise=DeviceNoise(train.seed, self.arithmetic.device, self.arithmetic.dtype),
            latent=latent_shape(network, data.image_size),
            seed=train.seed,
            batch_size=train.batch_size,
            flip=train.flip,
        )
        stepper = Stepper(network, optimiser, self.arithmetic, train.clip_norm)
        run = Run(network, optimiser, stepper, weighting)
        return TrainingJob(loop, run, compiled, cached, remark)

    def _objective(
        self, data: TrainingData, train: TrainParams, features: FeatureNetwork | None
    ) -> Objective:
        scales: tuple[float, ...] = ()
        if features is not None and train.perceptual_norm == "mean_square":
            scales = tap_mean_squares(features, self.arithmetic, data.images, data.rows)
            _require_signal(scales, train)
        return Objective(train.beta, train.kl_reduction, train.perceptual_scale, scales)

    def _network(
        self, model: ModelParams, image_size: int, seed: int, *, compiled: bool
    ) -> nn.Module:
        fresh = self.arithmetic.place(build_model(model, image_size, seed))
        if not compiled:
            return fresh
        # Compiled code belongs to one module object: keep it and give it the new weights.
        network = self._keep("network", (model.model_dump_json(), image_size), lambda: fresh)
        if network is not fresh:
            network.load_state_dict(fresh.state_dict())
        return network

    def _compiled(
        self,
        loss: LossFunction,
        kind: Hashable,
        network: nn.Module,
        features: FeatureNetwork | None,
    ) -> LossFunction:
        """Compile a loss, or return the code of an equal one, of the same kind and modules."""
        key = (id(network), id(features), kind)
        return self._keep("loss", key, lambda: _compile(loss))

    def _feed(self, data: TrainingData, key: Hashable) -> Feed:
        def make() -> Feed:
            return make_feed(
                data.images, self.arithmetic.device, room_bytes(self.arithmetic.device)
            )

        return make() if key is None else self._keep("feed", key, make)

    def _compiling(self, data: TrainingData, train: TrainParams) -> tuple[bool, str]:
        """Decide whether to compile, and explain if compiling is wanted but impossible."""
        if not self._compiling_pays(data, train):
            return False, ""
        device = self.arithmetic.device
        problem = self._keep("compiler", device, lambda: compiler_problem(device))
        if problem and train.compile == "on":
            raise MachineError(
                f"train.compile is on, but torch.compile does not work here ({problem}); "
                "install what it names (mostly a C++ compiler), or set train.compile to auto or off"
            )
        if problem:
            return False, (
                f"torch.compile would pay but does not work here ({problem}): training continues "
                "without it, slower; install what it names or set train.compile to off"
            )
        return True, ""

    def _compiling_pays(self, data: TrainingData, train: TrainParams) -> bool:
        if train.compile != "auto":
            return train.compile == "on"
        return (
            self.arithmetic.device.type == "cuda"
            and _steps(data, train) * self._expected_runs >= _COMPILE_REPAID_STEPS
        )

    def _caching_pays(
        self, data: TrainingData, train: TrainParams, features: FeatureNetwork
    ) -> bool:
        kept = len(np.unique(data.rows)) * (2 if train.flip else 1)
        return caching_pays(
            train.cache_features,
            cache_bytes=kept * bytes_per_image(features, self.arithmetic, data.image_size),
            room_bytes=room_bytes(self.arithmetic.device),
            passes_cached=kept,
            passes_computed=len(data.rows) * train.epochs,
        )

    def _place_features(self, features: FeatureNetwork) -> FeatureNetwork:
        placed = self.arithmetic.place(features)
        if self.arithmetic.autocast is not None:
            # Autocast would convert frozen weights anew in every pass.
            for convolution in placed.convolutions():
                convolution.to(self.arithmetic.autocast)
        return placed

    def _keep(self, kind: str, key: Hashable, make: Callable[[], Kept]) -> Kept:
        """Return the object stored under ``key``, or make it and drop the kind's previous one."""
        if kind not in self._kept or self._kept[kind][0] != key:
            # Before making the next, and with no name bound to it: the device need not have
            # room for both.
            self._kept.pop(kind, None)
            self._kept[kind] = (key, make())
        return cast("Kept", self._kept[kind][1])


def _steps(data: TrainingData, train: TrainParams) -> int:
    """Return the number of steps of the whole run."""
    return len(batch_spans(len(data.rows), train.batch_size)) * train.epochs


def _require_signal(scales: tuple[float, ...], train: TrainParams) -> None:
    """Reject taps without signal: dividing by their mean square would give no finite loss."""
    if not all(scale > 0.0 for scale in scales):
        tap = next(number for number, scale in enumerate(scales, start=1) if not scale > 0.0)
        raise TrainingError(
            f"train.perceptual_norm is mean_square, but tap {tap} of {train.perceptual_network} is "
            "0 on every training image, so that its differences cannot be scaled; set it to none, "
            "or use other weights (train.perceptual_weights)"
        )


def _compile(loss: LossFunction) -> LossFunction:
    # PyTorch counts the variants of a function by its source, over all closures: after eight
    # it would run all further models uncompiled. The code before is not needed any more.
    torch.compiler.reset()
    return cast("LossFunction", torch.compile(loss, dynamic=False))
