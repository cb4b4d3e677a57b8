"""Phantoms drawn by one process or by several are the same, in the same order."""

from __future__ import annotations

import pandas as pd

from tonegap.errors import DataError
from tonegap.files.rendering import render_all
from tonegap.phantom.render import jpeg_from_url


def test_workers_change_nothing(repository):
    """Two workers give what one process gives; a bad url spoils only its own place."""
    table = pd.read_csv(repository / "src/tonegap/phantom/annotations.csv")
    urls = table["url"].dropna().tolist()[:20]
    urls[3] = "phantom:v1?melanin=much"
    alone, together = list(render_all(urls, processes=1)), list(render_all(urls, processes=2))
    assert isinstance(alone[3], DataError)
    assert isinstance(together[3], DataError)
    assert str(alone[3]) == str(together[3])
    del alone[3], together[3], urls[3]
    assert alone == together == [jpeg_from_url(url) for url in urls]


def test_nothing_to_draw():
    """No urls give no drawings, with workers or without."""
    assert list(render_all([])) == list(render_all([], processes=2)) == []
