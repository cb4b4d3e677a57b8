"""Images that the user gives: by bytes, else by name; nothing that is not asked for."""

from __future__ import annotations

import errno
import io
import os
import stat
import struct
import unicodedata
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tonegap.errors import DataError
from tonegap.files.foreign_zip import zip_offers
from tonegap.files.image_intake import Intake, identify_images, take_images
from tonegap.files.offers import Offer, Skip
from tonegap.files.store import ImageStore, md5_of
from tonegap.tables import inert

LIMITS = {"max_bytes": 100_000, "max_pixels": 10_000}
TWIN = "0123456789abcdef"


def _jpeg(seed: int, side: int = 16) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


ORIGINAL = [_jpeg(seed) for seed in range(3)]
RESIZED = [_jpeg(seed) for seed in range(100, 103)]
ROWS = [md5_of(content) for content in ORIGINAL]


@pytest.fixture
def table() -> pd.DataFrame:
    """Three rows with images at hand, two whose md5s begin alike."""
    md5s = [*ROWS, TWIN + "0" * 16, TWIN + "1" * 16]
    names = ["httpwwwone1jpg.jpg", "httpwwwtwo2jpg.jpg", None, "same.jpg", "Same.jpg"]
    return pd.DataFrame({"md5hash": md5s, "url_alphanum": names})


@pytest.fixture
def store(tmp_path) -> ImageStore:
    return ImageStore(tmp_path / "store")


def _folder(tmp_path, files: dict[str, bytes]):
    for name, content in files.items():
        path = tmp_path / "given" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "given"


def _zip(tmp_path, files: dict[str, bytes], method=zipfile.ZIP_STORED):
    path = tmp_path / "given.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def _why(taken: Intake) -> dict[str, str]:
    return {skip.name: skip.reason for skip in taken.skipped}


@pytest.mark.parametrize("pack", [_folder, _zip])
def test_bytes_decide_whatever_the_name(tmp_path, table, store, pack):
    """An original is verified under any name, also another row's and in any subfolder."""
    files = {
        "deep/er/holiday.JPG": ORIGINAL[0],
        f"{ROWS[2]}.jpg": ORIGINAL[1],
        "x.png": ORIGINAL[2],
    }
    taken = take_images([pack(tmp_path, files)], table, store, **LIMITS)
    assert (taken.verified, taken.unverified, taken.skipped) == (3, 0, [])
    assert [store.get(row) for row in ROWS] == ORIGINAL


@pytest.mark.parametrize("pack", [_folder, _zip])
def test_resized_copies_go_by_their_name(tmp_path, table, store, pack):
    """The three forms of names that Fitzpatrick17k is handed around in are understood."""
    files = {
        f"{ROWS[0].upper()}.jpg": RESIZED[0],
        "HTTPwwwtwo2jpg.jpg": RESIZED[1],
        f"ps_f-1_12_{ROWS[2][:8]}.jpg": RESIZED[2],
    }
    taken = take_images([pack(tmp_path, files)], table, store, **LIMITS)
    assert (taken.verified, taken.unverified, taken.skipped) == (0, 3, [])
    assert [store.unverified(row) for row in ROWS] == RESIZED
    assert [store.get(row) for row in ROWS] == [None] * 3


def test_ambiguous_and_unknown_names_are_recorded(tmp_path, table, store):
    """A name that fits two rows or none decides nothing."""
    files = {
        f"ps_f2_1_{TWIN[:8]}.jpg": RESIZED[0],
        "same.jpg": RESIZED[1],
        "cat.jpg": RESIZED[2],
        "readme.txt": b"hello",
        "._macos.jpg": b"\0\5\x16\x07",
        f"{ROWS[0]}.jpg": b"<html>",
        f"{ROWS[1]}.jpg": _jpeg(1, side=101),
    }
    taken = take_images([_folder(tmp_path, files)], table, store, **LIMITS)
    why = _why(taken)
    assert (taken.verified, taken.unverified, len(why)) == (0, 0, len(files))
    assert why[f"ps_f2_1_{TWIN[:8]}.jpg"] == why["same.jpg"] == "its name fits several rows"
    assert why["cat.jpg"] == "neither bytes nor name match a row"
    assert why["readme.txt"] == why["._macos.jpg"] == "its name is not that of an image"
    assert "no image" in why[f"{ROWS[0]}.jpg"]
    assert "fetch.max_pixels" in why[f"{ROWS[1]}.jpg"]
    assert taken.reasons()["it is not an image"] == 2


