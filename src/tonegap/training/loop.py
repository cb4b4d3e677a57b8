"""The training loop: epochs of steps, and the state that carries a run from one to the next."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor, nn

from tonegap.errors import TrainingError
from tonegap.training.feed import EpochPlan, Feed, batch_spans, plan_epoch
from tonegap.training.randomness import DeviceNoise, seeded_globally
from tonegap.training.schedule import LearningRate
from tonegap.training.step import LossFunction, Stepper, StepResult
from tonegap.training.targets import Targets
from tonegap.training.weighting import GroupWeighting, from_snapshot, in_snapshot

_NAMED_IMAGES = 256  # of a bad batch, in the message: all of any usual batch


@dataclass(frozen=True)
class TrainingData:
    """The training data of a run.

    Attributes
    ----------
    images : UInt8[np.ndarray, "images size size 3"]
        Packed images, possibly a memory map.
    rows : Int64[np.ndarray, "draws"]
        Row of each training draw; repeats are intended.
    ids : sequence of str
        The md5hash of each draw, for messages and for the key of the run.
    groups : sequence of str
        The group of each draw; empty if no group is weighted.
    """

    images: UInt8[np.ndarray, "images size size 3"]
    rows: Int64[np.ndarray, " draws"]
    ids: Sequence[str]
    groups: Sequence[str] = ()

    @property
    def image_size(self) -> int:
        """Side of the images, pixels."""
        return int(self.images.shape[1])


@dataclass(frozen=True)
class EpochLosses:
    """Loss terms of one epoch: means over its images, while the weights change.

    See :class:`tonegap.model.objective.Terms`; ``epoch`` counts from 0. ``weights`` holds each
    group's weight in the total after the epoch's last step; it is empty if no group is weighted.
    """

    epoch: int
    mse: float
    kl_nats: float
    perceptual: float
    total: float
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshot:
    """A run between two epochs, on the CPU: everything that a resumed run needs.

    Attributes
    ----------
    tensors : mapping of name to tensor
        Weights, batch-norm statistics, moments and step counts of the optimiser, weights of groups.
    facts : mapping
        Plain JSON values: the next epoch, the losses so far, the gradient scaler.
    """

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]


@dataclass
class Run:
    """A model in training.

    Attributes
    ----------
    network, optimiser, stepper
        On the device.
    weighting : GroupWeighting or None
        Weights of the groups in the loss.
    losses : list of EpochLosses
        One per finished epoch.
    """

    network: nn.Module
    optimiser: torch.optim.Adam
    stepper: Stepper
    weighting: GroupWeighting | None = None
    losses: list[EpochLosses] = field(default_factory=list)

    @property
    def next_epoch(self) -> int:
        """Number of finished epochs."""
        return len(self.losses)

    def snapshot(self) -> Snapshot:
        """Copy the run's state to the CPU."""
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        for name, parameter in self.network.named_parameters():
            moments = self.optimiser.state[parameter]
            tensors |= {f"optimiser.{key}.{name}": value for key, value in moments.items()}
        tensors |= in_snapshot(self.weighting)
        facts = {
            "losses": [dataclasses.asdict(losses) for losses in self.losses],
            "scaler": self.stepper.scaler.state_dict(),
        }
        return Snapshot({name: _to_cpu(value) for name, value in tensors.items()}, facts)

    def restore(self, snapshot: Snapshot) -> None:
        """Restore the state of a run with the same parameters.

        Raises
        ------
        KeyError, RuntimeError, TypeError
            If the snapshot is of another network.
        """
        losses = [EpochLosses(**entry) for entry in snapshot.facts["losses"]]
        weights = _with_prefix(snapshot.tensors, "network.")
        self.network.load_state_dict(weights)
        for name, parameter in self.network.named_parameters():
            if f"optimiser.step.{name}" not in snapshot.tensors:
                continue  # it never had a gradient, such as a parameter that the model does not use
            self.optimiser.state[parameter] = {
                # zeros_like keeps the parameter's memory layout, which fused Adam relies on.
                "step": snapshot.tensors[f"optimiser.step.{name}"].to(parameter.device),
                "exp_avg": _like(parameter, snapshot.tensors[f"optimiser.exp_avg.{name}"]),
                "exp_avg_sq": _like(parameter, snapshot.tensors[f"optimiser.exp_avg_sq.{name}"]),
            }
        from_snapshot(self.weighting, snapshot.tensors)
        if self.stepper.scaler.is_enabled():
            self.stepper.scaler.load_state_dict(dict(snapshot.facts["scaler"]))
        self.losses = losses


