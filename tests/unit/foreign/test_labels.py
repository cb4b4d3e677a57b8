"""Labels of other tables: weights, marks, codes, levels; no unlabelled row is lost silently."""

from __future__ import annotations

import pandas as pd
import pytest

from tonegap.errors import DataError
from tonegap.foreign.account import Account
from tonegap.foreign.labels import label_table, without_unlabelled
from tonegap.presets.schema import Labels, LargestOf, MarkedAmong, Reworded


def read(labels, account=None, **columns):
    """Read labels of a table."""
    frame = pd.DataFrame(columns, dtype="str")
    return label_table(frame, labels, account or Account("t.csv"))


def test_the_heaviest_condition_is_the_label():
    """Ties go by name; an empty mapping is no label."""
    cells = ["{'Eczema': 0.69, 'Acne': 0.31}", "{'B': 0.5, 'A, b': 0.5}", "{}", None, "nan"]
    found = read(Labels(fine=LargestOf(largest_of="w")), w=cells)["label"]
    assert found.fillna("").tolist() == ["Eczema", "A, b", "", "", ""]


@pytest.mark.parametrize("cell", ["Eczema", "[1]", "{'a': 'b'}", "__import__('os')", "{'a': "])
def test_weights_that_are_none_are_refused(cell):
    """Nothing but a mapping of numbers is read, and nothing is executed."""
    with pytest.raises(DataError, match=r"t\.csv, line 2: w is .*expected weights"):
        read(Labels(fine=LargestOf(largest_of="w")), w=[cell])


def test_the_marked_column_is_the_label():
    """One of several columns is marked; none is no label, two are an error."""
    labels = Labels(fine=MarkedAmong(marked_among=("MEL", "NV")))
    assert read(labels, MEL=["1.0", "0", ""], NV=["0.0", "1", "0"])["label"].fillna(
        ""
    ).tolist() == [*("MEL", "NV", "")]
    with pytest.raises(DataError, match="line 3: 'MEL', 'NV' are all marked"):
        read(labels, MEL=["1", "1"], NV=["0", "1"])


def test_codes_become_words():
    """Truth and figures get the preset's words; other cells stay."""
    labels = Labels(fine=Reworded(column="m", words={"True": "malignant", "0": "benign"}))
    found = read(labels, m=["True", "TRUE", "0.0", "unsure"])["label"]
    assert found.tolist() == ["malignant", "malignant", "benign", "unsure"]


def test_empty_levels_take_the_next_coarser_then_the_next_finer():
    """A row has all three levels, or none."""
    account = Account("t.csv")
    labels = Labels(fine="f", middle="m", coarse="c")
    found = read(
        labels, account, f=["a", None, None, None], m=[None, "b", "", None], c=[None, "d", "e", " "]
    )
    assert found.fillna("").to_numpy().tolist() == [
        *(["a", "a", "a"], ["b", "b", "d"], ["e", "e", "e"], ["", "", ""])
    ]
    assert account.notes == ["2 rows have no fine label and take the next coarser one"]


def choose(choice, cells=("a", None, "nan", "b")):
    """Treat rows without a label; return labels and the account."""
    account = Account("t.csv")
    frame = pd.DataFrame({"x": cells}, index=pd.Index([2, 3, 4, 5], name="line"), dtype="str")
    labels = label_table(frame, Labels(fine="x"), account)
    names = pd.Series(list("pqrs"), index=frame.index)
    kept, labels = without_unlabelled(frame, labels, choice, names, account)
    assert len(kept) == len(labels)
    return labels["label"].tolist(), account


def test_rows_without_a_label_need_a_choice():
    """The error counts them, names the first line and both choices."""
    with pytest.raises(
        DataError, match=r"2 of 4 rows have no label, the first on line 3.*drop.*WORD"
    ):
        choose(None)


def test_rows_without_a_label_are_dropped_or_named_and_counted():
    """Dropped rows are listed one by one; named ones keep their place."""
    labels, account = choose("drop")
    assert labels == ["a", "b"]
    assert [(row.line, row.name) for row in account.left_out] == [(3, "q"), (4, "r")]
    assert account.notes == ["2 rows left out: it has no label"]
    labels, account = choose("no diagnosis")
    assert labels == ["a", "no diagnosis", "no diagnosis", "b"]
    assert account.notes == ["2 rows without a label are labelled 'no diagnosis'"]
    assert account.left_out == []


def test_dropping_every_row_is_refused():
    """A table without a single label keeps its rows under a word."""
    with pytest.raises(DataError, match="no row has a label"):
        choose("drop", [None] * 4)