def test_repeats_are_counted_once(tmp_path, table, store):
    """The same image under two names counts once; a second taking finds the same."""
    folder = _folder(tmp_path, {"a.jpg": ORIGINAL[0], "b.jpg": ORIGINAL[0]})
    for _ in range(2):
        taken = take_images([folder], table, store, **LIMITS)
        assert (taken.verified, taken.repeated) == (1, 1)


def test_links_and_pipes_in_folders(tmp_path, table, store):
    """Links are followed within the folder only; a pipe is not waited for."""
    folder = _folder(tmp_path, {"sub/a.jpg": ORIGINAL[0]})
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(ORIGINAL[1])
    (folder / "inside.jpg").symlink_to(folder / "sub" / "a.jpg")
    (folder / "outside.jpg").symlink_to(secret)
    (folder / "nowhere.jpg").symlink_to(folder / "gone.jpg")
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    (folder / "up").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.jpg")
    taken = take_images([folder], table, store, **LIMITS)
    assert (taken.verified, taken.repeated) == (1, 1)
    why = _why(taken)
    assert why.pop("outside.jpg") == "it is a link that leads out of the folder"
    assert why.pop("nowhere.jpg") == why.pop("loop.jpg") == "it is a broken link"
    assert why.pop("up") == "it is a link to a folder"
    assert "pipe" in why.pop("pipe.jpg")
    assert why == {}


def test_a_folder_that_cannot_be_listed_is_recorded(tmp_path, table, store, monkeypatch):
    """The images in it are not silently few."""
    folder = _folder(tmp_path, {"shut/a.jpg": ORIGINAL[0], "open/b.jpg": ORIGINAL[1]})
    listed = os.scandir

    def scandir(path):
        if str(path).endswith("shut"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    taken = take_images([folder], table, store, **LIMITS)
    assert taken.verified == 1
    assert _why(taken) == {"shut": "it cannot be read (Permission denied)"}


def test_a_large_file_is_not_read_to_its_end(tmp_path, table, store):
    """A file beyond the limit is skipped."""
    folder = _folder(tmp_path, {"a.jpg": b"\0" * 100_001})
    assert "fetch.max_bytes" in _why(take_images([folder], table, store, **LIMITS))["a.jpg"]


def _link(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return entry


def test_hostile_zips(tmp_path, table, store):
    """Every trick is recorded with its reason, nothing leaves the archive, good images pass."""
    path = tmp_path / "hostile.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.jpg", ORIGINAL[0])
        archive.writestr("/etc/evil.jpg", ORIGINAL[0])
        archive.writestr("C:/evil.jpg", ORIGINAL[0])
        archive.writestr("a\\..\\..\\evil.jpg", ORIGINAL[0])
        archive.writestr(_link("link.jpg"), "/etc/passwd")
        archive.writestr("bomb.jpg", b"\0" * 99_999_999)
        archive.writestr("nested.zip", b"PK")
        archive.writestr("folder/", b"")
        archive.writestr("good.jpg", ORIGINAL[1])
    taken = take_images([path], table, store, max_bytes=10**9, max_pixels=10_000)
    assert (taken.verified, len(taken.skipped)) == (1, 7)
    why = _why(taken)
    assert sum("leads out" in reason for reason in why.values()) == 4
    assert "symbolic link" in why["link.jpg"]
    assert "no photograph" in why["bomb.jpg"]
    assert "archive inside" in why["nested.zip"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["hostile.zip", "store"]


def _patched(path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))


def test_a_zip_that_lies_about_sizes(tmp_path, table, store):
    """More bytes than declared are never returned, whatever the two headers say."""
    path = _zip(tmp_path, {"a.jpg": bytes(50_000)}, zipfile.ZIP_DEFLATED)
    _patched(path, struct.pack("<L", 50_000), struct.pack("<L", 10))
    taken = take_images([path], table, store, **LIMITS)
    assert "damaged" in _why(taken)["a.jpg"] or "more bytes" in _why(taken)["a.jpg"]


def test_encrypted_and_damaged_entries(tmp_path, table, store):
    """Entries that cannot be read are recorded; the others are taken."""
    path = _zip(tmp_path, {"a.jpg": ORIGINAL[0], "b.jpg": ORIGINAL[1]})
    content = bytearray(path.read_bytes())
    content[content.index(ORIGINAL[0]) + 30] ^= 0xFF
    directory = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 4)
    content[directory + 8] |= 1  # the second entry claims to be encrypted
    path.write_bytes(content)
    why = _why(take_images([path], table, store, **LIMITS))
    assert "damaged" in why["a.jpg"]
    assert why["b.jpg"] == "it is encrypted"


