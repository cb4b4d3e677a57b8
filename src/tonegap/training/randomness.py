"""Randomness as a pure function of (seed, stream, epoch, step).

No generator state passes from one step to the next, so a resumed run needs none: step k
of epoch e draws the same numbers whether or not the steps before it ran in this process.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


class Stream(IntEnum):
    """Streams of random numbers, one for each use."""

    ORDER = 0
    FLIPS = 1
    NOISE = 2
    MODEL = 3


def host_generator(seed: int, stream: Stream, epoch: int) -> np.random.Generator:
    """Return the generator of one epoch: Philox, counter-based (Salmon et al. 2011)."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, stream, epoch))))


@contextmanager
def seeded_globally(seed: int, epoch: int, device: torch.device) -> Iterator[None]:
    """Seed PyTorch's own generators for an epoch, and restore them.

    This covers a user's model that draws by itself, for example in dropout; tonegap's own
    code does not use these generators.
    """
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        words = np.random.SeedSequence((seed, Stream.MODEL, epoch))
        own = int(words.generate_state(1, np.uint64)[0] >> np.uint64(1))
        torch.default_generator.manual_seed(own)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(own)
        yield


class DeviceNoise:
    """Standard normal noise, drawn on the device without synchronising.

    Equal seeds give equal noise on devices of one kind; CPU and GPU differ. Numbers are drawn in
    float64 and then rounded to ``dtype``: PyTorch's float32 draws on CPUs depend on the
    instruction set. (Apple's GPUs have float32 alone.)
    """

    def __init__(self, seed: int, device: torch.device, dtype: torch.dtype = torch.float32) -> None:
        self._seed = seed
        self._generator = torch.Generator(device)
        self._dtype = dtype
        self._drawn = torch.float32 if device.type == "mps" else torch.float64

    @property
    def device(self) -> torch.device:
        """Device on which the noise is drawn."""
        return self._generator.device

    def draw(self, epoch: int, step: int, shape: Sequence[int]) -> Float[Tensor, " ..."]:
        """Draw noise of ``shape`` for a step."""
        words = np.random.SeedSequence((self._seed, Stream.NOISE, epoch, step))
        self._generator.manual_seed(int(words.generate_state(1, np.uint64)[0] >> np.uint64(1)))
        noise = torch.randn(
            tuple(shape), generator=self._generator, device=self.device, dtype=self._drawn
        )
        return noise.to(self._dtype)
