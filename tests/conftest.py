"""Shared set-up: shapes and types are enforced at run time in every test."""

from __future__ import annotations

import os
import shutil
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


@pytest.fixture(scope="session")
def workspace(repository, tmp_path_factory):
    """All seven stages run on a tiny phantom (see tests/support/tiny_pipeline.py)."""
    # Imported here: the package must not be loaded before the hook above is in place.
    from tiny_pipeline import (  # noqa: PLC0415
        SEVEN,
        Finished,
        make_workspace,
        recorded_reads,
    )

    from tonegap.pipeline import run_stage  # noqa: PLC0415
    from tonegap.workspace import Workspace  # noqa: PLC0415

    folder = make_workspace(repository, tmp_path_factory.mktemp("pipeline") / "w")
    os.environ["TONEGAP_CACHE"] = str(folder / "cache")
    read = {}
    for stage in SEVEN:
        with recorded_reads() as names:
            run_stage(stage, Workspace(folder))
        read[stage] = names
    del os.environ["TONEGAP_CACHE"]
    return Finished(folder, read)


@pytest.fixture(scope="session")
def exported_template(repository, tmp_path_factory):
    """Make a small repository as it is after `dvc repro` (see tests/support/exported.py)."""
    from exported import exported_repository  # noqa: PLC0415

    return exported_repository(repository, tmp_path_factory.mktemp("exported") / "r")


@pytest.fixture
def exported(exported_template, tmp_path, monkeypatch):
    """Copy that repository, and make it the current folder."""
    folder = tmp_path / "exported"
    shutil.copytree(exported_template, folder)
    monkeypatch.chdir(folder)
    return folder
