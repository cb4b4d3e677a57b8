"""Mutated zips, images and tables: each a recorded skip or a one-line error, never a crash."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from foreign_forms import converted, named
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from tonegap.errors import DataError
from tonegap.files.annotations import parse_text_table
from tonegap.files.image_intake import take_images
from tonegap.files.store import ImageStore, md5_of
from tonegap.tables import ANNOTATION_COLUMNS, validate_annotations

MANY = settings(
    max_examples=350,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def _jpeg(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


IMAGES = [_jpeg(seed) for seed in range(3)]
TABLE = pd.DataFrame(
    {
        "md5hash": [*(md5_of(content) for content in IMAGES), "f" * 32],
        "url_alphanum": ["a.jpg", "b.jpg", "c.jpg", "d.jpg"],
    }
)


def _zip_bytes() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number, content in enumerate(IMAGES):
            method = zipfile.ZIP_DEFLATED if number else zipfile.ZIP_STORED
            archive.writestr(f"folder/{number}.jpg", content, compress_type=method)
        archive.writestr("d.jpg", IMAGES[0][:300])
    return stream.getvalue()


CSV = (
    ",".join(ANNOTATION_COLUMNS)
    + "\n"
    + "".join(
        f"{digit * 32},{n},-1,psoriasis,inflammatory,non-neoplastic,,https://e.org/{n}.jpg,{n}.jpg\n"
        for n, digit in enumerate("abcd", start=1)
    )
).encode()


@st.composite
def mutated(draw, content: bytes) -> bytes:
    """Bytes overwritten, cut out, doubled, inserted or cut off."""
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 6))):
        if not data:
            break
        at = draw(st.integers(0, len(data) - 1))
        length = draw(st.sampled_from((1, 2, 4, 20)))
        kind = draw(st.sampled_from(("overwrite", "remove", "double", "insert", "cut")))
        if kind == "overwrite":
            data[at : at + length] = draw(st.binary(min_size=length, max_size=length))
        elif kind == "remove":
            del data[at : at + length]
        elif kind == "double":
            data[at:at] = data[at : at + length]
        elif kind == "insert":
            data[at:at] = draw(st.sampled_from((b"\x00", b"\n", b'"', b"=", b"\xff\xfe", b"../")))
        else:
            del data[at:]
    return bytes(data)


def _require_one_line(error: DataError) -> None:
    assert str(error)
    assert "\n" not in str(error)


@MANY
@given(mutated(_zip_bytes()))
@example(_zip_bytes().replace(b"folder/0.jpg", b"\x00older/0.jpg"))  # a file without a name
def test_mutated_zips(content):
    """Only images with their own md5 come in as verified; the rest is recorded or refused."""
    with tempfile.TemporaryDirectory() as folder:
        path, store = Path(folder) / "images.zip", ImageStore(Path(folder) / "store")
        path.write_bytes(content)
        try:
            taken = take_images([path], TABLE, store, max_bytes=10_000, max_pixels=10_000)
        except DataError as error:
            _require_one_line(error)
            return
        assert taken.verified == sum(store.holds(md5) for md5 in TABLE["md5hash"])
        assert all(skip.reason and "\n" not in skip.reason for skip in taken.skipped)
        assert {path.name for path in Path(folder).iterdir()} <= {"images.zip", "store"}


@MANY
@given(st.one_of(mutated(IMAGES[0]), st.binary(max_size=200)))
def test_mutated_images(content):
    """An image file is verified, kept apart, or skipped with one line."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "given").mkdir()
        (Path(folder) / "given" / "d.jpg").write_bytes(content)
        store = ImageStore(Path(folder) / "store")
        taken = take_images(
            [Path(folder) / "given"], TABLE, store, max_bytes=10_000, max_pixels=10_000
        )
        assert taken.verified + taken.unverified + len(taken.skipped) == 1
        assert all(skip.reason and "\n" not in skip.reason for skip in taken.skipped)


@MANY
@given(mutated(CSV))
def test_mutated_tables(content):
    """A table is valid by its rules or refused in one line, also under other columns' names."""
    try:
        frame = parse_text_table(content, "a.csv")
        validate_annotations(frame, "a.csv")
    except DataError as error:
        _require_one_line(error)
        return
    assert frame["md5hash"].is_unique
    assert frame["md5hash"].str.fullmatch("[0-9a-f]{32}").all()
    names = named("url_alphanum", "fitzpatrick_scale", "label", url="url")
    try:
        assert len(converted(frame, names, {}, "a.csv")) == len(frame)
    except DataError as error:
        _require_one_line(error)
