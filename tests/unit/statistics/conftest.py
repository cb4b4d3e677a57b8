"""What the tests of statistics share."""

from __future__ import annotations

import gc

import pytest


@pytest.fixture(scope="module", autouse=True)
def _few_objects_to_collect():
    """Set aside what is loaded: statsmodels' Holm collects garbage each time it is called."""
    gc.freeze()
    yield
    gc.unfreeze()
