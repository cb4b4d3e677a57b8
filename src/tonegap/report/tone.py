"""What reconstructions do to the tone of skin, in one sentence per group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tonegap.groups import Groups

ITA: Final = "ita_shift_skin"
LIGHTNESS: Final = "l_shift_skin"

_MEAN: Final = "on average over the training mixes"


def tone_sentences(
    claims: Mapping[str, Any], groups: Groups, basis: Sequence[str], over: str = _MEAN
) -> list[str]:
    """Say by how much each group's skin is made lighter or darker, the compared group first.

    The interval of the angle decides. An angle also moves when skin loses its yellow, so that a
    sentence names no direction where the lightness moves the other way.

    Parameters
    ----------
    claims
        The content of report/claims.json.
    groups
        The two that are compared.
    basis
        What sets the numbers apart from the paper's, such as "phantom images".
    over
        What the means are over.

    Returns
    -------
    list of str
        A sentence for each group whose mean shift could be estimated.
    """
    found = {
        (row["contrast"], row["metric"]): row
        for row in claims["descriptions"]
        if row["metric"] in (ITA, LIGHTNESS) and row["estimate"] is not None
    }
    of = f" ({', '.join(basis)})" if basis else ""
    return [
        f"{_sentence(group, found[key], found.get((key[0], LIGHTNESS)))}, {over}{of}."
        for group in reversed(groups.pair)
        if (key := (f"mean_{group}", ITA)) in found
    ]


def _sentence(group: str, angle: Mapping[str, Any], lightness: Mapping[str, Any] | None) -> str:
    side = _side(angle)
    if side == 0:
        return (
            f"Whether {group} skin is made lighter or darker is undecided: "
            f"{_with_interval(angle)} degrees of ITA"
        )
    if lightness is not None and _side(lightness) == -side:
        return (
            f"Whether {group} skin is made lighter or darker depends on the measure: "
            f"{_with_interval(angle)} degrees of ITA, {_with_interval(lightness)} of L*; its "
            "colour changes, too"
        )
    small, large = sorted((abs(angle["low"]), abs(angle["high"])))
    return (
        f"{group.capitalize()} skin is made {'lighter' if side > 0 else 'darker'} by "
        f"{_number(abs(angle['estimate']))} degrees of ITA (95 % interval {_number(small)} to "
        f"{_number(large)})"
    )


def _side(row: Mapping[str, Any]) -> int:
    """Return the sign of a shift; 0 if its interval holds 0."""
    return int(row["low"] > 0.0) - int(row["high"] < 0.0)


def _with_interval(row: Mapping[str, Any]) -> str:
    value, low, high = (_number(row[key], signed=True) for key in ("estimate", "low", "high"))
    return f"{value} ({low} to {high})"


def _number(value: float, *, signed: bool = False) -> str:
    """Write a shift with two significant digits, at most one decimal."""
    decimals = 0 if abs(value) >= 9.95 else 1  # noqa: PLR2004 - from here on rounded to 10
    return f"{value:+.{decimals}f}" if signed else f"{value:.{decimals}f}"
