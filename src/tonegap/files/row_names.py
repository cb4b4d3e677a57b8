"""Find the row of a table that a file belongs to, by its name.

Case does not matter, nor how accented letters are composed: file systems differ in both.
Names may have folders, separated by slashes or backslashes.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Final, NamedTuple

import pandas as pd

IMAGE_SUFFIXES: Final = frozenset(
    (".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
)
_CLEANED: Final = re.compile(r".+_f-?\d+_\d+_([0-9a-f]{8})")


class Match(NamedTuple):
    """Rows that a name matches.

    Attributes
    ----------
    rows
        No row, one, or several that the name does not distinguish.
    exact
        True if the name holds all of the row's: its folders, and its suffix if it has one.
    """

    rows: tuple[str, ...] = ()
    exact: bool = False


class Identifiers:
    """Rows of a table by the names of their images.

    Parameters
    ----------
    names
        Pairs of a name, with or without folders and suffix, and its row.
    """

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        self._whole: dict[str, list[str]] = defaultdict(list)
        self._loose: dict[str, list[str]] = defaultdict(list)
        self._depth = 1
        for name, row in names:
            parts = parts_of(name)
            self._depth = max(self._depth, len(parts))
            if parts:
                self._whole["/".join(parts)].append(row)
            for tail in _tails(parts):
                self._loose[without_image_suffix(tail)].append(row)

    def match(self, name: str) -> Match:
        """Find the rows that a file of this name may belong to.

        Whole names come before parts of them (a file converted to another format, or taken
        out of its folder), and more matching folders come before fewer.
        """
        tails = _tails(parts_of(name)[-self._depth :])
        spellings = [key for tail in tails for key in (tail, _without_suffix(tail))]
        for known in (self._whole, self._loose):
            for key in spellings:
                if rows := known.get(key):
                    return Match(tuple(rows), known is self._whole)
        return Match()


class RowNames:
    """Names under which the images of a table circulate.

    Parameters
    ----------
    annotations
        ``md5hash`` and, if there is such a column, ``url_alphanum``.
    """

    def __init__(self, annotations: pd.DataFrame) -> None:
        self.md5s = frozenset(annotations["md5hash"])
        self._by_prefix: dict[str, set[str]] = defaultdict(set)
        for md5hash in self.md5s:
            self._by_prefix[md5hash[:8]].add(md5hash)
        self._named = Identifiers(
            (name, md5hash)
            for name, md5hash in zip(
                annotations.get("url_alphanum", ()), annotations["md5hash"], strict=False
            )
            if isinstance(name, str)
        )

    def rows(self, name: str) -> frozenset[str]:
        """Return the rows (by md5hash) that a file of this name may belong to."""
        bare = "".join(parts_of(name)[-1:])
        md5hash = bare.partition(".")[0]  # also of <md5>.jpg_large
        if md5hash in self.md5s:
            return frozenset((md5hash,))
        if named := self._named.match(name).rows:
            return frozenset(named)
        cleaned = _CLEANED.fullmatch(PurePosixPath(bare).stem)
        return frozenset(self._by_prefix.get(cleaned[1], ()) if cleaned else ())


def parts_of(name: str) -> list[str]:
    """Return the folders and the name of a file, in lower case, with letters composed alike."""
    plain = unicodedata.normalize("NFC", name).lower().replace("\\", "/")
    return [part for part in plain.split("/") if part not in {"", "."}]


def _tails(parts: list[str]) -> list[str]:
    """Join the parts, then all but the first, and so on: ``a/b``, ``b``."""
    return ["/".join(parts[start:]) for start in range(len(parts))]


def without_image_suffix(tail: str) -> str:
    """Drop the suffix of an image, such as ``.jpg``."""
    return _without_suffix(tail, IMAGE_SUFFIXES)


def _without_suffix(tail: str, suffixes: frozenset[str] | None = None) -> str:
    """Drop the suffix, or only one of ``suffixes``."""
    suffix = PurePosixPath(tail).suffix
    return tail.removesuffix(suffix) if suffixes is None or suffix in suffixes else tail
