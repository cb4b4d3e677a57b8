"""Pauses, Retry-After, the journal: the parts of downloading that need no server."""

from __future__ import annotations

import email.utils
import os
import time

import pytest

from tonegap.errors import FetchError
from tonegap.files.download import Patience, download_file
from tonegap.files.http_get import retry_after_s
from tonegap.files.journal import Journal
from tonegap.tables import FetchOutcome

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("7", 7.0),
        (" 120 ", 120.0),
        ("-5", None),
        ("soon", None),
        ("1e9", None),
        (email.utils.formatdate(NOW + 30, usegmt=True), 30.0),
        (email.utils.formatdate(NOW - 30, usegmt=True), 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header, expected):
    """Both forms of RFC 9110 are understood; anything else asks for nothing."""
    assert retry_after_s(header, NOW) == expected


def test_a_long_number_is_still_a_number():
    """A header of a thousand digits is no way to an overflow."""
    assert retry_after_s("9" * 1000, NOW) == 999_999_999.0


def test_pauses_double_up_to_a_cap():
    """Pauses grow as powers of two; hosts may ask for more, within the same cap."""
    patience = Patience(first_pause_s=1.0, longest_pause_s=10.0)
    assert [patience.pause_s(n, None) for n in range(5)] == [1.0, 2.0, 4.0, 8.0, 10.0]
    assert patience.pause_s(0, 6.0) == 6.0
    assert patience.pause_s(0, 3600.0) == 10.0


def test_the_journal_gives_back_what_it_noted(tmp_path):
    """Failures survive a kill, and a line cut short costs itself only."""
    path = tmp_path / "deep" / "journal.jsonl"
    rows = [FetchOutcome(letter * 32, "not_found", "host", 0, 'a "b"') for letter in "ab"]
    journal = Journal(path)
    assert journal.read() == []
    journal.note(rows[0])
    with path.open("ab") as stream:
        stream.write(b'\n["cut sho')
    journal.note(rows[1])
    assert Journal(path).read() == rows
    journal.forget()
    journal.forget()
    assert journal.read() == []


def test_an_old_journal_is_forgotten(tmp_path):
    """What failed more than a day ago is asked for again."""
    path = tmp_path / "journal.jsonl"
    Journal(path).note(FetchOutcome("a" * 32, "not_found"))
    os.utime(path, (time.time() - 2 * 86400,) * 2)
    assert Journal(path).read() == []


def test_a_failed_download_is_one_line():
    """A refused url names its reason and the way out."""
    with pytest.raises(FetchError, match=r"refused_url.*pass the file") as caught:
        download_file("http://127.0.0.1/table.csv", 1000)
    assert "\n" not in str(caught.value)