@dataclass(frozen=True)
class Loop:
    """The parts of a run that do not change between epochs.

    Attributes
    ----------
    data : TrainingData
        The training draw.
    feed, targets
        Sources of batches and of the real images' features.
    loss, loss_of_rest
        The loss of full batches (compiled or not) and of a smaller last one.
    rate : LearningRate
        The learning rate of each step.
    noise : DeviceNoise
        Source of the latent's noise.
    latent : tuple of int
        Shape of one image's latent.
    seed, batch_size, flip
        As in ``train``.
    """

    data: TrainingData
    feed: Feed
    targets: Targets
    loss: LossFunction
    loss_of_rest: LossFunction
    rate: LearningRate
    noise: DeviceNoise
    latent: tuple[int, ...]
    seed: int
    batch_size: int
    flip: bool

    def epochs(
        self, run: Run, count: int, on_step: Callable[[int, int], None] | None = None
    ) -> Iterator[EpochLosses]:
        """Train until ``count`` epochs are done, yielding after each.

        Parameters
        ----------
        run
            Changed in place; starts at its next epoch.
        count
            Total number of epochs, including those already done.
        on_step
            Called after each step is queued, with (steps of this epoch done, their total).

        Raises
        ------
        TrainingError
            If a loss is not finite; the message names the batch's images. ``run`` is then
            invalid.
        """
        while run.next_epoch < count:
            plan = plan_epoch(self.data.rows, run.next_epoch, self.seed, flip=self.flip)
            run.losses.append(self._epoch(run, plan, on_step))
            yield run.losses[-1]

    def _epoch(
        self, run: Run, plan: EpochPlan, on_step: Callable[[int, int], None] | None
    ) -> EpochLosses:
        spans = batch_spans(len(plan.rows), self.batch_size)
        results: list[StepResult] = []
        with seeded_globally(self.seed, plan.epoch, self.noise.device):
            for result in self.steps(run, plan, spans):
                results.append(result)
                if on_step is not None:
                    on_step(len(results), len(spans))
        # The one place in an epoch where the host waits for the device.
        terms = _on_host([result.terms for result in results])
        self._require_finite(_on_host([result.finite for result in results]), terms, plan, spans)
        images = np.array([span.stop - span.start for span in spans])
        means = np.average(terms, axis=0, weights=images)
        losses = EpochLosses(plan.epoch, *means.tolist())
        if run.weighting is None:
            return losses
        return dataclasses.replace(losses, weights=run.weighting.weights())

    def steps(self, run: Run, plan: EpochPlan, spans: Sequence[slice]) -> Iterator[StepResult]:
        """Take the steps of an epoch; yield after each is queued on the device."""
        run.network.train()
        maps_of = self.targets.epoch(plan)
        reduction_of = None if run.weighting is None else run.weighting.epoch(plan)
        for step, batch in enumerate(self.feed.batches(plan, spans)):
            count = batch.span.stop - batch.span.start
            loss = self.loss if count == self.batch_size else self.loss_of_rest
            noise = self.noise.draw(plan.epoch, step, (count, *self.latent))
            run.optimiser.param_groups[0]["lr"] = self.rate.at(plan.epoch * len(spans) + step)
            reduce = None if reduction_of is None else reduction_of(batch.span)
            yield run.stepper(loss, batch.images, noise, maps_of(batch), reduce)

    def _require_finite(
        self,
        finite: np.ndarray[Any, np.dtype[np.bool_]],
        terms: np.ndarray[Any, np.dtype[Any]],
        plan: EpochPlan,
        spans: Sequence[slice],
    ) -> None:
        if finite.all():
            return
        step = int(np.argmin(finite))
        names = [self.data.ids[position] for position in plan.positions[spans[step]]]
        more = len(names) - _NAMED_IMAGES
        shown = ", ".join(names[:_NAMED_IMAGES]) + (f" and {more} more" if more > 0 else "")
        raise TrainingError(
            f"the loss is not finite in epoch {plan.epoch + 1}, step {step + 1} of {len(spans)}, "
            f"whose images are {shown}; the last checkpoint is kept: {_advice(terms[step])}"
        )


def _advice(terms: np.ndarray[Any, np.dtype[Any]]) -> str:
    """Say what may help, by the first of the loss terms that is not finite."""
    mse, kl_nats, *_ = np.isfinite(terms)
    if mse and not kl_nats:
        return (
            "the KL term overflows, because exp(log_var) is too large for the number format; bound "
            "log_var in the model's encoder (a clamp to [-30, 20], say), or lower "
            "train.learning_rate"
        )
    return "lower train.learning_rate, set train.precision to float32, or look at those images"


def _on_host(values: list[Tensor]) -> np.ndarray[Any, np.dtype[Any]]:
    """Stack on the device and copy once; convert floats to float64 for accurate means."""
    stacked: np.ndarray[Any, np.dtype[Any]] = torch.stack(values).cpu().numpy()
    return stacked.astype(np.float64) if stacked.dtype == np.float32 else stacked


def _to_cpu(value: Tensor) -> Tensor:
    return value.detach().to("cpu", copy=True).contiguous()


def _like(parameter: Tensor, value: Tensor) -> Tensor:
    return torch.zeros_like(parameter).copy_(value)


def _with_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
