"""Render the report: one HTML page that loads nothing from anywhere.

The page's own script and style are named by their hashes in its content security policy,
so a browser runs nothing else: text that slipped in from a table could not act. All text
from data is escaped.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Sequence
from importlib import resources

import jinja2
import pandas as pd
from markupsafe import Markup

from tonegap.report.claims import claim_views
from tonegap.report.conditions import condition_rows
from tonegap.report.context import Context

_ACRONYMS = ("auc", "jpeg", "mse", "nmse", "pca")
_SMALLEST_P = 0.001
_MINUS = "\N{MINUS SIGN}"
_ABSENT = "\N{EN DASH}"


def render(context: Context) -> str:
    """Render the report; the same context gives the same text."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tonegap.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        number=number, p_value=p_value, data_uri=data_uri, measure_name=measure_name
    )
    style, script = _own("page.css"), _own("page.js")
    mixes = _mixes(context.arms)
    return environment.get_template("page.html.j2").render(
        context=context,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        claims=claim_views(context.claims),
        reading=context.claims.get("paper_reading"),
        mixes=mixes,
        arms=_records(context.arms),
        steps=_steps(context.flow),
        conditions=condition_rows(context.conditions, [mix for mix, _ in mixes]),
    )


def number(value: object, digits: int = 3) -> str:
    """Write a number with ``digits`` significant digits and a true minus; nothing as a dash."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return _ABSENT
    if isinstance(value, int):
        return f"{value:,}".replace("-", _MINUS)
    # Trailing zeros stay: 0.0200 is known to three digits.
    return f"{value:#.{digits}g}".rstrip(".").replace("-", _MINUS)


def p_value(value: object) -> str:
    """Write a p-value: two digits, small ones as a bound."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return _ABSENT
    return f"< {_SMALLEST_P}" if value < _SMALLEST_P else f"{value:.2g}"


def measure_name(name: str) -> str:
    """Write a measure's column name as words: ``mse_given_pca`` is "MSE given PCA"."""
    words = name.split("_")
    return " ".join(word.upper() if word in _ACRONYMS else word for word in words)


def data_uri(svg: bytes) -> str:
    """Put a picture into the page itself."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")


def _own(name: str) -> Markup:
    """Read a file of this package, which is trusted and not escaped."""
    text = resources.files("tonegap.report").joinpath("templates", name).read_text("utf-8")
    return Markup(text)  # noqa: S704  our own file, no data in it


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _mixes(arms: pd.DataFrame) -> list[tuple[str, float]]:
    pairs = arms[["mix", "dark_share"]].drop_duplicates().sort_values(["dark_share", "mix"])
    return [(str(mix), float(share)) for mix, share in pairs.itertuples(index=False)]


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _steps(flow: pd.DataFrame) -> Sequence[tuple[str, dict[str, tuple[int, int]]]]:
    """Rows of the exclusions table: (left, excluded) by step and group."""
    steps: dict[str, dict[str, tuple[int, int]]] = {}
    for step, group, left, excluded in flow[["step", "group", "left", "excluded"]].itertuples(
        index=False
    ):
        steps.setdefault(str(step), {})[str(group)] = (int(left), int(excluded))
    return list(steps.items())
