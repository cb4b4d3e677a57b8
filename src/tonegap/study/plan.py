"""What a study is: a file ``studies/<name>.yaml`` with ``grid`` and ``set``.

``set`` holds parameter overrides for every run; ``grid`` holds lists of values, and the
study is their product. Each combination is a *cell*: one DVC experiment with a name made
of the study, the mix and the seed.
"""

from __future__ import annotations

import copy
import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tonegap.errors import ParameterError, StudyError
from tonegap.nearest import nearest
from tonegap.params import Params
from tonegap.raw_params import known_keys, nearest_key, params_from_mapping

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_]*$")
_SHORT = {"data.mix": "{}", "data.seed": "s{}"}
_KEYS = ("grid", "set")
_LONGEST_NAME = 200

Overrides = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """One run of a study.

    Attributes
    ----------
    name : str
        Name of its experiment, such as ``paper-dark-s3``.
    overrides : mapping of dotted parameter to value
        What differs from params.yaml.
    params : Params
        The run's parameters, validated.
    """

    name: str
    overrides: Overrides
    params: Params


@dataclass(frozen=True)
class Study:
    """A study's cells, in the order of its grid."""

    name: str
    cells: tuple[Cell, ...]


def plan_study(name: str, raw: object, base: Mapping[str, Any]) -> Study:
    """Turn a study file into cells.

    Parameters
    ----------
    name
        The study's name: letters, digits and underscores.
    raw
        Content of ``studies/<name>.yaml``.
    base
        Content of params.yaml, which the study overrides.

    Raises
    ------
    StudyError
        If the file is malformed.
    ParameterError
        If an override names an unknown parameter or an invalid value.
    """
    origin = f"studies/{name}.yaml"
    grid, settings = _checked(name, raw, origin)
    cells = []
    for values in itertools.product(*grid.values()):
        chosen = dict(zip(grid, values, strict=True))
        overrides = {**settings, **chosen}
        params = params_from_mapping(overridden(base, overrides, origin), origin)
        cells.append(Cell(_cell_name(name, chosen), overrides, params))
    _check_names([cell.name for cell in cells], origin)
    return Study(name, tuple(cells))


def overridden(base: Mapping[str, Any], overrides: Overrides, origin: str) -> dict[str, Any]:
    """Return a copy of ``base`` with dotted ``overrides`` applied; reject unknown keys.

    Raises
    ------
    ParameterError
        If a key is not a parameter.
    """
    merged: dict[str, Any] = copy.deepcopy(dict(base))
    for dotted, value in overrides.items():
        group, _, key = dotted.partition(".")
        keys = known_keys().get(group)
        if keys is None or (group != "mixes" and key not in keys):
            raise ParameterError(f"{origin}: unknown parameter {dotted}; {nearest_key(dotted)}")
        merged.setdefault(group, {})[key] = value
    return merged


def _checked(name: str, raw: object, origin: str) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    if not _NAME.match(name):
        raise StudyError(
            f"study name {name!r} may hold letters, digits and underscores only, because it "
            "becomes part of experiment names"
        )
    if not isinstance(raw, Mapping):
        raise StudyError(f"{origin}: expected the keys `grid` and `set`, found {raw!r}")
    for key in raw:
        if key not in _KEYS:
            raise StudyError(f"{origin}: unknown key {key!r}; {nearest(str(key), _KEYS)}")
    grid, settings = raw.get("grid") or {}, raw.get("set") or {}
    if not isinstance(grid, Mapping) or not isinstance(settings, Mapping):
        raise StudyError(f"{origin}: `grid` and `set` map parameters to values")
    if not grid:
        raise StudyError(f"{origin}: `grid` is empty; name at least data.mix and data.seed")
    for dotted, values in grid.items():
        if not isinstance(values, Sequence) or isinstance(values, str) or not values:
            raise StudyError(f"{origin}: grid.{dotted} is {values!r}; expected a list of values")
        if dotted in settings:
            raise StudyError(
                f"{origin}: {dotted} is in both `grid` and `set` (or -S sets it); keep one"
            )
    return (
        {str(key): list(values) for key, values in grid.items()},
        {str(key): value for key, value in settings.items()},
    )


def _cell_name(study: str, chosen: Overrides) -> str:
    parts = [study]
    for dotted, value in chosen.items():
        text = _SHORT.get(dotted, dotted.partition(".")[2].replace("_", "") + "{}").format(value)
        parts.append(re.sub(r"[^A-Za-z0-9_.]+", "_", text))
    # Git rejects refs with two dots in a row, and refs that end in a dot or in ".lock".
    name = re.sub(r"\.{2,}", "_", "-".join(parts))
    return re.sub(r"\.$", "_", re.sub(r"\.lock$", "_lock", name))


def _check_names(names: Sequence[str], origin: str) -> None:
    """Reject names that two cells share, or that are too long for the names of their files."""
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise StudyError(
            f"{origin}: the grid repeats a value, or has values that differ in signs only, which "
            f"names of experiments cannot hold: {count} runs would be called {name}"
        )
    longest = max(names, key=len)
    if len(longest) > _LONGEST_NAME:
        raise StudyError(
            f"{origin}: {longest[:60]}... would be a name of {len(longest)} characters, more than "
            f"{_LONGEST_NAME}, the limit for names of files; choose shorter values"
        )
