"""Which files belong to a row, by a pattern such as ``{}_*``."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from tonegap.files.row_names import parts_of, without_image_suffix
from tonegap.presets.schema import PLACE

_ANY: Final = "*"


class Assigned(NamedTuple):
    """The files of rows.

    Attributes
    ----------
    files
        Names of files by the name of their row, in the order in which they came.
    ambiguous
        Files that fit several rows, with two of these.
    """

    files: dict[str, list[str]]
    ambiguous: dict[str, tuple[str, str]]


def files_of_rows(pattern: str, rows: Iterable[str], files: Iterable[str]) -> Assigned:
    """Assign files to rows.

    Case does not matter, nor does the suffix of an image. A pattern with folders, such as
    ``{}/*``, is compared with as many folders of the file.

    Parameters
    ----------
    pattern
        ``{}`` stands for the row's name, ``*`` for anything but a slash.
    rows, files
        Names.
    """
    known = {"/".join(parts_of(name)): name for name in rows}
    lengths = {len(name) for name in known}
    depth = pattern.count("/") + 1
    before, after = (_expression(part) for part in pattern.lower().split(PLACE))
    assigned = Assigned(defaultdict(list), {})
    for file in files:
        tail = without_image_suffix("/".join(parts_of(file)[-depth:]))
        found = list(_named(tail, known, lengths, before, after))
        if len(found) == 1:
            assigned.files[found[0]].append(file)
        elif found:
            assigned.ambiguous[file] = (found[0], found[1])
    return assigned


def _named(
    tail: str,
    known: dict[str, str],
    lengths: set[int],
    before: re.Pattern[str],
    after: re.Pattern[str],
) -> Iterator[str]:
    """Yield the rows whose name stands where the pattern wants it."""
    seen = set()
    for start in range(len(tail)):
        for length in lengths:
            name = tail[start : start + length]
            fits = name in known and name not in seen
            if fits and before.fullmatch(tail[:start]) and after.fullmatch(tail[start + length :]):
                seen.add(name)
                yield known[name]


def _expression(part: str) -> re.Pattern[str]:
    return re.compile("[^/]*".join(map(re.escape, part.split(_ANY))))
