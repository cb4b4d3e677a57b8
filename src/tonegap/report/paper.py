"""The paper's results, sentence by sentence, as the claims document lists them under ``paper``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tonegap.report.claims import marked

_FIGURES: Mapping[int, str] = {
    1: "fig3", 2: "fig3", 3: "fig3", 4: "fig3", 5: "fig3", 6: "fig3", 7: "fig3",
    8: "fig6", 9: "fig6", 10: "fig7", 11: "fig8",
}  # fmt: skip


@dataclass(frozen=True)
class Sentence:
    """A sentence of the paper beside what this study found.

    Attributes
    ----------
    number : int
        Its place in the paper, 1-11.
    says, words : str
        The sentence, and the contrast whose numbers are shown, in words.
    estimate, low, high : float or None
        With a 95 % interval, in the contrast's unit.
    percent, percent_low, percent_high, mde : float or None
        The same in percent if the contrast is of logarithms; the smallest effect that 80 % of
        such studies would find.
    verdict, icon, style, reason : str
        The verdict, how it is shown, and why there is none.
    figure : str
        The figure that shows it.
    """

    number: int
    says: str
    words: str
    estimate: float | None
    low: float | None
    high: float | None
    percent: float | None
    percent_low: float | None
    percent_high: float | None
    mde: float | None
    verdict: str
    icon: str
    style: str
    reason: str
    figure: str


def sentences_of(document: Mapping[str, Any]) -> list[Sentence]:
    """Return the rows of the document's ``paper``; none where it has none.

    Raises
    ------
    DataError
        If a verdict is unknown to the report.
    """
    return [_sentence(marked(row)) for row in document.get("paper", [])]


def _sentence(row: Mapping[str, Any]) -> Sentence:
    names = ("estimate", "low", "high", "percent", "percent_low", "percent_high")
    number = int(row["number"])
    return Sentence(
        number=number,
        says=str(row["says"]),
        words=_words(row),
        **{name: row.get(name) for name in names},
        mde=row["mde"] if row.get("percent") is None else row["mde_percent"],
        verdict=str(row["verdict"]),
        icon=str(row["icon"]),
        style=str(row["style"]),
        reason=str(row.get("reason") or ""),
        figure=_FIGURES.get(number, "figures"),
    )


def _words(row: Mapping[str, Any]) -> str:
    """Return the words of the part that the row shows, or else of the first that decides."""
    parts = [part for part in row["parts"] if part["decides"]]
    shown = [part for part in parts if part["contrast"] == row["shown"]]
    return str((shown or parts)[0]["words"])
