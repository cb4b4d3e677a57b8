"""Pairs of copies found in fingerprints of real files."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

from tonegap.duplicates.candidates import PAIR_COLUMNS, hash_candidates
from tonegap.duplicates.clustering import clusters
from tonegap.duplicates.pairs import merge_pairs, near_duplicate_pairs
from tonegap.duplicates.reading import parse_hashes, parse_thumbnails
from tonegap.errors import DataError
from tonegap.files.store import md5_of
from tonegap.fingerprint.decoding import decode
from tonegap.fingerprint.measures import fingerprint
from tonegap.fingerprint.table import fingerprint_table
from tonegap.phantom.copies import KINDS, planted_copies
from tonegap.phantom.recipes import annotation_table, identifier
from tonegap.phantom.render import jpeg_from_url, render_jpeg
from tonegap.phantom.spec import format_url, parse_url


def picture(seed, size=(240, 160)):
    small = np.random.default_rng(seed).integers(30, 225, (7, 9, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


def encoded(image, form="JPEG", **options):
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def index_of(*contents):
    return fingerprint_table(
        fingerprint(f"{number:032x}", content) for number, content in enumerate(contents)
    )


def cropped(image, cut, x, y):
    width, height = image.size
    left, top = cut * x * width, cut * y * height
    return image.crop(
        (round(left), round(top), round(left + width * (1 - cut)), round(top + height * (1 - cut)))
    )


def without_sides(image, left, top, right, bottom):
    width, height = image.size
    lower = (round(width * (1 - right)), round(height * (1 - bottom)))
    return image.crop((round(width * left), round(height * top), *lower))


ORIGINAL = encoded(picture(0), quality=90)
COPIES = {
    "bytes": ORIGINAL,
    "near": encoded(picture(0), quality=45),
    "cropped": encoded(cropped(picture(0), 0.05, 0.0, 0.0)),
    "mirrored": encoded(picture(0).transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
}


@pytest.mark.parametrize("kind", COPIES)
def test_each_kind_of_copy_is_found_under_its_name(kind):
    """A copy among strangers is the one pair, of the kind that was made."""
    strangers = [encoded(picture(seed)) for seed in range(1, 8)]
    pairs = near_duplicate_pairs(index_of(*strangers, ORIGINAL, COPIES[kind]), 6)
    assert list(pairs.columns) == list(PAIR_COLUMNS)
    assert pairs[["md5hash_a", "md5hash_b"]].to_numpy().tolist() == [[f"{7:032x}", f"{8:032x}"]]
    # A corner crop may keep its whole hash: near is the stricter word then.
    assert pairs["kind"][0] in {kind, "near" if kind == "cropped" else kind}
    assert 0 <= pairs["distance"][0] <= 6


def test_equal_pixels_in_unequal_files_are_told_from_equal_files():
    """The same picture as PNG and as BMP is a pair of kind `pixels`."""
    pairs = near_duplicate_pairs(
        index_of(encoded(picture(0), "PNG"), encoded(picture(0), "BMP")), 0
    )
    assert pairs["kind"].tolist() == ["pixels"]


def test_a_set_of_equal_images_is_joined_by_a_star():
    """A hundred equal files make 99 pairs, not 4,950, and one cluster."""
    index = index_of(*[ORIGINAL] * 100)
    pairs = near_duplicate_pairs(index, 6)
    assert len(pairs) == 99
    assert set(clusters(index["md5hash"], pairs)) == {f"{0:032x}"}


def test_plain_and_unreadable_images_pair_with_nothing():
    """Plain colours have no hash, web pages no pixels."""
    plain = [encoded(Image.new("RGB", (60, 40), (200, level, 120))) for level in (140, 160)]
    assert len(near_duplicate_pairs(index_of(*plain, b"<html>", b"<html>"), 32)) == 0


def test_pictures_of_other_brightness_are_no_copies():
    """The same shapes on another skin tone share a hash but not their grey levels."""
    light = picture(0)
    dark = light.point(lambda level: level // 3)
    index = index_of(encoded(light), encoded(dark))
    assert len(near_duplicate_pairs(index, 6)) == 0


def test_candidates_of_another_origin_are_verified_too():
    """An embedding's neighbours are kept where thumbnails agree, dropped elsewhere."""
    index = index_of(ORIGINAL, COPIES["near"], encoded(picture(3)))
    names = index["md5hash"]
    given = pd.DataFrame(
        [[names[0], names[1], "near", 9], [names[0], names[2], "near", 1]], columns=PAIR_COLUMNS
    )
    unknown = pd.DataFrame([["x", "y", "near", 0]], columns=PAIR_COLUMNS)
    pairs = near_duplicate_pairs(index, 0, candidates=pd.concat([given, unknown]))
    assert set(zip(pairs["md5hash_a"], pairs["md5hash_b"], strict=True)) == {(names[0], names[1])}


def test_merging_keeps_the_strictest_kind():
    """Each pair once, exact before near."""
    near = pd.DataFrame([["a", "b", "near", 2], ["a", "c", "mirrored", 0]], columns=PAIR_COLUMNS)
    exact = pd.DataFrame([["a", "b", "pixels", 0]], columns=PAIR_COLUMNS)
    assert merge_pairs(near, exact)["kind"].tolist() == ["pixels", "mirrored"]


