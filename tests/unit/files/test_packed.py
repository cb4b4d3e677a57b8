from __future__ import annotations

import numpy as np
import pytest

from tonegap.errors import DataError
from tonegap.files.packed import open_packed, write_packed


def test_images_round_trip_in_order(tmp_path):
    """The array on disk holds the images in the order in which they came."""
    images = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    write_packed(tmp_path / "i.npy", iter(images), 5, 16)
    np.testing.assert_array_equal(open_packed(tmp_path / "i.npy"), images)


def test_a_wrong_number_leaves_no_file(tmp_path):
    """Too few images are an error, not an array with zeros at its end."""
    with pytest.raises(ValueError, match="expected 3 images, got 1"):
        write_packed(tmp_path / "i.npy", [np.zeros((16, 16, 3), np.uint8)], 3, 16)
    assert list(tmp_path.iterdir()) == []


def test_other_content_is_refused(tmp_path):
    """Floats, pickles, text and absence are one clear error each."""
    path = tmp_path / "i.npy"
    with pytest.raises(DataError, match="not at"):
        open_packed(path)
    np.save(path, np.zeros((2, 4, 4, 3)))
    with pytest.raises(DataError, match="float64"):
        open_packed(path)
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="not an array"):
        open_packed(path)
    path.write_text("hello")
    with pytest.raises(DataError, match="not an array"):
        open_packed(path)


def test_the_file_is_numpys_own(tmp_path):
    """Bytes are those of numpy.save, so any program reads them and the hash is stable."""
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    write_packed(tmp_path / "a.npy", (image[:, ::-1][:, ::-1] for image in images), 3, 8)
    np.save(tmp_path / "b.npy", images)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()
