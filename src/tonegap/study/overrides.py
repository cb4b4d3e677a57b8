"""Parameter overrides as DVC's command line takes them (``-S key=value``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tonegap.study.plan import Overrides


def dvc_arguments(overrides: Overrides, base: Mapping[str, Any]) -> list[str]:
    """Spell overrides for ``dvc exp run``; leave out those that params.yaml already sets.

    DVC reads them by Hydra's grammar: text is quoted, and a key that the file lacks (a
    new row of ``mixes``) needs a plus sign.
    """
    arguments: list[str] = []
    for dotted, value in overrides.items():
        group, _, key = dotted.partition(".")
        known = base.get(group, {})
        if key in known and known[key] == value and type(known[key]) is type(value):
            continue
        if key in known and isinstance(value, Mapping):  # which Hydra would merge with the old one
            arguments += ["-S", f"~{dotted}", "-S", f"+{dotted}={_spell(value)}"]
            continue
        arguments += ["-S", f"{'' if key in known else '+'}{dotted}={_spell(value)}"]
    return arguments


def _spell(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Mapping):
        # Hydra quotes no keys: names of groups and bounds are words.
        return "{" + ",".join(f"{key}: {_spell(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_spell(item) for item in value) + "]"
    # Hydra reads a backslash as itself, except in a run of them before a quote.
    inner = re.sub(r"(\\*)'", lambda run: run[1] * 2 + r"\'", str(value))
    closed = re.sub(r"(\\+)$", lambda run: run[1] * 2, inner)
    return f"'{closed}'"
