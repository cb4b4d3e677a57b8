"""Rows that name several images, rows that are people, and what images share."""

from __future__ import annotations

import pandas as pd
import pytest
from foreign_forms import converted, named
from hypothesis import given, settings
from hypothesis import strategies as st

from tonegap.errors import DataError
from tonegap.foreign.account import Account
from tonegap.foreign.images import ALSO, IMAGE, ROW
from tonegap.foreign.subjects import subjects
from tonegap.foreign.table import identifier_md5
from tonegap.presets.schema import Form, Labels, Tone

CASES = pd.DataFrame(
    {
        "case": ["c0", "c1", "c2", "c3"],
        "fst": ["1", "6", "2", "5"],
        "dx": ["x", "y", "x", "y"],
        "one": ["a.png", "b.png", None, "a.png"],
        "two": ["", "c.png", " ", "d.png"],
        "three": [None, "b.png", None, None],
    },
    index=pd.Index([2, 3, 4, 5], name="line"),
    dtype="str",
)
THREE = Form(images=("one", "two", "three"), tone=Tone(columns=("fst",)), labels=Labels(fine="dx"))


def test_every_image_of_a_row_becomes_a_row():
    """Labels and tone are those of the case; an image of two cases stays in the first."""
    account = Account("t.csv")
    table = converted(CASES, THREE, {}, "t.csv", account)
    assert table["url_alphanum"].tolist() == ["a.png", "b.png", "c.png", "d.png"]
    assert table["fitzpatrick_scale"].tolist() == ["1", "6", "6", "5"]
    assert table["case"].tolist() == ["c0", "c1", "c1", "c3"]
    assert [(row.line, row.reason) for row in account.left_out] == [
        *((4, "it names no image"), (5, "an earlier row names its image"))
    ]


def test_the_images_of_a_row_are_one_subject_without_being_named():
    """Also two rows that name one image; a row of one image is nobody's."""
    table = converted(CASES.iloc[:2], THREE, {}, "t.csv")
    one, two, three = table["subject"]
    assert pd.isna(one)
    assert two == three
    shared = converted(CASES, THREE, {}, "t.csv").set_index("url_alphanum")["subject"]
    assert shared["a.png"] == shared["d.png"] != shared["b.png"]


def test_rows_that_are_people_have_several_files():
    """A pattern's files are rows of one subject; a person without a file keeps a row."""
    frame = pd.DataFrame({"id": ["A", "B"], "fst": ["2", "6"], "dx": ["x", "y"]}, dtype="str")
    form = named("id", "fst", "dx", files="{}_*", subject=("id",))
    account = Account("t.csv")
    table = converted(frame, form, {}, "t.csv", account, files={"A": ["A_0.png", "A_1.png"]})
    assert table["url_alphanum"].tolist() == ["A_0.png", "A_1.png", "B"]
    assert table["subject"].tolist() == ["A", "A", "B"]
    assert table["fitzpatrick_scale"].tolist() == ["2", "2", "6"]
    assert account.notes == ["1 of 2 rows have no file"]


@pytest.mark.parametrize("ids", [["1.0", "2.0"], ["1", "2"]])
def test_identifiers_that_became_floats_are_whole_again(ids):
    """A column of numbers with an empty cell is written 1.0: the file is called 1.png."""
    frame = pd.DataFrame({"id": ids, "fst": ["1", "6"], "dx": ["x", "y"]}, dtype="str")
    table = converted(frame, named("id", "fst", "dx"), {"1": "d" * 32}, "t.csv")
    assert table["url_alphanum"].tolist() == ["1", "2"]
    assert table["md5hash"].iloc[0] == "d" * 32


def test_versions_and_leading_zeros_stay():
    """Only a column of whole numbers alone loses its .0; 001 stays 001."""
    frame = pd.DataFrame({"id": ["001", "2.0"], "fst": ["1", "6"], "dx": ["x", "y"]}, dtype="str")
    table = converted(frame, named("id", "fst", "dx"), {}, "t.csv")
    assert table["url_alphanum"].tolist() == ["001", "2.0"]


def test_a_repeated_identifier_names_both_lines():
    """Rows that cannot be told apart are refused with the line of each."""
    frame = pd.DataFrame({"id": ["a", "b", "a"], "fst": ["1"] * 3, "dx": ["x"] * 3}, dtype="str")
    with pytest.raises(DataError, match="line 4: id is 'a' as on line 2"):
        converted(frame, named("id", "fst", "dx"), {}, "t.csv")


def test_an_md5_that_is_a_name_stays_the_key():
    """A row without an image keeps its md5, so that a download can be verified; with one not."""
    one, two = "ab" * 16, "cd" * 16
    frame = pd.DataFrame(
        {"id": [one, f"{two}.JPG"], "fst": ["1", "6"], "dx": ["x"] * 2}, dtype="str"
    )
    form = named("id", "fst", "dx")
    assert converted(frame, form, {}, "t.csv")["md5hash"].tolist() == [one, two]
    # The second row's image has the bytes that the first row's name tells of.
    keys = converted(frame, form, {f"{two}.JPG": one}, "t.csv")["md5hash"].tolist()
    assert keys[1] == one
    assert keys[0] not in {one, identifier_md5(one)}


CELLS = st.sampled_from([None, "", "nan", "1", "2", "3", " 1 "])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, st.integers(0, 5)), min_size=1, max_size=12))
def test_subjects_are_the_components_of_what_is_shared(rows):
    """Against a brute-force search: a chain of shared cells makes one subject."""
    frame = pd.DataFrame(rows, columns=["patient", "lesion", ROW])
    frame[IMAGE], frame[ALSO] = [f"i{n}" for n in range(len(rows))], ""
    found = subjects(frame, ["patient", "lesion"])

    def linked(one, other):
        known = [(a or "").strip() for a in one[:2]], [(b or "").strip() for b in other[:2]]
        cells = any(a == b and a not in {"", "nan"} for a, b in zip(*known, strict=True))
        return cells or one[2] == other[2]

    reach = [{n} for n in range(len(rows))]
    for _ in rows:
        for n, one in enumerate(rows):
            for m, other in enumerate(rows):
                if linked(one, other):
                    reach[n] |= reach[m]
    for n in range(len(rows)):
        for m in range(n):
            same = found[n] == found[m] if isinstance(found[n], str) else False
            assert same == (m in reach[n])