def test_overlapping_entries_are_refused_whole(tmp_path, table, store):
    """Many entries that share their packed bytes are a bomb; nothing is taken, at once."""
    path = _zip(tmp_path, {"a.jpg": ORIGINAL[0]})
    content = path.read_bytes()
    start, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    entry, many = content[start:end], 1000
    counts = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, many, many, len(entry) * many, start, 0)
    path.write_bytes(content[:start] + entry * many + counts)
    with pytest.raises(DataError, match="overlap"):
        take_images([path], table, store, **LIMITS)
    assert store.get(ROWS[0]) is None


@pytest.mark.skipif(os.name != "posix", reason="names of other bytes are POSIX")
def test_names_that_are_no_unicode_are_recorded(tmp_path, table, store):
    """A file name in another encoding can be written to the table of what was skipped."""
    folder = _folder(tmp_path, {"a.jpg": ORIGINAL[0]})
    with open(os.fsencode(folder) + b"/caf\xe9.jpg", "wb") as stream:  # noqa: PTH123  bytes path
        stream.write(RESIZED[0])
    taken = take_images([folder], table, store, **LIMITS)
    assert taken.verified == 1
    assert [inert(skip.name) for skip in taken.skipped] == ["caf\\udce9.jpg"]


def test_unknown_compression_is_recorded(tmp_path):
    """A method that Python does not know is a skip, not a crash."""
    path = _zip(tmp_path, {"a.jpg": ORIGINAL[0]})
    content = path.read_bytes()
    at = content.index(b"PK\x01\x02") + 10
    path.write_bytes(content[:at] + struct.pack("<H", 97) + content[at + 2 :])
    outcomes = [offer.read() for offer in zip_offers(path, 10**6) if isinstance(offer, Offer)]
    assert [isinstance(outcome, Skip) for outcome in outcomes] == [True]
    assert "unpacked" in outcomes[0].reason


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 not really", b"hello" * 100, b"PK\x05\x06" + b"\xff" * 18]
)
def test_what_is_no_zip_is_one_line(tmp_path, table, store, content):
    """A source that is neither folder nor zip stops everything before it begins."""
    path = tmp_path / "images.zip"
    path.write_bytes(content)
    good = _folder(tmp_path, {"a.jpg": ORIGINAL[0]})
    with pytest.raises(DataError, match=r"images\.zip") as caught:
        take_images([good, path], table, store, **LIMITS)
    assert "\n" not in str(caught.value)
    assert store.get(ROWS[0]) is None


def test_a_missing_source_is_named(tmp_path, table, store):
    """A path that is not there is said to be so."""
    with pytest.raises(DataError, match="nowhere is not there"):
        take_images([tmp_path / "nowhere"], table, store, **LIMITS)


def test_identifiers_name_the_images_of_other_data_sets(tmp_path, store):
    """Without md5s in the table, names decide, and the md5 becomes the key."""
    files = {
        "part1/PAT_1.png": ORIGINAL[0],
        "part2/pat_2.PNG": ORIGINAL[1],
        "copy/PAT_3.png": ORIGINAL[0],
        "PAT_4.png": b"text",
        "other.png": ORIGINAL[2],
    }
    found, taken = identify_images(
        [_folder(tmp_path, files)], ["PAT_1.png", "PAT_2", "PAT_3", "PAT_4"], store, **LIMITS
    )
    # Folders are read in the order of their names, so the copy comes first.
    assert found == {"PAT_2": ROWS[1], "PAT_3": ROWS[0]}
    assert (taken.verified, taken.repeated, len(taken.skipped)) == (2, 1, 2)
    assert store.get(ROWS[0]) == ORIGINAL[0]


def test_identifiers_with_another_suffix_and_twins(tmp_path, store):
    """A converted file still has its row's name; rows that differ in case only have none."""
    files = {"pat_1.JPG": ORIGINAL[0], "twin.png": ORIGINAL[1], "PAT_2.v2.jpg": ORIGINAL[2]}
    rows = ["PAT_1.png", "Twin.png", "TWIN.png", "PAT_2.v2"]
    found, taken = identify_images([_folder(tmp_path, files)], rows, store, **LIMITS)
    assert found == {"PAT_1.png": ROWS[0], "PAT_2.v2": ROWS[2]}
    assert _why(taken) == {"twin.png": "its name fits several rows"}


@pytest.mark.parametrize("pack", [_folder, _zip])
def test_a_mask_of_the_same_name_is_not_taken_for_the_image(tmp_path, store, pack):
    """If two pictures match one row, the row gets neither, and both are named."""
    files = {
        "annotations/PAT_1.png": RESIZED[0],
        "images/PAT_1.png": ORIGINAL[0],
        "images/PAT_2.png": ORIGINAL[1],
        "more/PAT_2.png": ORIGINAL[1],
    }
    found, taken = identify_images([pack(tmp_path, files)], ["PAT_1", "PAT_2"], store, **LIMITS)
    assert found == {"PAT_2": ROWS[1]}
    assert (taken.verified, taken.repeated) == (1, 1)
    why = _why(taken)
    assert "another picture has its name: images/PAT_1.png" in why["annotations/PAT_1.png"]
    assert "another picture has its name: annotations/PAT_1.png" in why["images/PAT_1.png"]
    assert taken.reasons() == {"another picture has its name": 2}


