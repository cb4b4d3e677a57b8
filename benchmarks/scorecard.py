"""Train the embedded phantom's pure mixes with a few seeds and print the scorecard.

Run ``python benchmarks/scorecard.py --seeds 5``: no study, no git. It makes the numbers of the
worked example in docs/uncertainty.md. ``--set evaluate.scores=...`` changes a parameter; ``--keep
FOLDER`` keeps every run's tables there, so that a second call only prints.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

from tonegap.files.panel import read_panel
from tonegap.files.parameters import read_params
from tonegap.files.tables import read_csv
from tonegap.groups import LIGHT_AND_DARK
from tonegap.pipeline import run_stage
from tonegap.statistics.scorecard import scorecard
from tonegap.uncertainty.ensemble import Member, ensemble_columns
from tonegap.workspace import Workspace

ROOT = Path(__file__).parent.parent
SHARED = ("fetch", "hash", "filter", "prepare")
OF_RUN = ("split", "train", "evaluate")
KEPT = ("split", "per_image", "panel_sketches")


def main() -> None:
    """Run the cells that are not kept yet, then print."""
    options = _options()
    with tempfile.TemporaryDirectory() as scratch:
        kept = options.keep or Path(scratch) / "kept"
        os.environ.setdefault("TONEGAP_CACHE", str(Path(scratch) / "cache"))
        at = Workspace(Path(scratch) / "work")
        cells = [(mix, seed) for seed in range(options.seeds) for mix in options.mixes]
        for mix, seed in cells:
            if not (kept / f"{mix}-{seed}").is_dir():
                _run(at, mix, seed, options.set, kept / f"{mix}-{seed}")
        table = study_table(kept, cells, read_params(ROOT / "params.yaml").mixes)
    found = scorecard(table, LIGHT_AND_DARK)
    with pd.option_context("display.width", 200, "display.max_rows", None):
        print(printed(found).to_string(float_format="{:.2f}".format))


def study_table(kept: Path, cells: list[tuple[str, int]], shares: dict[str, float]) -> pd.DataFrame:
    """Join the runs' tables as `study collect` does."""
    tables, members = [], []
    for mix, seed in cells:
        folder = kept / f"{mix}-{seed}"
        run = {"run": folder.name, "mix": mix, "share": shares[mix], "seed": seed}
        tables.append(read_csv(folder / "per_image.csv", (), "a run").assign(**run))
        split = read_csv(folder / "split.csv", (), "a split")
        clusters = split.loc[split["role"] == "train", "cluster"]
        panel = read_panel((folder / "panel.npz").read_bytes())
        members.append(Member(mix, frozenset(clusters), panel))
    table = pd.concat(tables, ignore_index=True)
    return pd.concat([table, ensemble_columns(table, table["mix"], members)], axis=1)


def printed(found: pd.DataFrame) -> pd.DataFrame:
    """Put one score in a row: estimates, and the interval of the interaction."""
    found = found.assign(what=found["quantity"] + " " + found["group"].fillna(""))
    wide = found.set_index(["score", "what"])["estimate"].unstack()  # noqa: PD010 - all are there
    wide = wide.loc[list(dict.fromkeys(found["score"])), list(dict.fromkeys(found["what"]))]
    own = found[found["quantity"] == "interaction"].set_index("score")
    return wide.assign(low=own["low"], high=own["high"], verdict=own["verdict"])


def _run(at: Workspace, mix: str, seed: int, changes: list[str], folder: Path) -> None:
    started = time.perf_counter()
    if not at.images.is_file():
        _prepare(at)
    _write_params(at, {"data.mix": mix, "data.seed": seed} | _parsed(changes))
    seconds = {}
    for stage in OF_RUN:
        before = time.perf_counter()
        run_stage(stage, at)
        seconds[stage] = round(time.perf_counter() - before, 1)
    folder.mkdir(parents=True)
    for name in KEPT:
        shutil.copy(getattr(at, name), folder)
    print(f"{folder.name}: {time.perf_counter() - started:.0f} s, {seconds}", flush=True)


def _prepare(at: Workspace) -> None:
    at.annotations.parent.mkdir(parents=True)
    shutil.copy(ROOT / "src/tonegap/phantom/annotations.csv", at.annotations)
    at.manifest.touch()
    shutil.copytree(ROOT / "lists", at.lists)
    _write_params(at, {})
    for stage in SHARED:
        run_stage(stage, at)


def _write_params(at: Workspace, changes: dict[str, Any]) -> None:
    yaml = YAML(typ="safe", pure=True)
    params = yaml.load((ROOT / "params.yaml").read_text())
    for dotted, value in changes.items():
        group, key = dotted.split(".")
        params[group][key] = value
    with at.params.open("w") as stream:
        yaml.dump(params, stream)


def _parsed(changes: list[str]) -> dict[str, Any]:
    pairs = (change.split("=", 1) for change in changes)
    return {dotted: YAML(typ="safe", pure=True).load(text) for dotted, text in pairs}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="seeds, from 0")
    parser.add_argument("--mixes", nargs="+", default=["light", "dark"])
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--keep", type=Path, help="folder that keeps the runs")
    return parser.parse_args()


if __name__ == "__main__":
    main()
