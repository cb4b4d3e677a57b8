"""From the raw content of a parameter file to :class:`~tonegap.params.Params`.

Unknown keys and impossible values raise :class:`~tonegap.errors.ParameterError`, which names the
nearest valid ones. Parameters of earlier experiments are read with today's names.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, get_args

import pydantic

from tonegap.errors import ParameterError
from tonegap.nearest import LONGEST_NAME, nearest_foreign
from tonegap.params import SMALLEST_IMAGE, FilterParams, Params, Section

# Foreign values in messages: with YAML aliases, a small file can hold a huge value.
_SHOWN = reprlib.Repr()
_SHOWN.maxlevel, _SHOWN.maxstring = 2, LONGEST_NAME


def params_from_mapping(raw: object, origin: str = "params.yaml") -> Params:
    """Validate the content of a parameter file.

    Parameters
    ----------
    raw
        Content of the file as nested mappings.
    origin
        The file's name, for messages.

    Raises
    ------
    ParameterError
        If a key is missing or unknown or its value is invalid; the message names the first
        such key, the value found and the nearest valid ones.
    """
    if not isinstance(raw, Mapping):
        raise ParameterError(f"{origin}: expected groups of keys, found {type(raw).__name__}")
    try:
        params = Params.model_validate(raw)
    except pydantic.ValidationError as error:
        raise ParameterError(f"{origin}: {_first_problem(error)}") from None
    if params.data.mix not in params.mixes:
        raise ParameterError(
            f"{origin}: data.mix is {_SHOWN.repr(params.data.mix)}, which the table `mixes` does "
            f"not define; {nearest_foreign(params.data.mix, params.mixes)}"
        )
    factor = 2 ** len(params.model.block_widths)
    if params.data.image_size % factor:
        raise ParameterError(
            f"{origin}: data.image_size is {params.data.image_size}, but "
            f"{len(params.model.block_widths)} down-sampling blocks (model.block_widths) need a "
            f"multiple of {factor}"
        )
    smallest = SMALLEST_IMAGE[params.train.perceptual_network]
    used = params.train.perceptual_scale > 0 or params.evaluate.samples > 0
    if used and params.data.image_size < smallest:
        raise ParameterError(
            f"{origin}: data.image_size is {params.data.image_size}, but the perceptual network "
            f"{params.train.perceptual_network} halves images under {smallest} px to nothing; "
            "use larger images, or set train.perceptual_scale and evaluate.samples to 0"
        )
    return params


ADDED: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "data.panel_seeds": 0,
        "evaluate.scores": [],
        "evaluate.samples": 0,
        "model.bias_before_norm": True,
        "model.norm": "batch",
        "train.dro_step": 0.01,
        "train.group_weight": "none",
        "train.perceptual_norm": "none",
        "train.schedule": "constant",
        "train.warmup": 0.0,
    }
)
"""Value of each later parameter in experiments that ran before it existed, by dotted name.

A new parameter needs a row here; otherwise every earlier experiment counts as outdated.
"""


def filter_params(**values: Any) -> FilterParams:
    """Return the section ``filter``; a later key that is not given takes its value in ``ADDED``."""
    prefix = "filter."
    added = {
        dotted.removeprefix(prefix): value
        for dotted, value in ADDED.items()
        if dotted.startswith(prefix)
    }
    return FilterParams.model_validate({**added, **values})


def params_of_experiment(raw: object) -> Params:
    """Read the parameters of an earlier experiment with today's names.

    Removed keys are dropped, because no stage reads them. New keys take the value in
    :data:`ADDED`.

    Raises
    ------
    ParameterError
        As :func:`params_from_mapping`.
    """
    if not isinstance(raw, Mapping):
        return params_from_mapping(raw)
    content = {
        group: {key: raw[group][key] for key in raw[group] if key in (names or raw[group])}
        for group, names in known_keys().items()
        if isinstance(raw.get(group), Mapping)
    }
    for dotted, value in ADDED.items():
        group, _, key = dotted.partition(".")
        content.setdefault(group, {}).setdefault(key, value)
    return params_from_mapping(content)


def known_keys() -> dict[str, tuple[str, ...]]:
    """Keys of each group of params.yaml; ``mixes`` is open and maps to ``()``."""
    return {
        group: tuple(section.model_fields) if (section := _section(group)) else ()
        for group in Params.model_fields
    }


def nearest_key(dotted: str) -> str:
    """Suggest the known parameter that an unknown ``group.key`` may mean."""
    known = known_keys()
    group, _, key = dotted.partition(".")
    if group not in known:
        return nearest_foreign(group, known)
    return nearest_foreign(key, known[group])


def _section(group: str) -> type[Section] | None:
    annotation = Params.model_fields[group].annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, Section) else None


def _first_problem(error: pydantic.ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    place = ".".join(_inline(str(part)) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown key {place}; {nearest_key(place)}"
    if problem["type"] == "missing":
        return f"key {place} is missing; add it, params.yaml of a fresh clone explains it"
    message = problem["msg"].removeprefix("Value error, ")
    value: Any = problem.get("input")
    shown = _SHOWN.repr(value)
    if problem["type"] == "literal_error":
        name = value if isinstance(value, str) else shown
        return f"{place} is {shown}; {nearest_foreign(name, _choices(problem))}"
    return f"{place} is {shown}: {message[:1].lower()}{message[1:]}"


def _inline(name: str) -> str:
    """Return a foreign name for a message, on one line and truncated."""
    return ascii(name[:LONGEST_NAME])[1:-1]


def _choices(problem: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the values that a literal field allows, from the field's annotation."""
    field: type[Section] | None = _section(str(problem["loc"][0]))
    if field is None:
        return ()
    annotation = field.model_fields[str(problem["loc"][1])].annotation
    options = [get_args(part) for part in (annotation, *get_args(annotation))]
    return next((tuple(map(str, o)) for o in options if o and isinstance(o[0], str)), ())