def test_the_file_with_all_of_the_name_comes_first(tmp_path, store):
    """A preview in another format, or in another folder, does not spoil the row's own file."""
    files = {
        "a/PAT_1.jpg": RESIZED[0],
        "a/PAT_1.png": ORIGINAL[0],
        "masks/2.png": RESIZED[1],
        "set/images/2.png": ORIGINAL[1],
    }
    rows = ["PAT_1.png", "images/2.png"]
    found, taken = identify_images([_folder(tmp_path, files)], rows, store, **LIMITS)
    assert found == {"PAT_1.png": ROWS[0], "images/2.png": ROWS[1]}
    assert set(_why(taken)) == {"a/PAT_1.jpg", "masks/2.png"}
    assert all("more exactly" in why for why in _why(taken).values())


def test_identifiers_with_folders(tmp_path, store):
    """Files that differ in their folder only are told apart by it, at any depth."""
    files = {
        "P0/1.png": ORIGINAL[0],
        "deep/er/P1/1.png": ORIGINAL[1],
        "1.png": RESIZED[0],
        "x.png": ORIGINAL[2],
    }
    rows = ["P0/1.png", "P1\\1.png", "elsewhere/x.png"]
    found, taken = identify_images([_folder(tmp_path, files)], rows, store, **LIMITS)
    assert found == dict(zip(rows, ROWS, strict=True))
    assert _why(taken) == {"1.png": "its name fits several rows"}


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_accents_are_the_same_in_both_spellings(tmp_path, store, forms):
    """Names from a Mac have their accents apart; tables rarely do."""
    row, name = (unicodedata.normalize(form, "Läsion") for form in forms)
    folder = _folder(tmp_path, {f"{name}.png": ORIGINAL[0]})
    found, _ = identify_images([folder], [row], store, **LIMITS)
    assert found == {row: ROWS[0]}


def test_zips_within_a_folder_are_opened_and_zips_within_zips_named(tmp_path, store):
    """PAD-UFES-20 comes as a folder of three zips; archives further within have their reason."""
    folder = _folder(tmp_path, {"images/cut.zip": b"PK", "PAT_3.tar.gz": b"?", "notes.txt": b"?"})
    inner = _zip(tmp_path, {"imgs/PAT_1.png": ORIGINAL[0], "imgs/other.png": ORIGINAL[2]})
    packed = inner.read_bytes()
    (folder / "images" / "part_1.ZIP").write_bytes(packed)
    outer = _zip(tmp_path, {"part_2.zip": packed, "PAT_2.png": ORIGINAL[1]})
    found, taken = identify_images([folder, outer], ["PAT_1", "PAT_2"], store, **LIMITS)
    assert found == {"PAT_1": ROWS[0], "PAT_2": ROWS[1]}
    archive = "it is an archive inside (unpack it, or pass a zip by itself)"
    assert _why(taken) == {
        "images/cut.zip": "it cannot be read as a zip (pass it by itself to see why)",
        "images/part_1.ZIP/imgs/other.png": "its name is of no row",
        "PAT_3.tar.gz": archive,
        "part_2.zip": archive,
        "notes.txt": "its name is not that of an image",
    }


def test_an_md5_is_a_name_with_any_suffix(tmp_path, table, store):
    """Downloads come as <md5> alone, or as <md5>.jpg_large: the bytes decide."""
    files = {ROWS[0]: ORIGINAL[0], f"{ROWS[1]}.jpg_large": RESIZED[1], f"{ROWS[2]}.html": b"<p>"}
    taken = take_images([_folder(tmp_path, files)], table, store, **LIMITS)
    assert (taken.verified, taken.unverified) == (1, 1)
    assert "it is not an image" in _why(taken)[f"{ROWS[2]}.html"]


@pytest.mark.slow
def test_the_real_originals_are_all_verified(originals, tmp_path):
    """The 1,268 shared originals have the md5s of the real table."""
    table = pd.read_csv(originals / "fitzpatrick17k.csv", dtype=str)
    store = ImageStore(tmp_path / "store")
    limits = {"max_bytes": 50_000_000, "max_pixels": 100_000_000}
    taken = take_images([originals / "images"], table, store, **limits)
    assert (taken.verified, taken.unverified, taken.skipped) == (1268, 0, [])