def test_order_of_the_index_does_not_matter():
    """Shuffled rows give the same table."""
    index = index_of(*COPIES.values(), encoded(picture(2)))
    shuffled = index.sample(frac=1.0, random_state=3)
    pd.testing.assert_frame_equal(near_duplicate_pairs(index, 6), near_duplicate_pairs(shuffled, 6))


@pytest.mark.parametrize("text", ["", "g" * 16, "0" * 15, "0" * 17, None, 12])
def test_text_that_is_no_hash_is_refused(text):
    """The message names column and value, in one line."""
    with pytest.raises(DataError, match="in the column phash, not 16 hexadecimal digits"):
        parse_hashes([text], "phash")


def test_hashes_and_thumbnails_are_read_as_they_were_written():
    """Hexadecimal digits stand for big-endian bits and row-major pixels."""
    assert parse_hashes(["00000000000000ff", "8" + "0" * 15], "phash")[:, 0].tolist() == [
        255,
        2**63,
    ]
    levels = np.arange(1024).astype(np.uint8).reshape(32, 32)
    np.testing.assert_array_equal(parse_thumbnails([levels.tobytes().hex()], "t")[0], levels)


def test_planted_copies_are_found():
    """Recall at least .95 for every kind of planted copy, precision at least .95."""
    table = annotation_table("duplicates", 110, 70, 0, seed=5)
    table = table[table["url"].notna()]
    index = fingerprint_table(
        fingerprint(name, jpeg_from_url(url))
        for name, url in zip(table["md5hash"], table["url"], strict=True)
    )
    found = near_duplicate_pairs(index, 6).set_index(["md5hash_a", "md5hash_b"]).index
    truth = planted_copies(table).set_index(["md5hash_a", "md5hash_b"])
    hit = truth.index.isin(found)
    for kind in KINDS:
        assert hit[truth["kind"] == kind].mean() >= 0.95, kind
    assert found.isin(truth.index).mean() >= 0.95


CROPS = {
    "one side": (0.05, 0.0, 0.0, 0.0),
    "a corner": (0.05, 0.05, 0.0, 0.0),
    "each side": (0.04, 0.05, 0.05, 0.04),
}


@pytest.mark.parametrize("sides", CROPS.values(), ids=CROPS)
def test_crops_of_any_sides_are_found(sides):
    """Up to 5 % cut off at one side, at two or at each: nine of ten phantoms at least."""
    urls = annotation_table("default", 40, 40, 0, seed=9)["url"].dropna()
    originals = [jpeg_from_url(url) for url in urls]
    crops = [encoded(without_sides(decode(each), *sides), quality=90) for each in originals]
    found = near_duplicate_pairs(index_of(*originals, *crops), 6)
    apart = found["md5hash_b"].map(_number) - found["md5hash_a"].map(_number)
    assert (apart == len(originals)).sum() >= 0.9 * len(originals)


def _number(name):
    return int(name, 16)


def test_phantoms_alike_in_kind_are_no_copies():
    """Spots of one size, place, tone and light are strangers if their skin and border differ.

    Sixteen grey levels a side cannot tell some of them apart; their detail can.
    """
    even = {"size": 0.5, "irregularity": 0.5, "severity": 0.8, "roughness": 0.1, "slope": 2.0}
    light = {"lighting": 1.0, "shading": 0.3, "background": 0.0, "watermark": False, "crop": 0.0}
    drawn = parse_url(annotation_table("no_effect", 1, 0, 0, seed=1)["url"][0])
    spot = replace(drawn, family="nevus", melanin=0.03, blood=0.03, **even, **light)
    spots = [replace(spot, lesion_seed=seed, skin_seed=seed + 500) for seed in range(150)]
    index = fingerprint_table(
        fingerprint(identifier(format_url(spec)), render_jpeg(spec)) for spec in spots
    )
    candidates = hash_candidates(index.sort_values("md5hash", ignore_index=True), 6)
    assert len(candidates) > 100  # the hashes take many of them for copies
    assert len(near_duplicate_pairs(index, 6)) == 0


def test_a_captioned_copy_is_found_by_its_inner_part():
    """Letters near the edge move the whole hash further than the inner one."""
    original = picture(4, (240, 240))
    captioned = original.copy()
    ImageDraw.Draw(captioned).rectangle((60, 210, 180, 225), fill=(250, 250, 250))
    pairs = near_duplicate_pairs(index_of(encoded(original), encoded(captioned)), 2)
    assert pairs["kind"].tolist() == ["inner"]


def test_originals_do_not_melt_into_one_cluster(originals):
    """Clusters of the real close-ups stay small at the default distance."""
    files = sorted((originals / "images").glob("*.jpg"))[:150]
    index = fingerprint_table(fingerprint(path.stem, path.read_bytes()) for path in files)
    sizes = clusters(index["md5hash"], near_duplicate_pairs(index, 6)).value_counts()
    assert [md5_of(path.read_bytes()) for path in files] == list(index["md5hash"])
    assert sizes.max() <= 4
