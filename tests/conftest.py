"""Shared set-up: shapes and types are enforced at run time in every test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

# Test processes run side by side: one thread each, and none that waits by spinning.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Every annotated function of the package is checked by beartype while tests run.
install_import_hook("tonegap", "beartype.beartype")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout under test."""
    return ROOT


@pytest.fixture(scope="session")
def originals() -> Path:
    """Folder with the real table and originals; tests that use it skip where it is absent."""
    default = ROOT.parent / "shared" / "data" / "fitzpatrick17k"
    folder = Path(os.environ.get("TONEGAP_ORIGINALS", default))
    if not (folder / "fitzpatrick17k.csv").is_file():
        pytest.skip("the real Fitzpatrick17k originals are not on this machine")
    return folder
