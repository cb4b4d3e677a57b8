"""What reconstructions do to the tone of skin, in one sentence per group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tonegap.groups import Groups

MEASURE: Final = "ita_shift_skin"


def tone_sentences(claims: Mapping[str, Any], groups: Groups, basis: Sequence[str]) -> list[str]:
    """Say by how much each group's skin is made lighter or darker, the compared group first.

    Parameters
    ----------
    claims
        The content of report/claims.json; its interval decides what is said.
    groups
        The two that are compared.
    basis
        What sets the numbers apart from the paper's, such as "phantom images".

    Returns
    -------
    list of str
        A sentence for each group whose mean shift could be estimated.
    """
    found = {
        row["contrast"]: row
        for row in claims["descriptions"]
        if row["metric"] == MEASURE and row["estimate"] is not None
    }
    rows = [(group, found.get(f"mean_{group}")) for group in reversed(groups.pair)]
    return [_sentence(group, row, basis) for group, row in rows if row is not None]


def _sentence(group: str, row: Mapping[str, Any], basis: Sequence[str]) -> str:
    low, high = float(row["low"]), float(row["high"])
    of = f" ({', '.join(basis)})" if basis else ""
    mean = f"on average over the training mixes{of}."
    if low <= 0.0 <= high:
        shift = _degrees(row["estimate"], signed=True)
        span = f"{_degrees(low, signed=True)} to {_degrees(high, signed=True)}"
        return (
            f"Whether {group} skin is made lighter or darker is undecided: {shift} degrees of ITA "
            f"(95 % interval {span}), {mean}"
        )
    word = "lighter" if low > 0.0 else "darker"
    small, large = sorted((abs(low), abs(high)))
    return (
        f"{group.capitalize()} skin is made {word} by {_degrees(abs(row['estimate']))} degrees of "
        f"ITA (95 % interval {_degrees(small)} to {_degrees(large)}), {mean}"
    )


def _degrees(value: float, *, signed: bool = False) -> str:
    """Write an angle with two significant digits, at most one decimal."""
    decimals = 0 if abs(value) >= 9.95 else 1  # noqa: PLR2004 - from here on rounded to 10
    return f"{value:+.{decimals}f}" if signed else f"{value:.{decimals}f}"
