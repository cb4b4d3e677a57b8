"""``tonegap audit`` from end to end: DVC runs what is stale, and a killed audit goes on."""

from __future__ import annotations

import json
import os
import signal
import time

import pandas as pd
import pytest
from tiny_study import Clones

PATIENCE_S = 240
MODULE = """
import os, time
import torch

class Halves(torch.nn.Module):
    def __init__(self, share):
        super().__init__()
        self.share = torch.nn.Parameter(torch.tensor(share))

    def reconstruct(self, images):
        time.sleep(float(os.environ.get("PAUSE_S", "0")) if len(images) > 2 else 0.0)
        return images * self.share

def load(image_size, device):
    return Halves({share}).to(device)
"""
COMMAND = ("tonegap", "audit", "python:users_model:load", "here", "--batch-size", "4")


@pytest.fixture(scope="module")
def clone(repository, tmp_path_factory):
    """Give a clone with prepared phantoms and a user's model beside it."""
    base = tmp_path_factory.getbasetemp()
    made = Clones(repository, base).make(tmp_path_factory.mktemp("audit") / "clone")
    made.environment["PYTHONPATH"] += f"{os.pathsep}."
    (made.folder / "users_model.py").write_text(MODULE.format(share=0.5))
    return made


def _folder(clone):
    return clone.folder / "audits" / "users_model-load-here"


@pytest.mark.slow
def test_an_audit_is_resumed_after_kill_and_rerun_only_where_stale(clone, tmp_path):
    """Kill -9 of the whole group, then: finish, nothing to do, other weights, another size."""
    clone.environment["PAUSE_S"] = "1.5"
    process = clone.start(*COMMAND, output=tmp_path / "killed.txt")
    kept = clone.folder.with_name(clone.folder.name + "-cache") / "audits"
    deadline = time.monotonic() + PATIENCE_S
    while len(list(kept.glob("*/*.npz"))) < 2 and time.monotonic() < deadline:
        assert process.poll() is None, (tmp_path / "killed.txt").read_text()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(60)
    assert not (_folder(clone) / "claims.json").exists()

    clone.environment["PAUSE_S"] = "0"
    resumed = clone.run(*COMMAND)
    assert "kept from an interrupted run" in resumed
    assert "C1 not assessable" in resumed
    table = pd.read_csv(_folder(clone) / "per_image.csv")
    cohort = pd.read_csv(clone.folder / "data" / "cohort.csv")
    assert table["md5hash"].tolist() == cohort["md5hash"].tolist()
    assert "Running stage 'train'" not in resumed

    again = clone.run(*COMMAND)
    assert "Running stage" not in again
    first = (_folder(clone) / "claims.json").read_bytes()

    (clone.folder / "users_model.py").write_text(MODULE.format(share=0.25))
    other = clone.run(*COMMAND)
    assert "assess" in other
    assert "Running stage 'prepare" not in other
    changed = pd.read_csv(_folder(clone) / "per_image.csv")
    assert (changed["mse"] > table["mse"]).all()

    (clone.folder / "users_model.py").write_text(MODULE.format(share=0.5))
    clone.run(*COMMAND)
    assert (_folder(clone) / "claims.json").read_bytes() == first

    larger = clone.run(*COMMAND, "--size", "24")
    assert "prepare-24" in larger
    plan = json.loads((_folder(clone) / "provenance.json").read_text())
    assert plan["settings"]["image_size"] == 24
    _check_an_error(clone)


def _check_an_error(clone):
    """Check that a model that cannot be loaded is told in one line, with exit code 2."""
    (clone.folder / "users_model.py").write_text("import missing_library\n")
    said = clone.run(*COMMAND, code=2)
    errors = [line for line in said.splitlines() if line.startswith("tonegap: error:")]
    assert len(errors) == 1
    assert "missing_library" in errors[0]
    assert "Traceback" not in said
