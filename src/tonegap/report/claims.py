"""The claims as the report shows them.

:mod:`tonegap.statistics.claims` alone defines them and the content of report/claims.json.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tonegap.errors import DataError
from tonegap.groups import Groups
from tonegap.report.axis import Axis, axis_through_zero
from tonegap.report.wording import Sides, comparison_name, measure_words, sides_of

VERDICTS: Mapping[str, tuple[str, str]] = {
    # verdict: icon, class of the style sheet
    "supported": ("\N{CHECK MARK}", "supported"),
    "undecided": ("\N{WHITE CIRCLE}", "open"),
    "contradicted": ("\N{MULTIPLICATION X}", "contradicted"),
    "not assessable": ("?", "unknown"),
    "flags": ("\N{CHECK MARK}", "supported"),
    "blind": ("\N{WHITE CIRCLE}", "open"),
    "anti-flag": ("\N{MULTIPLICATION X}", "contradicted"),
    "described": ("\N{MIDDLE DOT}", "unknown"),
}
MEANINGS: Mapping[str, str] = {
    "supported": "the data are consistent with the claim and not with its opposite",
    "undecided": "these data do not decide; that is not evidence of no difference",
    "contradicted": "the data are consistent with the opposite of the claim",
    "not assessable": "the study lacks what the comparison needs",
    "flags": "sigma is higher where the error is larger: it warns of the gap",
    "blind": "sigma is alike in both groups: it does not warn of the gap",
    "anti-flag": "sigma is lower where the error is larger: it points the wrong way",
    "described": "a value with its interval, not tested",
}
_ROWS = ("contrasts", "descriptions")
_PRIMARY = "primary"


@dataclass(frozen=True)
class Block:
    """Comparisons of one measure, drawn over one axis.

    Attributes
    ----------
    measure : str
        The measure with its range or unit.
    sides : Sides
        The meaning of values below and above zero.
    axis : Axis
        Covers every interval of the rows, zero, and the margin if there is one.
    rows : list of mapping
        The comparisons, as in :class:`ClaimView`.
    """

    measure: str
    sides: Sides
    axis: Axis
    rows: list[dict[str, Any]]

    @property
    def numbers(self) -> list[float]:
        """Every estimate and bound, by which the decimals are chosen."""
        return [row[key] for row in self.rows for key in _SHOWN if row[key] is not None]


_SHOWN = ("estimate", "low", "high")


@dataclass(frozen=True)
class ClaimView:
    """A claim with its contrasts.

    Each row is a mapping with ``icon``, ``style``, ``name`` (the comparison in words),
    ``p_shown`` and ``p_of``, which names the test that the p value belongs to (empty: the
    only one).

    Attributes
    ----------
    claim, statement, verdict, because, icon, style : str
        The claim, the verdict on it and what it rests on.
    primary : list of mapping
        The contrasts that decide it.
    beside : list of mapping
        Other measures and descriptions, which decide nothing.
    groups
        The two that are compared.
    """

    claim: str
    statement: str
    verdict: str
    because: str
    icon: str
    style: str
    primary: list[dict[str, Any]]
    beside: list[dict[str, Any]]
    groups: Groups

    @property
    def blocks(self) -> list[Block]:
        """The contrasts that decide, by measure."""
        return _blocks(self.primary, self.groups)

    @property
    def blocks_beside(self) -> list[Block]:
        """The contrasts that decide nothing, by measure."""
        return _blocks(self.beside, self.groups)

    @property
    def tally(self) -> str:
        """Count the verdicts of what decides: "2 comparisons: 1 supported, 1 undecided"."""
        counts = Counter(row["verdict"] for row in self.primary)
        listed = ", ".join(f"{counts[name]} {name}" for name in VERDICTS if counts[name])
        return f"{len(self.primary)} comparison{'s' * (len(self.primary) != 1)}: {listed}"


def _blocks(rows: Sequence[dict[str, Any]], groups: Groups) -> list[Block]:
    """Group the rows that share an axis: same measure, same meaning of the two sides."""
    found: dict[tuple[str, Sides], list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(
            (measure_words(row["metric"]), sides_of(row["contrast"], row["metric"], groups)), []
        ).append(row)
    return [
        Block(measure, sides, axis_through_zero(_drawn_numbers(mine)), mine)
        for (measure, sides), mine in found.items()
    ]


def _drawn_numbers(rows: Sequence[Mapping[str, Any]]) -> list[float | None]:
    margins: list[float] = [row["margin"] for row in rows if row.get("margin") is not None]
    return [
        *(row[key] for row in rows for key in _SHOWN),
        *margins,
        *(-margin for margin in margins),
    ]


def claim_views(document: Mapping[str, Any], groups: Groups) -> list[ClaimView]:
    """Group each claim with its contrasts, in the document's order.

    Parameters
    ----------
    document
        ``Claims.to_mapping()`` of :mod:`tonegap.statistics.claims`, or its
        ``no_claims()``.
    groups
        The two that are compared.

    Raises
    ------
    DataError
        If a verdict is not one of ``VERDICTS``.
    """
    rows = [
        marked(row) | _named(row, groups) | _decisive(row)
        for key in _ROWS
        for row in document.get(key, [])
    ]
    views = []
    for claim in map(marked, document["claims"]):
        mine = [row for row in rows if row["claim"] == claim["claim"]]
        views.append(
            ClaimView(
                **{key: str(claim[key]) for key in ("claim", "statement", "verdict", "because")},
                icon=claim["icon"],
                style=claim["style"],
                primary=[row for row in mine if row["family"] == _PRIMARY],
                beside=[row for row in mine if row["family"] != _PRIMARY],
                groups=groups,
            )
        )
    return views


def marked(row: Mapping[str, Any]) -> dict[str, Any]:
    """Add the icon and the style of a row's verdict."""
    if row["verdict"] not in VERDICTS:
        raise DataError(
            f"the claims hold the verdict {row['verdict']!r}; the report knows "
            f"{', '.join(VERDICTS)}"
        )
    icon, style = VERDICTS[row["verdict"]]
    return {**row, "icon": icon, "style": style}


def _named(row: Mapping[str, Any], groups: Groups) -> dict[str, str]:
    return {"name": comparison_name(row["contrast"], groups)}


def _decisive(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the p value that the verdict rests on, and which test it belongs to.

    A comparison with a margin has two tests: that the value lies within, and beyond.
    """
    if row.get("margin") is None or row["verdict"] == "not assessable":
        return {"p_shown": row.get("p_holm"), "p_of": ""}
    if row["verdict"] in {"contradicted", "flags", "anti-flag"}:
        return {"p_shown": row["p_beyond_holm"], "p_of": "beyond the margin"}
    return {"p_shown": row["p_holm"], "p_of": "within the margin"}
