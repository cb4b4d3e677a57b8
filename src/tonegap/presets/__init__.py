"""Data sets whose layout is known: one YAML file each, of the schema in :mod:`.schema`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent


def preset_names() -> list[str]:
    """Return the names of all presets, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def preset_summary(name: str) -> str:
    """Return the first line of a preset, a comment: quick to read, for lists of commands."""
    with (FOLDER / f"{name}.yaml").open(encoding="utf-8") as stream:
        return stream.readline().lstrip("# ").strip()
