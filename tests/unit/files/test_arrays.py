"""Named arrays in one file: equal arrays are equal bytes under every release of Python."""

from __future__ import annotations

import struct
import zipfile

import numpy as np

from tonegap.files.arrays import write_arrays

ARRAYS = {
    "pixels": np.arange(48, dtype=np.uint8).reshape(4, 4, 3),
    "rendered": np.ones((), dtype=bool),
}


def test_numpy_reads_what_was_written(tmp_path):
    """Names, types, shapes and values come back, without pickles."""
    write_arrays(ARRAYS, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as again:
        assert list(again) == list(ARRAYS)
        for name, array in ARRAYS.items():
            assert again[name].dtype == array.dtype
            np.testing.assert_array_equal(again[name], array)


def test_headers_hold_nothing_of_the_machine(tmp_path):
    """No date, no 64-bit sizes, no extra field: where releases of Python differ, or clocks."""
    write_arrays(ARRAYS, tmp_path / "a.npz")
    content = (tmp_path / "a.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        for entry in archive.infolist():
            local = struct.unpack_from("<4sHHHHHLLLHH", content, entry.header_offset)
            signature, version, _, _, _, date, _, packed, size, _, extra = local
            assert (signature, version, extra) == (b"PK\x03\x04", 20, 0)
            assert (packed, size) == (entry.compress_size, entry.file_size)
            assert date == 0x21  # 1980-01-01
            assert entry.extra == b""
