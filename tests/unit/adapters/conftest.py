"""What the tests of adapters share."""

from __future__ import annotations

from finished_models import images, pipeline, saved

__all__ = ["images", "pipeline", "saved"]
