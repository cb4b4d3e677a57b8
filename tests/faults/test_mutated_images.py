"""Mutated images and image archives: a recorded row or a one-line error, never a traceback."""

from __future__ import annotations

import io
import random
import zipfile

import numpy as np
import pytest
from PIL import Image

from tonegap.errors import TonegapError
from tonegap.files.archive import write_archive
from tonegap.files.tables import read_csv
from tonegap.fingerprint.measures import COLUMNS, fingerprint
from tonegap.stages import hash as stage

SMOOTH = Image.fromarray(
    np.random.default_rng(1).integers(40, 215, (5, 6, 3), dtype=np.uint8)
).resize((60, 44), Image.Resampling.BICUBIC)
PER_FORMAT = 110
ARCHIVES = 150


def encoded(form):
    stream = io.BytesIO()
    options = {"save_all": True, "append_images": [SMOOTH]} if form == "GIF" else {}
    exif = Image.Exif()
    exif[0x0112] = 6
    SMOOTH.save(stream, form, exif=exif.tobytes(), **options)
    return stream.getvalue()


def require_one_line(error):
    assert len(str(error).splitlines()) == 1


def require_absent(path):
    assert not path.exists()


def mutated(content, chance):
    """Overwrite, insert, remove, repeat or cut bytes, more often near the header."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        reach = len(data) if chance.random() < 0.6 else min(len(data), 64)
        at, length = chance.randrange(max(reach, 1)), chance.choice((1, 1, 2, 4, 16))
        match chance.randrange(6):
            case 0 | 1:
                data[at : at + length] = chance.randbytes(length)
            case 2:
                data[at : at + length] = chance.choice((b"\xff", b"\x00", b"\x7f")) * length
            case 3:
                del data[at : at + length]
            case 4:
                data[at:at] = data[at : at + 16 * length]
            case 5 if chance.random() < 0.3:
                del data[at:]
    return bytes(data)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_mutated_image_has_a_row(form):
    """660 mutants in all: each is measured in full, or is unreadable with one line."""
    content, chance = encoded(form), random.Random(form)  # noqa: S311  mutations need no secrecy
    assert fingerprint("whole", content).readable
    for _ in range(PER_FORMAT):
        row = fingerprint("a" * 32, mutated(content, chance), max_pixels=10_000_000)
        if row.readable:
            assert row.problem is None
            assert row.width * row.height <= 10_000_000
            assert np.isfinite([row.ita, row.sharpness, row.entropy]).all()
        else:
            assert row.problem
            assert len(row.problem.splitlines()) == 1
            assert row.pixel_sha256 is None


def test_every_mutated_archive_is_indexed_or_refused(tmp_path):
    """150 damaged raw.zip: rows for all their entries, or an error of one line and no table."""
    image = encoded("JPEG")
    write_archive(tmp_path / "raw.zip", ((f"{n:032x}.jpg", image) for n in range(4)))
    content, chance = (tmp_path / "raw.zip").read_bytes(), random.Random(2)  # noqa: S311  mutations need no secrecy
    directory = content.rindex(b"PK\x01\x02") - 200
    refused = 0
    for turn in range(ARCHIVES):
        keep = chance.choice((0, directory))  # the directory at the end is small: aim at it
        (tmp_path / "mutant.zip").write_bytes(content[:keep] + mutated(content[keep:], chance))
        index = tmp_path / f"{turn}.csv"
        try:
            stage.run(raw=tmp_path / "mutant.zip", index=index, processes=1)
        except TonegapError as error:
            require_one_line(error)
            require_absent(index)
            refused += 1
            continue
        with zipfile.ZipFile(tmp_path / "mutant.zip") as archive:
            assert len(read_csv(index, COLUMNS, "the index")) == len(archive.namelist())
    assert 10 < refused < ARCHIVES - 10
