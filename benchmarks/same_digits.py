"""The same digits everywhere: run the pipeline under several instruction sets and thread counts.

    python benchmarks/same_digits.py                # every combination, on a copy of the checkout
    python benchmarks/same_digits.py --quick        # two, as the check workflow does
    python benchmarks/same_digits.py --study 2      # and cells of the phantom study

Run `dvc repro` first. Each combination trains, evaluates and analyses anew and prints a SHA-256
over all metrics, results per image, claims and numbers of figures. They must be equal, also to that
of the checkout; otherwise the script names the files and exits with 1. `--float32` prints what
float64 costs.

An instruction set is asked of PyTorch (ATEN_CPU_CAPABILITY), of MKL and oneDNN, of OpenBLAS and of
NumPy, so that an AVX512 processor computes as one without it does.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
import torch

from tonegap.training.precision import describe_device

ROOT = Path(__file__).parents[1]
STAGES = ("train", "evaluate", "analyse", "figures", "report")
OUTPUTS = ("metrics/**/*", "results/*.csv", "report/claims.json", "plots/**/*.csv")
AVX512_OF_NUMPY = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"
INSTRUCTIONS: Mapping[str, Mapping[str, str]] = {
    "default": {
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "OPENBLAS_CORETYPE": "Nehalem",
    },
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
    },
    "own": {},
}


def main() -> None:
    """Print a line per combination; exit with 1 if any differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two opposite combinations only")
    parser.add_argument("--study", type=int, default=0, help="cells of the phantom study to run")
    parser.add_argument("--float32", action="store_true", help="time float32 as well")
    options = parser.parse_args()
    print(f"processor: {describe_device(torch.device('cpu'))}; torch {torch.__version__}")
    combinations = list(itertools.product(INSTRUCTIONS, (1, 2, 3)))
    if options.quick:
        combinations = [("default", 1), ("own", 2)]
    expected = hashes(ROOT)
    print(f"{'checkout':28} {digest(expected)}")
    cells = [(mix, seed) for seed in range(10) for mix in ("dark", "light", "mixed")]
    cells = cells[: options.study]
    expected |= {f"phantom study, {m}, seed {s}": committed_hash(m, s) for m, s in cells}
    failures = [
        f"{name}, {threads} threads: {path}"
        for name, threads in combinations
        for path in differing(expected, repeat(name, threads, cells, "float64"))
    ]
    if options.float32:
        repeat("own", 1, (), "float32")
    if failures:
        sys.exit("\n".join(["these differ from the checkout:", *failures]))
    print("all equal")


def repeat(
    instructions: str, threads: int, cells: Iterable[tuple[str, int]], precision: str
) -> dict[str, str]:
    """Run the stages on a copy of the checkout; return the hash of each output."""
    environment = dict(os.environ) | INSTRUCTIONS[instructions]
    environment |= {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    environment |= {"OPENBLAS_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"}
    if instructions != "own":
        environment["NPY_DISABLE_CPU_FEATURES"] = AVX512_OF_NUMPY
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "checkout"
        ignored = shutil.ignore_patterns(".git", ".venv", ".dvc", "__pycache__", "private")
        shutil.copytree(ROOT, copy, ignore=ignored)
        environment["TONEGAP_CACHE"] = folder  # no checkpoint of another run
        if precision != "float64":
            text = (copy / "params.yaml").read_text(encoding="utf-8")
            changed = text.replace("precision: float64", f"precision: {precision}")
            (copy / "params.yaml").write_text(changed, encoding="utf-8")
        started = time.monotonic()
        seconds = {stage: run_stage(stage, copy, environment) for stage in STAGES}
        found = hashes(copy)
        name = f"{instructions}, {threads} thread{'s' if threads > 1 else ''}, {precision}"
        took = f"train {seconds['train']:.1f} s, in all {time.monotonic() - started:.1f} s"
        print(f"{name:28} {digest(found)}  {took}", flush=True)
        for mix, seed in cells:
            found[f"phantom study, {mix}, seed {seed}"] = cell_hash(copy, mix, seed, environment)
    return found


def run_stage(stage: str, folder: Path, environment: Mapping[str, str]) -> float:
    """Run a stage as `dvc repro` would; return its seconds."""
    started = time.monotonic()
    command = [sys.executable, "-m", "tonegap", "stage", stage]
    done = subprocess.run(
        command, cwd=folder, env=environment, check=False, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"stage {stage} failed:\n{done.stderr}")
    return time.monotonic() - started


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every output, by path."""
    files = sorted({file for glob in OUTPUTS for file in folder.glob(glob) if file.is_file()})
    return {str(file.relative_to(folder)): sha256(file.read_bytes()) for file in files}


def cell_hash(copy: Path, mix: str, seed: int, environment: Mapping[str, str]) -> str:
    """Run one cell of the phantom study in a copy; hash its results per image."""
    params = copy / "params.yaml"
    text = params.read_text(encoding="utf-8")
    for key, value in (("mix", mix), ("seed", seed)):
        text = re.sub(rf"(?m)^  {key}: \S+", f"  {key}: {value}", text, count=1)
    params.write_text(text, encoding="utf-8")
    for stage in ("split", "train", "evaluate"):
        run_stage(stage, copy, environment)
    return sha256((copy / "results/per_image.csv").read_bytes())


def committed_hash(mix: str, seed: int) -> str:
    """Hash the rows of a cell in metrics/study_images.csv, written as results/per_image.csv is.

    Columns that need several runs, such as the ensemble's, are left out.
    """
    table = pd.read_csv(ROOT / "metrics/study_images.csv", dtype=str, keep_default_na=False)
    rows = table[(table["mix"] == mix) & (table["seed"] == str(seed))]
    of_one_run = pd.read_csv(ROOT / "results/per_image.csv", nrows=0).columns
    return sha256(rows[list(of_one_run)].to_csv(index=False).encode())


def differing(expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Return the paths whose content differs or that only one side has."""
    return sorted(
        path for path in expected.keys() | found.keys() if expected.get(path) != found.get(path)
    )


def digest(files: Mapping[str, str]) -> str:
    """Return the first 16 digits of the SHA-256 over all files."""
    return sha256(json.dumps(sorted(files.items())).encode())[:16]


def sha256(content: bytes) -> str:
    """Return the hexadecimal SHA-256."""
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    main()
