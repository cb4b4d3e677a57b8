"""The claims as the report shows them, and as report/claims.json holds them."""

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
NO_CLAIMS: Mapping[str, Any] = {"study": None, "claims": [], "contrasts": []}
"""The document where no study is shown."""

_ROWS = ("contrasts", "descriptions")
_PRIMARY = "primary"
_DIGITS = 6  # more would differ between processors, and mean nothing


@dataclass(frozen=True)
class ClaimView:
    """A claim with its contrasts, each row a mapping with ``icon`` and ``style``.

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
        ``Claims.to_mapping()`` of :mod:`tonegap.statistics.claims`, or ``NO_CLAIMS``.

    Raises
    ------
    DataError
        If a verdict is not one of ``VERDICTS``.
    """
    rows = [_marked(row) for key in _ROWS for row in document.get(key, [])]
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


def claims_document(document: Mapping[str, Any], caveats: list[str]) -> dict[str, Any]:
    """Give report/claims.json: the claims, what the numbers rest on, the sign of a gap.

    Numbers have six significant digits, so that processors that round differently in the
    last place write the same file.
    """
    return {**_rounded(document), "gap": "dark minus light", "caveats": caveats}


def _marked(row: Mapping[str, Any]) -> dict[str, Any]:
    if row["verdict"] not in VERDICTS:
        raise DataError(
            f"the claims hold the verdict {row['verdict']!r}; the report knows "
            f"{', '.join(VERDICTS)}"
        )
    icon, style = VERDICTS[row["verdict"]]
    return {**row, "icon": icon, "style": style}


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(entry) for entry in value]
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
