"""The feed: packed uint8 images in, normalised and flipped batches on the device out.

Images stay on the device if they fit; otherwise a thread streams them from the memory map,
ahead of the step. Both give the same batches, bit for bit: order and flips come from
:mod:`tonegap.training.randomness`, and the device only applies them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

from tonegap.errors import TrainingError
from tonegap.model.pixels import to_model_range
from tonegap.training.randomness import Stream, host_generator

_AHEAD = 2  # batches that the streaming thread keeps ready: one in use by the copy, one next


@dataclass(frozen=True)
class EpochPlan:
    """Order and flips of one epoch.

    Attributes
    ----------
    epoch : int
        From 0.
    rows : Int64[np.ndarray, "draws"]
        Rows of the packed images in the order of use.
    flips : Bool[np.ndarray, "draws"]
        True for images that are mirrored left to right.
    positions : Int64[np.ndarray, "draws"]
        Positions of the rows in the training draw, to identify images.
    """

    epoch: int
    rows: Int64[np.ndarray, " draws"]
    flips: Bool[np.ndarray, " draws"]
    positions: Int64[np.ndarray, " draws"]


class Batch(NamedTuple):
    """One step's images.

    Attributes
    ----------
    images : Float[Tensor, "batch 3 size size"]
        In [-1, 1], channels last in memory, on the device.
    span : slice
        Their positions in the epoch's plan.
    """

    images: Float[Tensor, "batch 3 size size"]
    span: slice


@runtime_checkable
class Feed(Protocol):
    """Source of batches."""

    def batches(self, plan: EpochPlan, spans: Sequence[slice]) -> Iterator[Batch]:
        """Yield the batches of an epoch in order."""
        ...


def plan_epoch(
    rows: Int64[np.ndarray, " draws"], epoch: int, seed: int, *, flip: bool
) -> EpochPlan:
    """Permute the training draw and toss a coin per image, from (seed, epoch) alone."""
    order = host_generator(seed, Stream.ORDER, epoch).permutation(len(rows))
    coins = host_generator(seed, Stream.FLIPS, epoch).random(len(rows)) < 0.5  # noqa: PLR2004
    return EpochPlan(epoch, rows[order], coins & flip, order)


def batch_spans(draws: int, batch_size: int) -> list[slice]:
    """Divide an epoch into batches; drop a last batch of one image.

    One image has no variance for batch norm at a 1 x 1 resolution, and a poor estimate elsewhere.

    Raises
    ------
    TrainingError
        If no batch remains.
    """
    starts = range(0, draws, batch_size)
    spans = [slice(start, min(start + batch_size, draws)) for start in starts]
    spans = [span for span in spans if span.stop - span.start > 1]
    if not spans:
        raise TrainingError(
            f"the training draw has {draws} image(s), but batch norm needs at least 2 in a "
            "batch; raise data.n_train"
        )
    return spans


def mirror_and_scale(
    pixels: UInt8[Tensor, "batch size size 3"], flips: Bool[Tensor, " batch"]
) -> Float[Tensor, "batch 3 size size"]:
    """Mirror left to right if ``flips`` is True, and scale 0..255 to [-1, 1]."""
    return to_model_range(torch.where(flips[:, None, None, None], pixels.flip(2), pixels))


class HeldFeed:
    """Feed of images that are on the device."""

    def __init__(self, images: UInt8[Tensor, "images size size 3"]) -> None:
        self._images = images

    def batches(self, plan: EpochPlan, spans: Sequence[slice]) -> Iterator[Batch]:
        """Yield batches; send one order and one list of flips to the device per epoch."""
        device = self._images.device
        rows = torch.from_numpy(plan.rows).to(device)
        flips = torch.from_numpy(plan.flips).to(device)
        for span in spans:
            pixels = self._images.index_select(0, rows[span])
            yield Batch(mirror_and_scale(pixels, flips[span]), span)


def _new_stream(device: torch.device) -> torch.cuda.Stream:
    make: Callable[[torch.device], torch.cuda.Stream] = torch.cuda.Stream
    return make(device)  # untyped in PyTorch


class _Loaded(NamedTuple):
    """A batch's pixels and flips on the device; valid once the event has occurred."""

    pixels: Tensor
    flips: Tensor
    arrived: torch.cuda.Event | None


class StreamedFeed:
    """Feed of images that stay in a memory map, read ahead by a thread.

    On CUDA the thread fills pinned memory and copies on its own stream, so that
    reading and copying overlap with computing.
    """

    def __init__(
        self, images: UInt8[np.ndarray, "images size size 3"], device: torch.device
    ) -> None:
        self._images = images
        self._device = device
        self._stream = _new_stream(device) if device.type == "cuda" else None

    def batches(self, plan: EpochPlan, spans: Sequence[slice]) -> Iterator[Batch]:
        """Yield batches while the thread prepares the following ones."""
        with ThreadPoolExecutor(1, "tonegap-feed") as pool:
            ready: list[tuple[slice, Future[_Loaded]]] = []
            for span in spans:
                ready.append((span, pool.submit(self._load, plan.rows[span], plan.flips[span])))
                if len(ready) > _AHEAD:
                    yield self._finish(*ready.pop(0))
            while ready:
                yield self._finish(*ready.pop(0))

    def _load(
        self, rows: Int64[np.ndarray, " batch"], flips: Bool[np.ndarray, " batch"]
    ) -> _Loaded:
        pixels, coins = torch.from_numpy(self._images[rows]), torch.from_numpy(flips.copy())
        if self._stream is None:
            return _Loaded(pixels.to(self._device), coins.to(self._device), None)
        # The allocator does not reuse pinned memory until its copy is done.
        with torch.cuda.stream(self._stream):
            pixels = pixels.pin_memory().to(self._device, non_blocking=True)
            coins = coins.pin_memory().to(self._device, non_blocking=True)
            return _Loaded(pixels, coins, self._stream.record_event())

    def _finish(self, span: slice, loading: Future[_Loaded]) -> Batch:
        pixels, flips, arrived = loading.result()
        if arrived is not None:
            current = torch.cuda.current_stream(self._device)
            # For this batch alone: the stream is copying the following ones already.
            current.wait_event(arrived)
            # The allocator must not hand this memory to the copy stream while it is in use.
            pixels.record_stream(current)
            flips.record_stream(current)
        return Batch(mirror_and_scale(pixels, flips), span)


def make_feed(
    images: UInt8[np.ndarray, "images size size 3"], device: torch.device, room_bytes: int
) -> Feed:
    """Put the images on the device if ``room_bytes`` suffice, else stream them."""
    if images.nbytes > room_bytes:
        return StreamedFeed(images, device)
    # A copy in memory: the map is read-only, which tensors cannot be.
    return HeldFeed(torch.from_numpy(np.array(images)).to(device))
