"""Load test: the whole real table with phantoms as its images, up to the split.

Builds a throw-away workspace in which every row of the annotation table that has a url
gets a phantom's url (tone from its skin type, lesion from its condition, source from its
host), runs the stages fetch, hash, filter, prepare and split with the paper's sizes, each
in a process of its own, and prints wall time, processor time and peak memory of each.

    python benchmarks/load.py --annotations fitzpatrick17k.csv --workspace /tmp/load
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import zlib
from pathlib import Path

from ruamel.yaml import YAML

from tonegap.cohort.source import source_of_url
from tonegap.files.manifest import write_manifest
from tonegap.files.tables import read_csv, write_csv, write_json
from tonegap.phantom.lesions import FAMILIES
from tonegap.phantom.spec import PhantomSpec, format_url
from tonegap.workspace import Workspace

STAGES = ("fetch", "hash", "filter", "prepare", "split")
PAPER = {"image_size": 128, "n_test": 500, "n_train": 1668, "mix": "mixed"}
EXPECTED = {"light": 7755, "dark": 2168}
MELANIN = {1: 0.013, 2: 0.03, 3: 0.063, 4: 0.13, 5: 0.22, 6: 0.36, -1: 0.1}
ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run the load test; exit with 1 where the flow does not have the known counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--rows", type=int, help="only the first rows, for a trial")
    chosen = parser.parse_args()
    at = Workspace(chosen.workspace)
    build(at, chosen.annotations, chosen.rows)
    costs = {stage: run_stage(stage, at.root) for stage in STAGES}
    counts = json.loads(at.cohort_counts.read_text())
    write_json({"stages": costs, "counts": counts}, at.root / "load.json")
    print(json.dumps(counts))
    grouped = {group: counts["steps"]["grouped"][group] for group in EXPECTED}
    return 0 if chosen.rows or grouped == EXPECTED else 1


def build(at: Workspace, annotations: Path, rows: int | None) -> None:
    """Write the workspace's annotation table, parameters and list of images: none but phantoms."""
    table = read_csv(annotations, ["md5hash", "url"], "the annotation table").head(rows)
    has_url = table["url"].notna()
    table.loc[has_url, "url"] = [phantom_url(row) for row in table[has_url].itertuples()]
    write_csv(table, at.annotations)
    write_manifest({}, at.manifest)
    yaml = YAML()
    params = yaml.load(Workspace(ROOT).params.read_text(encoding="utf-8"))
    params["data"].update(PAPER)
    with at.params.open("w", encoding="utf-8") as stream:
        yaml.dump(params, stream)


def phantom_url(row: tuple) -> str:
    """Give a row its phantom: tone by skin type, lesion by condition, the rest by its hash."""
    seed = int(row.md5hash[:8], 16)
    share = int(row.md5hash[8:12], 16) / 0xFFFF
    return format_url(
        PhantomSpec(
            melanin=MELANIN[row.fitzpatrick_scale] * (0.8 + 0.4 * share),
            blood=0.01 + 0.04 * share,
            family=sorted(FAMILIES)[zlib.crc32(row.label.encode()) % len(FAMILIES)],
            lesion_seed=seed,
            size=0.3 + 0.4 * share,
            severity=0.8,
            irregularity=0.5,
            skin_seed=seed ^ 0xFFFF,
            roughness=0.1,
            slope=2.0,
            source=source_of_url(row.url)[:16],
            quality=85,
            crop=0.0,
            watermark=False,
            lighting=0.9 + 0.2 * share,
            shading=0.3,
            background=0.0,
            upside_down=False,
            width=160,
            height=128,
        )
    )


def run_stage(stage: str, workspace: Path) -> dict[str, float]:
    """Run one stage as `dvc repro` would, and measure its process and their children."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "tonegap", "stage", stage]
    process = subprocess.Popen(command, cwd=workspace)
    _, status, used = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - started
    if status:
        raise SystemExit(f"stage {stage} failed with status {os.waitstatus_to_exitcode(status)}")
    cost = {
        "wall_s": round(wall_s, 1),
        "processor_s": round(used.ru_utime + used.ru_stime, 1),
        # Kilobytes on Linux; of the largest process, where a stage has several.
        "peak_mb": round(used.ru_maxrss / 1024),
    }
    print(stage, cost, flush=True)
    return cost


if __name__ == "__main__":
    raise SystemExit(main())
