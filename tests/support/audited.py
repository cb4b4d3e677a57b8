"""A folder of noise with everything that the stages of an audit read, and a user's model."""

from __future__ import annotations

import json
import sys
import types

import numpy as np
import pandas as pd
import pytest
import torch

from tonegap.adapters.loading import load_model
from tonegap.adapters.reference import parse_reference
from tonegap.files.audit_plan import AuditPlan, PlannedModel
from tonegap.files.parameters import read_params
from tonegap.groups import LIGHT_AND_DARK
from tonegap.stages import assess
from tonegap.tables import COHORT_COLUMNS

SIZE = 16
COUNT = 24
IDS = [f"{place:032x}" for place in range(COUNT)]
CPU = torch.device("cpu")


class Blurs:
    """Reconstructs the mean of each channel plus a share of the rest; knows how often it ran."""

    def __init__(self, share=0.5):
        self.share = torch.nn.Parameter(torch.tensor(share))
        self.network = torch.nn.ParameterList([self.share])
        self.batches = 0

    def reconstruct(self, images):
        self.batches += 1
        mean = images.mean(dim=(2, 3), keepdim=True)
        return mean + self.share * (images - mean)

    def posterior_std(self, images):
        return images.flatten(1).std(dim=1)


class Audited:
    """Runs the stage ``assess`` on the folder."""

    def __init__(self, folder, params, module):
        self.folder, self.params, self.module = folder, params, module

    def plan(self, make=Blurs, **changes):
        """Plan an audit of a model, as the command does."""
        self.module.load = lambda image_size, device: make()
        found = load_model(parse_reference("python:users_audited:load"), SIZE, CPU).identity
        model = PlannedModel(reference="python:users_audited:load", **found.to_mapping())
        chosen = {"data": "here", "size": SIZE, "images": "data", "batch_size": 5, "model": model}
        return AuditPlan(**(chosen | changes))

    def run(self, plan):
        """Run the stage; give the table and the facts."""
        assess.run(
            **{name: self.folder / f"{name}.csv" for name in ("cohort", "duplicates", "fetch")},
            images=self.folder / "images.npy",
            image_rows=self.folder / "images.csv",
            seen=self.folder / "seen.txt",
            plan=plan,
            params=self.params.evaluate,
            network="squeezenet1_1",
            network_weights="random",
            groups=LIGHT_AND_DARK,
            group_column="fst",
            device=CPU,
            per_image=self.folder / "per_image.csv",
            facts=self.folder / "facts.json",
            examples=self.folder / "examples.npz",
        )
        table = pd.read_csv(self.folder / "per_image.csv", dtype={"md5hash": str, "cluster": str})
        return table, json.loads((self.folder / "facts.json").read_text())


@pytest.fixture
def audited(tmp_path, repository, monkeypatch):
    """Fill a folder with 24 images of noise, half light and half dark."""
    monkeypatch.setenv("TONEGAP_CACHE", str(tmp_path / "cache"))
    random = np.random.default_rng(0)
    np.save(tmp_path / "images.npy", random.integers(0, 256, (COUNT, SIZE, SIZE, 3), np.uint8))
    rows = pd.DataFrame({"row": range(COUNT), "md5hash": IDS})
    rows.to_csv(tmp_path / "images.csv", index=False)
    cohort = pd.DataFrame("same", index=range(COUNT), columns=COHORT_COLUMNS)
    own = {
        "md5hash": IDS,
        "cluster": IDS,
        "group": ["light", "dark"] * (COUNT // 2),
        "fst": [1, 6] * (COUNT // 2),
        "fst_second": [2, 5] * (COUNT // 2),
        "qc": "",
        "ita": random.normal(30, 20, COUNT),
        "side": 100,
        "bytes_per_pixel": 0.5,
    }
    cohort.assign(**own).to_csv(tmp_path / "cohort.csv", index=False)
    pairs = pd.DataFrame({"md5hash_a": [IDS[0]], "md5hash_b": [IDS[3]]})
    pairs.to_csv(tmp_path / "duplicates.csv", index=False)
    fetch = pd.DataFrame({"md5hash": IDS, "status": "rendered"})
    fetch.to_csv(tmp_path / "fetch.csv", index=False)
    module = types.ModuleType("users_audited")
    monkeypatch.setitem(sys.modules, "users_audited", module)
    return Audited(tmp_path, read_params(repository / "params.yaml"), module)
