"""The journal saves questions; a damaged or missing one costs no more than questions."""

from __future__ import annotations

import json

from tonegap.files.journal import Journal
from tonegap.tables import FetchOutcome

GONE = FetchOutcome("a" * 32, "not_found", "e.org", 0, "HTTP 404")


def test_damaged_lines_are_passed_over(tmp_path):
    """Of whatever a disk made of the file, sound lines count and nothing else does."""
    path = tmp_path / "j.jsonl"
    Journal(path).note(GONE)
    wrong = [1, "x", None, [1, 2, 3, 4, 5], ["a"], {"a": 1}, [*GONE[:1], "nonsense", *GONE[2:]]]
    wrong += [
        [None, *GONE[1:]],
        [*GONE[:3], "0", ""],
        [*GONE[:4], []],
        [*GONE, 1],
        [[], [], [], [], []],
    ]
    with path.open("ab") as stream:
        stream.write("".join(f"\n{json.dumps(line)}" for line in wrong).encode())
        stream.write(b"\n\0\0\0\xff\n" + b"[" * 100_000)
    Journal(path).note(GONE)
    assert Journal(path).read() == [GONE, GONE]


def test_a_disk_that_refuses_costs_questions_only(tmp_path):
    """Where nothing can be noted, reading finds nothing and nobody fails."""
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file" / "j.jsonl", tmp_path):
        journal = Journal(path)
        journal.note(GONE)
        assert journal.read() == []
        journal.forget()
