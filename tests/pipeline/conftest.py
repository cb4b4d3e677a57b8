"""A tiny workspace in a temporary folder, in which all stages have run once."""

from __future__ import annotations

import contextlib
import os

import pytest
from tiny_pipeline import SEVEN, Workspace, make_workspace, recorded_reads, run_stage


@pytest.fixture(scope="session")
def workspace(repository, tmp_path_factory) -> Workspace:
    """All seven stages run on a tiny phantom."""
    folder = make_workspace(repository, tmp_path_factory.mktemp("pipeline") / "w")
    os.environ["TONEGAP_CACHE"] = str(folder / "cache")
    read = {}
    with contextlib.chdir(folder):
        for stage in SEVEN:
            with recorded_reads() as names:
                run_stage(stage)
            read[stage] = names
    del os.environ["TONEGAP_CACHE"]
    return Workspace(folder, read)
