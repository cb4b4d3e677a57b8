"""Layouts of tables as tests name them, and a table converted in one go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from tonegap.foreign.account import Account
from tonegap.foreign.table import canonical_table, prepared_rows
from tonegap.presets.schema import Form, Labels, Tone


def named(
    identifier: str,
    fst: str | None,
    label: str,
    fst_second: str | None = None,
    label_middle: str | None = None,
    label_coarse: str | None = None,
    *,
    light: tuple[str, ...] = (),
    dark: tuple[str, ...] = (),
    **others: Any,
) -> Form:
    """Describe a table with one image column, one column of skin types and one of labels."""
    second = (fst_second,) if fst_second else ()
    tone = Tone(columns=(fst,), second=second, light=light, dark=dark) if fst else None
    labels = Labels(fine=label, middle=label_middle, coarse=label_coarse)
    return Form(images=(identifier,), tone=tone, labels=labels, **others)


def converted(
    frame: pd.DataFrame,
    form: Form,
    md5s: Mapping[str, str],
    origin: str,
    account: Account | None = None,
    **choices: Any,
) -> pd.DataFrame:
    """Convert a table; ``choices`` are those of prepared_rows."""
    rows = prepared_rows(frame, form, account or Account(origin), **choices)
    return canonical_table(rows, form, md5s, origin)
