"""The gate: budgets for metrics, and whether a change keeps to them.

A metric fails if its change exceeds the budget by more than the noise band::

    change - band > budget

The band is the half-width of the 95 % interval of a difference between two runs of one
design with other training seeds. ``change - band`` is thus the smallest change that the data
support, and the gate says no only if even that is larger than the budget. A change between
``budget`` and ``budget + band`` is within noise: it passes, and the report says so.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic

from tonegap.errors import ParameterError
from tonegap.files.parameters import read_yaml
from tonegap.nearest import nearest
from tonegap.params import Section

_PERCENT = re.compile(r"(\d+(?:\.\d+)?) ?%")
_SETTINGS = "settings"  # of metrics/evaluate.json: no results
Direction = Literal["may_rise", "may_fall"]
_DIRECTIONS: tuple[Direction, ...] = ("may_rise", "may_fall")
_SHOWN = 60  # characters of a foreign value in a message


@dataclass(frozen=True)
class Allowance:
    """How far a metric may move.

    Attributes
    ----------
    number : float
        In the metric's unit, or in per cent of the base's value; 0 or more.
    relative : bool
        True if it is in per cent.
    """

    number: float
    relative: bool

    def beside(self, base: float) -> float:
        """Return the allowance in the metric's unit, beside the base's value."""
        return abs(base) * self.number / 100 if self.relative else self.number

    def __str__(self) -> str:
        return f"{self.number:g} %" if self.relative else f"{self.number:g}"


def _allowance(value: object) -> object:
    """Read ``0.004`` or ``10 %``."""
    if isinstance(value, str) and (found := _PERCENT.fullmatch(value.strip())):
        return Allowance(float(found[1]), relative=True)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if math.isfinite(value) and value >= 0:
            return Allowance(float(value), relative=False)
        raise ValueError("a budget is 0 or more, and finite")
    raise ValueError("write a number, such as 0.004, or a share of the base's value, such as 10 %")


_Allowed = Annotated[Allowance | None, pydantic.BeforeValidator(_allowance)]


class Budget(Section):
    """How far one metric may rise and fall; what is not named is not limited."""

    may_rise: _Allowed = None
    may_fall: _Allowed = None

    @pydantic.model_validator(mode="after")
    def _limits_something(self) -> Budget:
        if self.may_rise is None and self.may_fall is None:
            raise ValueError("names no limit; write may_rise, may_fall or both")
        return self


Gate = Mapping[str, Budget]


def read_gate(path: Path) -> Gate:
    """Read the budgets of a checkout; none where it has no gate.yaml.

    Raises
    ------
    ParameterError
        If the file is not YAML or a budget is refused.
    """
    return gate_from_mapping(read_yaml(path), path.name) if path.exists() else {}


def gate_from_mapping(raw: object, origin: str = "gate.yaml") -> Gate:
    """Validate the content of a gate file: budgets by the name of their metric.

    Raises
    ------
    ParameterError
        If a budget is refused; the message names the first such and what is expected.
    """
    if raw is None:  # a file of comments
        return {}
    if not isinstance(raw, Mapping):
        raise ParameterError(
            f"{origin}: expected budgets such as `mse.gap: {{may_rise: 0.004}}`, found "
            f"{type(raw).__name__}"
        )
    return {str(name): _budget(f"{origin}: {name}", entry) for name, entry in raw.items()}


def _budget(place: str, entry: object) -> Budget:
    if not isinstance(entry, Mapping):
        raise ParameterError(f"{place} is {_shown(entry)}; write {{may_rise: {_shown(entry)}}}")
    for key in entry:
        if key not in _DIRECTIONS:
            raise ParameterError(f"{place}: unknown key {key!r}; {nearest(str(key), _DIRECTIONS)}")
    try:
        return Budget.model_validate(entry)
    except pydantic.ValidationError as error:
        problem = error.errors(include_url=False)[0]
        message = problem["msg"].removeprefix("Value error, ")
        where = "".join(f".{part}" for part in problem["loc"][:1])
        value = f" is {_shown(problem['input'])}:" if where else ""
        raise ParameterError(f"{place}{where}{value} {message}") from None


def _shown(value: object) -> str:
    return repr(value)[:_SHOWN]


class Verdict(StrEnum):
    """What the gate says of one metric."""

    PASSES = "passes"
    WITHIN_NOISE = "within noise"
    FAILS = "fails"
    NEW = "new"


@dataclass(frozen=True)
class Judgement:
    """One limit of one metric, and what the change makes of it.

    Attributes
    ----------
    metric : str
        Name within metrics/evaluate.json, such as ``mse.gap``.
    direction : str
        ``may_rise`` or ``may_fall``.
    allowance : Allowance
        The budget.
    base, head : float or None
        The metric of both sides; None where it is absent or no number.
    band : float or None
        Half-width of the noise band, 0 or more; None where it is unknown.
    """

    metric: str
    direction: Direction
    allowance: Allowance
    base: float | None
    head: float | None
    band: float | None

    @property
    def budget(self) -> float:
        """The budget in the metric's unit; NaN without a base."""
        return math.nan if self.base is None else self.allowance.beside(self.base)

    @property
    def moved(self) -> float:
        """How far the metric moved into the limited direction; NaN if a side is missing."""
        if self.base is None or self.head is None:
            return math.nan
        change = self.head - self.base
        return change if self.direction == "may_rise" else -change

    @property
    def used(self) -> float:
        """Share of budget and noise band that the change takes; 1 and more fails."""
        room = self.budget + (self.band or 0.0)
        if room == 0.0:
            return math.inf if self.moved > 0 else 0.0
        return self.moved / room

    @property
    def verdict(self) -> Verdict:
        """Compare the change with the budget, beyond noise (see the module)."""
        if self.head is None:  # a metric that stopped being a number is no improvement
            return Verdict.FAILS
        if self.base is None:
            return Verdict.NEW
        if self.moved <= self.budget:
            return Verdict.PASSES
        beyond = self.moved - (self.band or 0.0) > self.budget
        return Verdict.FAILS if beyond else Verdict.WITHIN_NOISE


