"""Published lists on disk: spellings are normalised, and nothing is silently ignored."""

from __future__ import annotations

import pandas as pd
import pytest

from tonegap.errors import DataError
from tonegap.files.known_lists import read_known_lists
from tonegap.files.row_names import RowNames

A, B, C = ("a" * 32, "b" * 32, "c" * 32)
ROWS = RowNames(
    pd.DataFrame(
        {"md5hash": [A, B, C], "url_alphanum": ["PAT_1_2_3.png", "000002", "MED-NODE/naevus/9.jpg"]}
    )
)


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


RANKED = """indices_1,indices_2,scores,auto_issues,path_indices_1,path_indices_2
0,1,0.01,True,x/PAT_1_2_3.png,x/000002.jpg
1,2,0.4,False,x/000002.jpg,x/9.jpg
"""


def test_lists_of_file_names(lists):
    """SelfClean's lists name files: rows are found by them, images of other data sets are not."""
    (lists / "keep" / "a.csv").write_text("file_name\nPAT_1_2_3.png\n000002\nPAT_9_9_9.png\n")
    (lists / "drop" / "a.csv").write_text("file_name\nMED-NODE/naevus/9.jpg\n")
    known = read_known_lists(lists, ROWS.rows)
    assert (known.keep, known.drop) == ({A, B}, {C})


@pytest.mark.parametrize(
    "text",
    [
        # Fitzpatrick17k-C
        "image1,image2\n/ch_1/ch_f2_3_aaaaaaaa.jpg,/ch_1/ch_f-1_5_bbbbbbbb.jpg\n",
        # SelfClean ranks all pairs
        RANKED,
        "left,right,score\nPAT_1_2_3.jpg,000002.png,0.9\nnot/here.jpg,000002.png,0.9\n",
    ],
)
def test_pairs_of_file_names(lists, text):
    """Published pairs of files join their rows; pairs with an image that is not here do not."""
    (lists / "duplicates" / "a.csv").write_text(text)
    pairs = read_known_lists(lists, ROWS.rows).pairs
    assert pairs[["md5hash_a", "md5hash_b"]].to_numpy().tolist() == [[A, B]]


@pytest.mark.parametrize("name", ["off_topic.csv", "Drop/x.csv", "keep"])
def test_what_lies_elsewhere_is_refused(tmp_path, name):
    """A list outside the three folders is rejected; a README may stay."""
    (tmp_path / "README.md").touch()
    (tmp_path / ".gitignore").touch()
    read_known_lists(tmp_path)
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"md5hash\n{A}\n")
    with pytest.raises(DataError, match=r"would be ignored: lists belong in .* keep/, drop/"):
        read_known_lists(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("keep/a.csv", "file_name\nother_1.png\nother_2.png\n", "none of .* 2 names.*'other_1"),
        ("keep/a.csv", "file_name,n\nPAT_1_2_3.png,1\n,2\n", "nothing in"),
        ("duplicates/a.csv", "path_indices_1,path_indices_2,scores\nPAT_1_2_3,000002,1\n", "ranks"),
        ("duplicates/a.csv", "image1,image2\nx.png,y.png\n", "none of"),
        ("duplicates/a.csv", "image1,image2\n000002,\n", "nothing in the column 'image2'"),
        ("keep/a.txt", f"md5hash\n{A}\n", r"a\.txt is not a CSV file"),
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
    """A list that would be ignored, in whole or in part, is named."""
    (lists / name).write_text(text)
    with pytest.raises(DataError, match=words) as caught:
        read_known_lists(lists, ROWS.rows)
    assert "\n" not in str(caught.value)
