"""Random streams: one per purpose, so that one draw never shifts another."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream is for. The numbers are part of the split's definition: keep them."""

    TEST_LIGHT = 0
    TEST_DARK = 1
    TEST_MATCH = 2
    TRAIN_LIGHT = 3
    TRAIN_DARK = 4
    TRAIN_ORDER = 5


def stream(seed: int, purpose: Purpose, *key: int) -> np.random.Generator:
    """Make the generator of one purpose.

    Parameters
    ----------
    seed
        ``data.seed``.
    purpose
        Streams of different purposes are independent for the same seed.
    *key
        Further numbers that set streams apart, such as the training draws per group.
    """
    entropy = np.random.SeedSequence(seed, spawn_key=(int(purpose), *key))
    return np.random.Generator(np.random.PCG64(entropy))
