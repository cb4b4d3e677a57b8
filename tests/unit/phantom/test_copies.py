from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from tonegap.errors import DataError
from tonegap.phantom.copies import KINDS, draw_copy, kind_of, planted_copies
from tonegap.phantom.recipes import annotation_table, identifier
from tonegap.phantom.spec import Copy, format_url, parse_url


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_changes_what_its_kind_names(kind: str) -> None:
    """Of a hundred drawn copies each changes its own property only, within the stated range."""
    rng = np.random.default_rng(0)
    copies = [draw_copy(kind, rng) for _ in range(100)]
    assert {kind_of(copy) for copy in copies} == {kind}
    assert all(0.5 <= copy.resize <= 2.0 for copy in copies)
    assert all(40 <= copy.quality <= 95 for copy in copies)
    assert all(0.0 <= copy.crop <= 0.05 for copy in copies)


def test_kind_names_every_change() -> None:
    """A copy that changes several things is called by all of them."""
    assert kind_of(Copy(resize=0.5, flip=True)) == "resize+flip"
    assert kind_of(Copy()) == "reencode"


def test_unknown_kinds_are_refused() -> None:
    """An unknown kind is a DataError that names the near one."""
    with pytest.raises(DataError, match="did you mean 'crop'"):
        draw_copy("corp", np.random.default_rng(0))


def test_truth_holds_every_planted_pair_once() -> None:
    """Recipe ``duplicates``: 40 % of the rows copy another one, all kinds alike often."""
    table = annotation_table("duplicates", 100, 50, 0, seed=4)
    truth = planted_copies(table)
    assert len(truth) == 60
    assert truth["kind"].value_counts().to_dict() == dict.fromkeys(KINDS, 12)
    assert (truth["md5hash_a"] < truth["md5hash_b"]).all()
    urls = table.set_index("md5hash")["url"]
    for pair in truth.itertuples():
        one, two = (parse_url(urls[name]) for name in (pair.md5hash_a, pair.md5hash_b))
        assert one.original == two.original
        assert (one.copy is None) != (two.copy is None)


def test_copies_of_one_original_are_pairs_too() -> None:
    """An original with two copies makes three pairs; rows of other kinds are passed over."""
    original = parse_url(annotation_table("no_effect", 1, 0, 0)["url"].iloc[0])
    specs = [original] + [dataclasses.replace(original, copy=c) for c in (Copy(flip=True), Copy())]
    urls = [format_url(spec) for spec in specs]
    rows = [(identifier(url), url) for url in urls] + [("f" * 32, None), ("e" * 32, "http://x/")]
    truth = planted_copies(pd.DataFrame(rows, columns=["md5hash", "url"]))
    assert sorted(truth["kind"]) == ["flip", "flip/reencode", "reencode"]


def test_default_has_copies_that_straddle_groups() -> None:
    """Some copies carry another group's FST or another condition, as in the real data."""
    table = annotation_table("default", seed=7).set_index("md5hash")
    truth = planted_copies(table.reset_index())
    one, two = table.loc[truth["md5hash_a"]], table.loc[truth["md5hash_b"]]
    dark = [side["fitzpatrick_scale"].ge(5).to_numpy() for side in (one, two)]
    assert (dark[0] != dark[1]).any()
    assert (one["label"].to_numpy() != two["label"].to_numpy()).any()
    assert len(truth) >= 20


def test_a_table_without_copies_has_no_pairs() -> None:
    """Recipe ``no_effect`` plants nothing."""
    truth = planted_copies(annotation_table("no_effect", 20, 20, 0))
    assert truth.empty
    assert list(truth.columns) == ["md5hash_a", "md5hash_b", "kind"]
