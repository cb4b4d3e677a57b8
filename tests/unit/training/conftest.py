"""The small run that these tests share."""

from __future__ import annotations

from small_run import data, features, float32, model_params, one_thread, train_params

__all__ = ["data", "features", "float32", "model_params", "one_thread", "train_params"]
