"""Markdown tables of a pull request report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tonegap.pull_request.gate import Judgement, Verdict

_ROUNDING = 1e-5
_BLOCKS = 10
_NONE = "-"
_WORDS = {"may_rise": "rise", "may_fall": "fall"}


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def gate_table(judgements: Sequence[Judgement], base: str) -> str:
    """Show each limit of the gate: both sides, change, noise, budget, verdict."""
    header = ("metric", base, "this change", "change", "noise", "budget", "used", "verdict")
    return table(header, (_judged(judgement) for judgement in judgements))


def metrics_table(
    differences: Mapping[str, Mapping[str, Mapping[str, Any]]],
    bands: Mapping[str, float],
    banded: str,
    base: str,
) -> str:
    """Show each metric that changed, and whether by more than its noise.

    Parameters
    ----------
    differences
        As ``dvc metrics diff --json`` gives them: by file and metric, ``old`` and ``new``.
    bands
        Half-widths of the noise bands of the metrics in ``banded``, as far as they are known.
    banded
        The file of those metrics.
    base
        Name of the base, for the head of the table.

    Returns
    -------
    str
        The table, and how many values were left out because they changed by rounding only;
        empty if nothing changed.
    """
    entries = [
        (file, name, entry.get("old"), entry.get("new"))
        for file, metrics in sorted(differences.items())
        for name, entry in sorted(metrics.items())
    ]
    shown = [entry for entry in entries if not _is_rounding(*entry[2:])]
    rows = [
        (
            f"`{file}`",
            f"`{name}`",
            *_compared(old, new, bands.get(name) if file == banded else None),
        )
        for file, name, old, new in shown
    ]
    header = ("file", "metric", base, "this change", "change", "noise", "than the noise")
    parts = [table(header, rows)] if rows else []
    if len(shown) < len(entries):
        left = len(entries) - len(shown)
        parts.append(f"Left out: {left} values that changed by less than {_ROUNDING:g}.")
    return "\n\n".join(parts)


def number(value: object) -> str:
    """Write a number with five significant digits, other values as they are."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _NONE if value is None else str(value)
    return f"{value:.5g}"


def moved(judgement: Judgement) -> str:
    """Say in one phrase how a metric that fails moved, and what was allowed."""
    if judgement.head is None:
        return f"`{judgement.metric}` is no longer a number"
    word = "rose" if judgement.direction == "may_rise" else "fell"
    band = judgement.band or 0.0
    noise = f", {judgement.moved - band:.3g} of it beyond noise" if band else ""
    allowed = f"{judgement.budget:.3g}"
    return f"`{judgement.metric}` {word} by {judgement.moved:.3g}{noise}; {allowed} is allowed"


def _judged(judgement: Judgement) -> tuple[str, ...]:
    verdict = judgement.verdict
    shown = f"**{verdict}**" if verdict in (Verdict.FAILS, Verdict.WITHIN_NOISE) else str(verdict)
    return (
        f"`{judgement.metric}`",
        number(judgement.base),
        number(judgement.head),
        _change(judgement.base, judgement.head),
        _noise(judgement.band),
        _budget(judgement),
        _bar(judgement.used),
        shown,
    )


def _budget(judgement: Judgement) -> str:
    words = f"may {_WORDS[judgement.direction]} by {judgement.allowance}"
    if judgement.allowance.relative and judgement.base is not None:
        return f"{words} ({judgement.budget:.3g})"
    return words


def _bar(share: float) -> str:
    """Draw how much of budget and noise a change takes."""
    if math.isnan(share):
        return _NONE
    filled = round(min(max(share, 0.0), 1.0) * _BLOCKS)
    per_cent = f"{max(share, 0.0) * 100:.0f} %" if math.isfinite(share) else "∞"
    return f"{'█' * filled}{'░' * (_BLOCKS - filled)} {per_cent}"


def _compared(old: object, new: object, band: float | None) -> tuple[str, ...]:
    change = _difference(old, new)
    size = _NONE
    if band is not None and change is not None:
        size = "**larger**" if abs(change) > band else "smaller"
    return (number(old), number(new), _change(old, new), _noise(band), size)


def _change(old: object, new: object) -> str:
    change = _difference(old, new)
    return _NONE if change is None else f"{change:+.3g}"


def _noise(band: float | None) -> str:
    return "unknown" if band is None else f"± {band:.3g}"


def _difference(old: object, new: object) -> float | None:
    if isinstance(old, int | float) and isinstance(new, int | float):
        return float(new) - float(old)
    return None


def _is_rounding(old: object, new: object) -> bool:
    change = _difference(old, new)
    return change is not None and abs(change) < _ROUNDING


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
