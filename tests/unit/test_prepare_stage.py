"""The stage `prepare`: which images it packs, and what it says of one that it cannot."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tonegap.errors import DataError
from tonegap.files.archive import write_archive
from tonegap.stages import prepare
from tonegap.workspace import Workspace

MD5 = "a" * 32


@pytest.fixture
def workspace(tmp_path, monkeypatch, repository):
    """Make a workspace with one image of 40 x 30 pixels in its cohort."""
    monkeypatch.chdir(tmp_path)
    Workspace.raw.parent.mkdir(parents=True)
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 150, 120)).save(stream, "PNG")
    write_archive(Workspace.raw, [(f"{MD5}.jpg", stream.getvalue())])
    Workspace.cohort.write_text(f"md5hash\n{MD5}\n")

    def write_limit(max_pixels: int) -> None:
        text = (repository / "params.yaml").read_text()
        assert "max_pixels: 100000000" in text
        Workspace.params.write_text(
            text.replace("max_pixels: 100000000", f"max_pixels: {max_pixels}")
        )

    return write_limit


def test_the_limit_is_the_one_of_the_fetch_stage(workspace):
    """What fetch.max_pixels lets in is packed; a larger picture is named with the limit."""
    workspace(40 * 30)
    prepare.from_workspace()
    assert np.load(Workspace.images).shape == (1, 32, 32, 3)
    workspace(40 * 30 - 1)
    with pytest.raises(DataError, match=rf"{MD5}.* limit of 1199 \(fetch\.max_pixels\)") as caught:
        prepare.from_workspace()
    assert "\n" not in str(caught.value)
