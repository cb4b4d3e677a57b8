"""Lists of others on disk: spellings are made one, and nothing is passed over in silence."""

from __future__ import annotations

import pytest

from tonegap.errors import DataError
from tonegap.files.known_lists import read_known_lists

A, B, C = ("a" * 32, "b" * 32, "c" * 32)


@pytest.fixture
def lists(tmp_path):
    """Make the three folders, each with the hidden file that git needs."""
    for name in ("keep", "drop", "duplicates"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".gitkeep").touch()
    return tmp_path


def test_no_lists_are_no_lists(lists, tmp_path):
    """Empty or absent folders keep everything."""
    for folder in (lists, tmp_path / "nowhere"):
        known = read_known_lists(folder)
        assert (len(known.pairs), known.keep, known.drop) == (0, None, frozenset())


@pytest.mark.parametrize(
    "text",
    [
        f"md5hash,label\n{A},1\n{B},0\n",
        f"md5hash,label\n{A},1.0\n{B},0.0\n",
        f"md5hash,label\n{A},True\n{B},False\n",
        f"md5hash,label\n{A},yes\n{B},No\n",
        f"md5hash\n {A.upper()} \n",
        f"file_name\nImages/{A.upper()}.JPG\n",
        f"\ufeffmd5hash,fitzpatrick\r\n{A},1\r\n",
        f",md5hash,label\n0,{A},psoriasis\n",
    ],
)
def test_the_same_image_in_many_spellings(lists, text):
    """Labels as figures or words, capitals, blanks and file names say the same."""
    (lists / "drop" / "a.CSV").write_text(text, encoding="utf-8")
    assert read_known_lists(lists).drop == {A}


def test_pairs_in_many_spellings(lists):
    """Pairs that are said to be duplicates join; others do not."""
    (lists / "duplicates" / "a.csv").write_text(
        f'md5hash_list,label\n"{A.upper()}, {B}",True\n"{A},{C}",False\n'
    )
    (lists / "duplicates" / "b.csv").write_text(f"one,two,score\n{B}.jpg,{A}.JPG,0.9\n")
    (lists / "duplicates" / "c.csv").write_text(f"md5hash_list\n\"['{A}', '{B}']\"\n")
    pairs = read_known_lists(lists).pairs
    assert pairs[["md5hash_a", "md5hash_b"]].to_numpy().tolist() == [[A, B]]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("keep/a.txt", f"md5hash\n{A}\n", r"a\.txt is no CSV file"),
        ("drop/a.csv", f"{A}\n{B}\n", "names of its columns"),
        ("duplicates/a.csv", f"{A},{B}\n{B},{C}\n", "names of its columns"),
        ("drop/a.csv", f"md5hash,label\n{A},1\n{B},\n", "line 3: label is empty"),
        ("duplicates/a.csv", f"one,other\n{A},{B},{C}\n", "more cells than"),
        ("drop/a.csv", f"md5hash,label\n{A},{B},.5\n", "more cells than"),
        ("drop/a.csv", f"md5hash,label\n{A},0.0\n{B},0.3\n", "line 3: label is '0.3'"),
        ("keep/a.csv", f"md5hash,label\n{A},1\n{B},2\n", "neither yes"),
        ("drop/a.csv", "md5hash\n=cmd()\n", r"=cmd\(\)"),
        ("keep/a.csv", "", "cannot be read"),
    ],
)
def test_what_would_be_misread_is_refused(lists, name, text, words):
    """A list that would count for nothing, or for less than it says, is named."""
    (lists / name).write_text(text)
    with pytest.raises(DataError, match=words) as caught:
        read_known_lists(lists)
    assert "\n" not in str(caught.value)