def metrics_of(document: Mapping[str, Any]) -> dict[str, float | None]:
    """Flatten metrics/evaluate.json to dotted names, such as ``mse.gap``.

    What is neither a number nor null is left out, and so are the settings. Numbers that are
    not finite become None.
    """
    flat: dict[str, float | None] = {}
    for name, value in document.items():
        if isinstance(value, Mapping) and name != _SETTINGS:
            flat |= {f"{name}.{inner}": number for inner, number in metrics_of(value).items()}
        elif value is None:
            flat[name] = None
        elif isinstance(value, int | float) and not isinstance(value, bool):
            flat[name] = float(value) if math.isfinite(value) else None
    return flat


def judge(
    gate: Gate,
    base: Mapping[str, float | None],
    head: Mapping[str, float | None],
    bands: Mapping[str, float],
) -> list[Judgement]:
    """Judge every limit of the gate, in the order of the file.

    Parameters
    ----------
    gate
        The budgets.
    base, head
        The metrics of both sides, as of :func:`metrics_of`.
    bands
        Half-widths of the noise bands, as far as they are known.

    Raises
    ------
    ParameterError
        If a budget names a metric that the head does not have.
    """
    for name in gate:
        if name not in head:
            raise ParameterError(
                f"gate.yaml: {name!r} is no metric of metrics/evaluate.json, so its budget "
                f"limits nothing; {nearest(name, head)}"
            )
    return [
        Judgement(name, direction, allowance, base.get(name), head[name], bands.get(name))
        for name, budget in gate.items()
        for direction in _DIRECTIONS
        if (allowance := getattr(budget, direction)) is not None
    ]


def edited(base: Gate, head: Gate) -> list[str]:
    """Say how the budgets of the head differ from the base's, one phrase per limit."""
    before, after = _limits(base), _limits(head)
    phrases = {
        name: f"`{name}`: {before.get(name, 'no limit')} → {after.get(name, 'no limit')}"
        for name in [*before, *after]
        if before.get(name) != after.get(name)
    }
    return list(phrases.values())


def _limits(gate: Gate) -> dict[str, str]:
    return {
        f"{name} {direction}": str(allowance)
        for name, budget in gate.items()
        for direction in _DIRECTIONS
        if (allowance := getattr(budget, direction)) is not None
    }
