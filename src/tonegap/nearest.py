"""Suggest what a mistyped name may mean."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice
from typing import Final

LONGEST_NAME: Final = 80
"""Characters of a foreign name that messages show."""

_MOST_NAMES = 100


def nearest(name: str, known: Iterable[str]) -> str:
    """Name the known words nearest to ``name``, ready to end an error message.

    Returns ``"did you mean 'x'?"`` where something is near, else the whole list.
    """
    words = sorted(str(word) for word in known)
    close = difflib.get_close_matches(name, words, n=3, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(repr(word) for word in close) + "?"
    return "known: " + ", ".join(words)


def nearest_foreign(name: str, known: Iterable[str]) -> str:
    """Suggest as :func:`nearest` does, where names come from a file: they may be many and long."""
    return nearest(
        name[:LONGEST_NAME], [word[:LONGEST_NAME] for word in islice(known, _MOST_NAMES)]
    )
