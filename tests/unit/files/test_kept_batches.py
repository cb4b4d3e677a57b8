"""Results of batches that outlive a killed run."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tonegap.files.kept_batches import KeptBatches, pixels_sha256


@pytest.fixture
def kept(tmp_path):
    return KeptBatches(tmp_path / "kept")


def test_a_result_is_kept_to_the_bit(kept):
    """The second call computes nothing and gives equal numbers."""
    table = pd.DataFrame({"mse": np.random.default_rng(0).random(5) / 3, "sigma": [np.nan] * 5})
    first, from_before = kept.result("a", 5, lambda: table)
    assert not from_before
    again, from_before = kept.result("a", 5, lambda: pytest.fail("it was computed again"))
    assert from_before
    pd.testing.assert_frame_equal(first, again, check_exact=True)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no zip", None])
def test_what_cannot_be_trusted_is_computed_again(kept, damage):
    """A damaged file, or one of another number of rows, does not count."""
    kept.result("a", 2, lambda: pd.DataFrame({"mse": [1.0, 2.0]}))
    (path,) = kept.folder.iterdir()
    if damage is not None:
        path.write_bytes(damage)
    rows = 2 if damage is not None else 3
    table = pd.DataFrame({"mse": np.arange(float(rows))})
    found, from_before = kept.result("a", rows, lambda: table)
    assert not from_before
    pd.testing.assert_frame_equal(found, table)
    assert kept.result("a", rows, lambda: pytest.fail("it was not kept"))[1]


def test_pixels_and_their_arrangement_make_the_hash():
    """Equal bytes in another shape are another batch."""
    pixels = np.arange(48, dtype=np.uint8).reshape(1, 4, 4, 3)
    other = pixels.copy()
    other[0, 0, 0, 0] = 255
    hashes = {pixels_sha256(p) for p in (pixels, other, pixels.reshape(2, 4, 2, 3))}
    assert len(hashes) == 3
    assert pixels_sha256(pixels[:, :, ::-1][:, :, ::-1]) == pixels_sha256(pixels)


def test_they_are_cleared_together(kept):
    """Once the whole result is written nothing is left."""
    kept.result("a", 1, lambda: pd.DataFrame({"mse": [1.0]}))
    kept.clear()
    assert not kept.folder.exists()
