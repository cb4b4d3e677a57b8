"""The claims as the report shows them.

What they are, and what report/claims.json holds, is said by
:mod:`tonegap.statistics.claims` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tonegap.errors import DataError

VERDICTS: Mapping[str, tuple[str, str]] = {
    # verdict: icon, class of the style sheet
    "supported": ("\N{CHECK MARK}", "supported"),
    "not supported": ("\N{WHITE CIRCLE}", "open"),
    "contradicted": ("\N{MULTIPLICATION X}", "contradicted"),
    "not assessable": ("?", "unknown"),
    "described": ("\N{MIDDLE DOT}", "unknown"),
}
_ROWS = ("contrasts", "descriptions")
_PRIMARY = "primary"


@dataclass(frozen=True)
class ClaimView:
    """A claim with its contrasts.

    Each row is a mapping with ``icon``, ``style``, ``p_shown`` and ``p_of``, which names the
    test that the p value belongs to (empty: the only one).

    Attributes
    ----------
    claim, statement, verdict, because, icon, style : str
        The claim, the verdict on it and what it rests on.
    primary : list of mapping
        The contrasts that decide it.
    beside : list of mapping
        Other measures and descriptions, which decide nothing.
    """

    claim: str
    statement: str
    verdict: str
    because: str
    icon: str
    style: str
    primary: list[dict[str, Any]]
    beside: list[dict[str, Any]]


def claim_views(document: Mapping[str, Any]) -> list[ClaimView]:
    """Bring each claim and its contrasts together, in the document's order.

    Parameters
    ----------
    document
        ``Claims.to_mapping()`` of :mod:`tonegap.statistics.claims`, or its
        ``no_claims()``.

    Raises
    ------
    DataError
        If a verdict is not one of ``VERDICTS``.
    """
    rows = [_marked(row) | _decisive(row) for key in _ROWS for row in document.get(key, [])]
    views = []
    for claim in map(_marked, document["claims"]):
        mine = [row for row in rows if row["claim"] == claim["claim"]]
        views.append(
            ClaimView(
                **{key: str(claim[key]) for key in ("claim", "statement", "verdict", "because")},
                icon=claim["icon"],
                style=claim["style"],
                primary=[row for row in mine if row["family"] == _PRIMARY],
                beside=[row for row in mine if row["family"] != _PRIMARY],
            )
        )
    return views


def _marked(row: Mapping[str, Any]) -> dict[str, Any]:
    if row["verdict"] not in VERDICTS:
        raise DataError(
            f"the claims hold the verdict {row['verdict']!r}; the report knows "
            f"{', '.join(VERDICTS)}"
        )
    icon, style = VERDICTS[row["verdict"]]
    return {**row, "icon": icon, "style": style}


def _decisive(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give the p value that the verdict rests on, and which test it belongs to.

    A comparison with a margin has two tests: that the value lies within, and beyond.
    """
    if row.get("margin") is None or row["verdict"] == "not assessable":
        return {"p_shown": row.get("p_holm"), "p_of": ""}
    if row["verdict"] == "contradicted":
        return {"p_shown": row["p_beyond_holm"], "p_of": "beyond the margin"}
    return {"p_shown": row["p_holm"], "p_of": "within the margin"}
