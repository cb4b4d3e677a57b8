"""Example reconstructions of a study: the same originals by every mix."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tonegap.files.arrays import write_arrays
from tonegap.files.examples import Examples


def write_study_examples(by_mix: Mapping[str, Examples], path: Path) -> None:
    """Write ``originals_<group>`` and ``recon_<mix>_<group>``, uint8 [n, size, size, 3] each."""
    first = next(iter(by_mix.values()))
    arrays = {f"originals_{group}": pixels for group, pixels in first.originals.items()}
    for mix, examples in by_mix.items():
        for group, pixels in examples.reconstructions.items():
            arrays[f"recon_{mix}_{group}"] = pixels
    write_arrays(arrays, path)
