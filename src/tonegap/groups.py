"""Groups of images: which two are compared, and what each one is called.

A *gap* is always the compared group minus the reference group: positive where the compared
group has the larger value, zero at parity. Further groups can be assessed without being
compared or trained on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tonegap.errors import DataError


@dataclass(frozen=True)
class Groups:
    """The groups of one study.

    Attributes
    ----------
    reference, compared
        Names of the two groups whose difference is the gap, such as ``light`` and ``dark``.
    words
        What each group holds, by name, in the order of the parameters: ``{"light": "FST 1-2"}``.
        Names beyond the two are assessed, never trained on.
    """

    reference: str
    compared: str
    words: Mapping[str, str]

    @property
    def pair(self) -> tuple[str, str]:
        """The reference, then the compared group."""
        return self.reference, self.compared

    @property
    def names(self) -> tuple[str, ...]:
        """All groups: the pair first, then those that are only assessed."""
        return (*self.pair, *(name for name in self.words if name not in self.pair))

    @property
    def gap(self) -> str:
        """The sign convention in words, such as ``dark minus light``."""
        return f"{self.compared} minus {self.reference}"

    def described(self, name: str) -> str:
        """Name a group with what it holds, such as ``dark (FST 5-6)``."""
        words = self.words.get(name, "")
        return f"{name} ({words})" if words else name

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values for a JSON document."""
        return {"compare": list(self.pair), "words": dict(self.words)}

    @classmethod
    def from_mapping(cls, content: Mapping[str, Any]) -> Groups:
        """Read what :meth:`to_mapping` returned.

        Raises
        ------
        DataError
            If the document does not name two groups.
        """
        pair = content.get("compare")
        if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:  # noqa: PLR2004
            raise DataError(f"expected two groups under `compare`, found {pair!r}")
        words = {str(name): str(text) for name, text in content.get("words", {}).items()}
        return cls(str(pair[0]), str(pair[1]), words)


LIGHT_AND_DARK = Groups("light", "dark", {"light": "FST 1-2", "dark": "FST 5-6"})
"""The paper's groups."""
