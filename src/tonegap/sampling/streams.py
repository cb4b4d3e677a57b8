"""Random streams: one per draw, so that no draw shifts another."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Draw(IntEnum):
    """The draws of a split. The numbers are part of its definition: do not change them."""

    TEST_REFERENCE = 0
    TEST_COMPARED = 1
    TEST_MATCH = 2
    TRAIN_REFERENCE = 3
    TRAIN_COMPARED = 4
    TRAIN_ORDER = 5
    TEST_FURTHER = 6


def stream(seed: int, draw: Draw, *key: int) -> np.random.Generator:
    """Make the generator of one draw.

    Parameters
    ----------
    seed
        ``data.seed``.
    draw
        Streams of different draws are independent for the same seed.
    *key
        Further numbers that distinguish streams, such as the training draws per group.
    """
    entropy = np.random.SeedSequence(seed, spawn_key=(int(draw), *key))
    return np.random.Generator(np.random.PCG64(entropy))
