"""The phantoms' diagnoses: the lesion of each, and its place in the three label levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One fine label.

    Attributes
    ----------
    fine, middle, coarse : str
        Its names at the three levels; each middle label has one coarse label.
    family : str
        Its lesion family.
    size, severity, irregularity : tuple of float
        Range of each knob, drawn evenly.
    """

    fine: str
    middle: str
    coarse: str
    family: str
    size: tuple[float, float]
    severity: tuple[float, float]
    irregularity: tuple[float, float]


Range = tuple[float, float]

_INFLAMMATORY: Final = ("phantom inflammatory", "phantom non-neoplastic")
_PIGMENT: Final = ("phantom pigment disorder", "phantom non-neoplastic")
_MELANOCYTIC: Final = ("phantom benign melanocytic", "phantom benign")
_VASCULAR: Final = ("phantom benign vascular", "phantom benign")
_MALIGNANT: Final = ("phantom malignant melanocytic", "phantom malignant")

# Fine label, (middle, coarse), family, then the ranges of size, severity and irregularity.
_ROWS: Final[tuple[tuple[str, tuple[str, str], str, Range, Range, Range], ...]] = (
    ("plaque", _INFLAMMATORY, "plaque", (0.45, 0.8), (0.6, 1.0), (0.2, 0.7)),
    ("coin plaque", _INFLAMMATORY, "plaque", (0.25, 0.45), (0.5, 0.9), (0.0, 0.2)),
    ("annular plaque", _INFLAMMATORY, "annular", (0.4, 0.8), (0.6, 1.0), (0.0, 0.4)),
    ("rash", _INFLAMMATORY, "rash", (0.25, 0.6), (0.5, 1.0), (0.0, 1.0)),
    ("papules", _INFLAMMATORY, "papules", (0.15, 0.5), (0.5, 1.0), (0.0, 0.5)),
    ("dense papules", _INFLAMMATORY, "papules", (0.6, 1.0), (0.5, 1.0), (0.0, 0.3)),
    ("vitiligo", _PIGMENT, "vitiligo", (0.45, 0.8), (0.8, 1.0), (0.2, 0.8)),
    ("pale patches", _PIGMENT, "vitiligo", (0.3, 0.6), (0.3, 0.6), (0.1, 0.5)),
    ("naevus", _MELANOCYTIC, "nevus", (0.12, 0.28), (0.4, 0.8), (0.0, 0.2)),
    ("angioma", _VASCULAR, "plaque", (0.1, 0.22), (0.9, 1.0), (0.0, 0.2)),
    ("melanoma", _MALIGNANT, "nevus", (0.3, 0.6), (0.7, 1.0), (0.6, 1.0)),
)

CONDITIONS: Final = tuple(
    Condition(
        fine=f"phantom {name}",
        middle=middle,
        coarse=coarse,
        family=family,
        size=size,
        severity=severity,
        irregularity=irregularity,
    )
    for name, (middle, coarse), family, size, severity, irregularity in _ROWS
)
"""Eleven fine, five middle and three coarse labels, from six lesion families."""
