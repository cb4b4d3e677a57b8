"""Significant digits: numbers are written with as many as processors agree on.

A training in float64 agrees to some 12 digits between instruction sets and thread counts; six leave
room for what later steps lose (docs/experiments.md). Rounding makes tables equal byte by byte.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

DIGITS = 6


def significant(value: float) -> float:
    """Round a number to :data:`DIGITS` significant digits; NaN and infinity stay."""
    return float(f"{value:.{DIGITS}g}")


def rounded_table(table: pd.DataFrame) -> pd.DataFrame:
    """Round every column of floats; counts and text stay."""
    floats = [name for name in table.columns if table[name].dtype.kind == "f"]
    return table.assign(**{name: table[name].map(significant) for name in floats})


def json_value(value: Any) -> Any:
    """Return a value for JSON: floats rounded, None for NaN, tuples as lists."""
    if isinstance(value, Mapping):
        return {str(key): json_value(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(entry) for entry in value]
    if isinstance(value, float):
        return None if math.isnan(value) else significant(value)
    return value
