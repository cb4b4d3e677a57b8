"""The stage `prepare`: which images it packs, and what it says of one that it cannot."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from tiny_pipeline import write_params

from tonegap.errors import DataError
from tonegap.files.archive import write_archive
from tonegap.pipeline import run_stage
from tonegap.workspace import Workspace

MD5 = "a" * 32


@pytest.fixture
def at(tmp_path):
    """Make a workspace with one image of 40 x 30 pixels in its cohort."""
    at = Workspace(tmp_path)
    at.raw.parent.mkdir(parents=True)
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 150, 120)).save(stream, "PNG")
    write_archive(at.raw, [(f"{MD5}.jpg", stream.getvalue())])
    at.cohort.write_text(f"md5hash\n{MD5}\n")
    return at


def test_the_limit_is_the_one_of_the_fetch_stage(at, repository):
    """What fetch.max_pixels lets in is packed; a larger picture is named with the limit."""
    write_params(repository, at.root, {"fetch": {"max_pixels": 40 * 30}})
    run_stage("prepare", at)
    assert np.load(at.images).shape == (1, 32, 32, 3)
    write_params(repository, at.root, {"fetch": {"max_pixels": 40 * 30 - 1}})
    with pytest.raises(DataError, match=rf"{MD5}.* limit of 1199 \(fetch\.max_pixels\)") as caught:
        run_stage("prepare", at)
    assert "\n" not in str(caught.value)
