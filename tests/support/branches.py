"""A branch whose data set is chosen without DVC, which other tests run; and small patches."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_pipeline import write_params

LIGHT, DARK = (232, 190, 160), (80, 50, 36)
"""Colours of light and of dark skin."""


def patch(number: int, colour: tuple[int, int, int] = LIGHT, form: str = "PNG") -> bytes:
    """Draw a picture of one colour with noise, another one for each number."""
    noise = np.random.default_rng(number).normal(0, 6, (40, 40, 3))
    stream = io.BytesIO()
    pixels = np.clip(np.asarray(colour) + noise, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(stream, form)
    return stream.getvalue()


def write_patches(folder: Path, names: list[str], start: int = 0) -> Path:
    """Write a picture for each name; every second one is dark."""
    for number, name in enumerate(names, start):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(patch(number, DARK if number % 2 else LIGHT))
    return folder


@pytest.fixture
def plain_branch(tmp_path, repository, monkeypatch) -> Path:
    """Make a folder with parameters, the current one; a chosen table is written, not pinned."""
    from tonegap.files.manifest import write_manifest  # noqa: PLC0415  after the hook of jaxtyping
    from tonegap.source import choose  # noqa: PLC0415

    root = tmp_path / "branch"
    (root / "data").mkdir(parents=True)
    (root / "data.dvc").write_text("unchanged\n")
    (root / "images.txt").write_text("")
    for name in ("keep", "drop", "duplicates"):
        (root / "lists" / name).mkdir(parents=True)
    write_params(repository, root, {"data": {"n_test": 3, "n_train": 4}})
    monkeypatch.setenv("TONEGAP_CACHE", str(tmp_path / "cache"))

    def write(folder, content, images, _url=None):
        (folder / "data.dvc").write_text("chosen\n")
        (folder / "data/annotations.csv").write_bytes(content)
        write_manifest(images, folder / "images.txt")

    monkeypatch.setattr(choose, "pin_table", write)
    monkeypatch.chdir(root)
    return root
