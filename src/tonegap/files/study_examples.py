"""Example reconstructions of a study: the same originals by every mix."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tonegap.files.arrays import write_arrays
from tonegap.files.examples import Examples


def write_study_examples(by_mix: Mapping[str, Examples], path: Path) -> None:
    """Write ``originals_<group>`` and ``recon_<mix>_<group>``, uint8 [n, size, size, 3] each."""
    first = next(iter(by_mix.values()))
    arrays = {"originals_light": first.light, "originals_dark": first.dark}
    for mix, examples in by_mix.items():
        arrays[f"recon_{mix}_light"] = examples.reconstructed_light
        arrays[f"recon_{mix}_dark"] = examples.reconstructed_dark
    write_arrays(arrays, path)
