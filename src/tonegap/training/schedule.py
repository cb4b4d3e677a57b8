"""The learning rate, as a function of the step alone: a resumed run needs no state of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Schedule = Literal["constant", "cosine"]


@dataclass(frozen=True)
class LearningRate:
    """The learning rate of each step.

    Attributes
    ----------
    peak : float
        ``train.learning_rate``.
    schedule : {"constant", "cosine"}
        ``cosine``: after the warm-up the rate falls to zero along half a cosine (Loshchilov and
        Hutter 2017, without restarts).
    warmup : float
        Share of all steps, in [0, 1), over which the rate rises linearly from zero (Goyal et al.
        2017).
    steps : int
        Steps of the whole run.
    """

    peak: float
    schedule: Schedule
    warmup: float
    steps: int

    def at(self, step: int) -> float:
        """Return the rate of a step, counted from 0 over the whole run; positive."""
        rising = round(self.warmup * self.steps)
        if step < rising:
            return self.peak * (step + 1) / (rising + 1)
        if self.schedule == "constant":
            return self.peak
        done = (step - rising) / (self.steps - rising)
        return self.peak * 0.5 * (1.0 + math.cos(math.pi * done))
