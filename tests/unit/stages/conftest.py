"""The small run that these tests share."""

from __future__ import annotations

from small_run import float32, model_params, one_thread, train_params

__all__ = ["float32", "model_params", "one_thread", "train_params"]
