"""Published lists, in the forms that their authors gave them."""

from __future__ import annotations

import pandas as pd
import pytest

from tonegap.duplicates.clustering import clusters
from tonegap.duplicates.listed import listed_among
from tonegap.duplicates.pairs import merge_pairs
from tonegap.errors import DataError
from tonegap.files.known_lists import read_listed_images, read_listed_pairs

A, B, C, D, E, F = (letter * 32 for letter in "abcdef")


@pytest.fixture
def written(tmp_path):
    """Write a list to a file."""

    def write(text):
        path = tmp_path / "list.csv"
        path.write_text(text)
        return path

    return write


def listed(frame):
    return set(zip(frame["md5hash_a"], frame["md5hash_b"], strict=True))


def test_cleanpatricks_groups_become_pairs(written):
    """Every pair of a group labelled 1, in ascending order, and none of one labelled 0."""
    path = written(f'md5hash_list,label\n"{C}, {A},{B}",1\n"{A},{D}",0\n')
    pairs = read_listed_pairs(path)
    assert listed(pairs) == {(A, B), (A, C), (B, C)}
    assert set(pairs["kind"]) == {"listed"}


def test_two_columns_of_file_names_become_pairs(written):
    """Folders and endings are no part of an md5hash; other columns do not matter."""
    path = written(f"left,right,score\nimages/{B}.jpg,{A}.jpg,0.97\n{C},{D},0.99\n")
    assert listed(read_listed_pairs(path)) == {(A, B), (C, D)}


def test_listed_pairs_join_the_others(written):
    """A listed pair bridges clusters like any other; an image listed twice is no pair."""
    pairs = read_listed_pairs(written(f"one,two\n{A},{B}\n{B},{B}\n"))
    found = merge_pairs(pairs, pairs.assign(md5hash_a=B, md5hash_b=C, kind="near"))
    assert clusters([A, B, C, D], found).tolist() == [A, A, A, D]


def test_an_absent_image_still_joins_its_copies(written):
    """Copies of an image that could not be had share a cluster; nothing else is paired."""
    pairs = read_listed_pairs(written(f"one,two\n{B},{F}\n{A},{F}\n{B},{C}\n{D},{E}\n"))
    kept = listed_among(pd.Series([A, B, C, D]), pairs)
    assert clusters([A, B, C, D], kept).tolist() == [A, A, A, D]
    assert listed(kept) == {(B, C), (A, B), (A, C)}
    assert set(kept["kind"]) == {"listed"}
    assert listed_among(pd.Series([A, B, C, D, E, F]), pairs).equals(pairs)
    assert listed(listed_among(pd.Series([A, D]), pairs)) == set()


def test_images_by_md5hash_or_file_name(written):
    """All of a keep list; those labelled 1 of a list with labels."""
    assert read_listed_images(written(f"md5hash,label\n{A},1\n{B},0\n")) == {A}
    assert read_listed_images(written(f"file_name\n{A}.jpg\n{B}.jpg\n")) == {A, B}
    # Fitzpatrick17k-C keeps the annotation table's own columns, where `label` is a condition.
    assert read_listed_images(written(f"md5hash,label\n{A},acne\n{B},keloid\n")) == {A, B}


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (read_listed_pairs, f"one,two,three\n{A},{B},{C}\n"),
        (read_listed_pairs, f"one\n{A}\n"),
        (read_listed_pairs, f'md5hash_list\n"{A},=1+1"\n'),
        (read_listed_pairs, f"one,two\n{A},\n"),
        (read_listed_images, "name\nx\n"),
        (read_listed_images, "md5hash\nA\n"),
        (read_listed_images, ""),
    ],
)
def test_other_tables_are_refused_by_name(written, read, text):
    """One line that names the file."""
    with pytest.raises(DataError, match=r"list\.csv") as refusal:
        read(written(text))
    assert "\n" not in str(refusal.value)
