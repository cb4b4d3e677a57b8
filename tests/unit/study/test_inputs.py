"""Code and data that results rest on, compared by content."""

from __future__ import annotations

from tonegap.files.repository import git
from tonegap.study.records import inputs_at

DATA = """\
md5: dfabfe23e58d62aa7d85cab3b7974114
frozen: true
deps:
- path: {url}
  hash: md5
outs:
- path: data/annotations.csv
  md5: {md5}
"""
URL = "https://example.org/" + 90 * "x"
PATHS = ["data.dvc", "src"]


def commit(root, data):
    (root / "data.dvc").write_text(data, encoding="utf-8")
    git(root, "add", "data.dvc")
    git(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "data")
    return inputs_at(root, "HEAD", PATHS)


def test_data_are_compared_by_what_they_are_not_by_line_breaks(tmp_path):
    """DVC breaks the lines of data.dvc anew in an experiment, which is then still of these data."""
    git(tmp_path, "init", "-q")
    ours = commit(tmp_path, DATA.format(url=URL, md5="aa"))
    theirs = commit(tmp_path, DATA.format(url=f"\n    {URL}", md5="aa"))
    others = commit(tmp_path, DATA.format(url=URL, md5="bb"))
    assert ours == theirs
    assert ours != others


def test_a_damaged_data_file_is_compared_by_its_bytes(tmp_path):
    """What is no YAML still differs from what it was."""
    git(tmp_path, "init", "-q")
    assert commit(tmp_path, "outs: [") != commit(tmp_path, "outs: [[")
