"""Render the report: one HTML page that loads nothing from elsewhere.

The page's content security policy lists its own script and style by hash, so a browser runs
nothing else, even if text from a table contained code. All text from data is escaped.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
import statistics
from collections.abc import Iterable, Sequence
from functools import partial
from importlib import resources

import jinja2
import pandas as pd
from markupsafe import Markup

from tonegap.groups import Groups
from tonegap.report.arms import arm_views, error_axis
from tonegap.report.claims import MEANINGS, VERDICTS, claim_views
from tonegap.report.conditions import condition_rows
from tonegap.report.context import Context
from tonegap.report.estimates import (
    condition_forest,
    decomposition_forest,
    influence_forest,
    labels_forest,
)
from tonegap.report.generation import generation_sentences
from tonegap.report.paper import sentences_of
from tonegap.report.scorecard import MEANINGS as FLAG_MEANINGS
from tonegap.report.scorecard import scorecard_view
from tonegap.report.summary import summary_of
from tonegap.report.wording import comparison_name, measure_name

_PERCENT = re.compile(r"(?<=\d) %")
_HYPHEN_MINUS = re.compile(r"(?<![\w.])-(?=\d)")
_MOST_DECIMALS = 6
_FLOW = "exclusions_flow"  # the figure that stands beside the counts of images
_SMALLEST_P = 0.001
_ROUND_P = 0.0995  # from here on two decimals suffice
_MINUS = "\N{MINUS SIGN}"
_ABSENT = "\N{EN DASH}"


def render(context: Context) -> str:
    """Render the report; the same context gives the same text."""
    environment = environment_of(context.groups)
    groups, analysis = context.groups, context.analysis
    arms = arm_views(context.arms, groups)
    mixes = [(arm.mix, arm.share) for arm in arms]
    claims = claim_views(context.claims, groups)
    return environment.get_template("page.html.j2").render(
        context=context,
        groups=groups,
        claims=claims,
        summary=summary_of(context, claims, arms),
        paper=sentences_of(context.claims),
        shown_figures={picture.name for picture in context.pictures},
        decomposition=decomposition_forest(analysis),
        labels=labels_forest(analysis),
        condition_gaps=condition_forest(analysis, groups),
        influence=influence_forest(analysis),
        scorecard=scorecard_view(analysis.scorecard, groups),
        flag_meanings=FLAG_MEANINGS,
        generation=generation_sentences(analysis.amplification, groups),
        verdicts=[(*VERDICTS[name], name, meaning) for name, meaning in MEANINGS.items()],
        reading=context.claims.get("paper_reading"),
        mixes=mixes,
        arms=arms,
        error_axis=error_axis(arms),
        flow_name=_FLOW,
        steps=steps_of(context.flow),
        conditions=condition_rows(context.conditions, [mix for mix, _ in mixes]),
        condition_columns=[(f"Trained on {mix}", f"{mix} mix") for mix, _ in mixes],
    )


def environment_of(groups: Groups) -> jinja2.Environment:
    """Return the templates' environment, with our own style and script and their hashes."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tonegap.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_unbroken,
    )
    environment.filters.update(
        number=number,
        fixed=fixed,
        p_value=p_value,
        data_uri=data_uri,
        decimals_for=decimals_for,
        comparison_name=partial(comparison_name, groups=groups),
        measure_name=measure_name,
        true_minus=true_minus,
    )
    style, script = _own("page.css"), _own("page.js")
    environment.globals.update(
        style=style, script=script, style_hash=_hash(style), script_hash=_hash(script)
    )
    return environment


def _unbroken(value: object) -> object:
    """Keep a number and its percent sign on one line, in texts; not in markup, which has code."""
    return _PERCENT.sub("\N{NO-BREAK SPACE}%", value) if type(value) is str else value


def number(value: object, digits: int = 3) -> str:
    """Write a number with ``digits`` significant digits and a true minus; nothing as a dash."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return _ABSENT
    if isinstance(value, int):
        return f"{value:,}".replace("-", _MINUS)
    # Trailing zeros stay: 0.0200 is known to three digits.
    return f"{value:#.{digits}g}".rstrip(".").replace("-", _MINUS)


def p_value(value: object) -> str:
    """Write a p-value: two decimals, three below a tenth, tiny ones as a bound."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return _ABSENT
    if value < _SMALLEST_P:
        return f"< {_SMALLEST_P}"
    return f"{value:.2f}" if value >= _ROUND_P else f"{value:.3f}"


def decimals_for(values: Iterable[object], digits: int = 3) -> int:
    """Choose decimals for a column, so that its points align and its median has ``digits``.

    The result is between 0 and 6. Zeros and non-finite values are ignored.
    """
    sizes = [abs(v) for v in values if isinstance(v, int | float) and math.isfinite(v) and v]
    if not sizes:
        return digits
    leading = math.floor(math.log10(statistics.median(sizes)))
    return min(max(digits - 1 - leading, 0), _MOST_DECIMALS)


def fixed(value: object, decimals: int, *, signed: bool = False) -> str:
    """Write a number with ``decimals`` decimals and a true minus; nothing as a dash."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return _ABSENT
    text = f"{value:+,.{decimals}f}" if signed else f"{value:,.{decimals}f}"
    if not text.strip("+-0.,"):  # rounded to zero: it has no sign
        text = text.lstrip("+-")
    return text.replace("-", _MINUS)


def true_minus(text: str) -> str:
    """Write the hyphens before numbers as minus signs."""
    return _HYPHEN_MINUS.sub(_MINUS, text)


def data_uri(picture: bytes, kind: str = "svg+xml") -> str:
    """Put a picture into the page itself."""
    return f"data:image/{kind};base64," + base64.b64encode(picture).decode("ascii")


def _own(name: str) -> Markup:
    """Read a file of this package, which is trusted and not escaped."""
    text = resources.files("tonegap.report").joinpath("templates", name).read_text("utf-8")
    return Markup(text)  # noqa: S704  our own file, no data in it


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def steps_of(flow: pd.DataFrame) -> Sequence[tuple[str, dict[str, tuple[int, int]]]]:
    """Rows of the exclusions table: (left, excluded) by step and group."""
    steps: dict[str, dict[str, tuple[int, int]]] = {}
    for step, group, left, excluded in flow[["step", "group", "left", "excluded"]].itertuples(
        index=False
    ):
        steps.setdefault(str(step), {})[str(group)] = (int(left), int(excluded))
    return list(steps.items())
