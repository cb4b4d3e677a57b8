"""Parameters: params.yaml as frozen, validated values, read only here.

``params.yaml`` explains every key with its unit and its consequence; the classes
here hold the types and the ranges. Unknown keys and impossible values raise
:class:`~tonegap.errors.ParameterError`, which names the nearest valid ones.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, get_args

import pydantic

from tonegap.errors import ParameterError
from tonegap.nearest import nearest

GroupName = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Share = Annotated[float, pydantic.Field(ge=0.0, le=1.0)]
Count = Annotated[int, pydantic.Field(ge=1, lt=2**31)]
# Bounds far above any use: beyond them, a typing error would request more memory than there
# is, and fail late without naming the parameter.
Draws = Annotated[int, pydantic.Field(ge=1, le=10_000_000)]
Channels = Annotated[int, pydantic.Field(ge=1, le=16_384)]
Widening = Annotated[int, pydantic.Field(ge=1, le=1024)]
Seed = Annotated[int, pydantic.Field(ge=0, lt=2**63)]
Positive = Annotated[float, pydantic.Field(gt=0.0, allow_inf_nan=False)]
NonNegative = Annotated[float, pydantic.Field(ge=0.0, allow_inf_nan=False)]

DuplicatePolicy = Literal["keep", "drop_exact", "one_per_cluster"]
SplitDuplicates = Literal["paper", "clusters_stay_together"]
Match = Literal["none", "condition", "condition_source"]
Distinct = Literal["paper", "equal"]
PerceptualNetwork = Literal["vgg19", "squeezenet1_1"]
Baseline = Literal["pca", "jpeg"]
ScoreName = Literal[
    "kl",
    "latent_knn",
    "last_layer_laplace",
    "decoder_laplace",
    "pixel_knn",
    "colour_distance",
    "jpeg_bytes",
    "darkness",
]

_RESERVED = ("all", "neither", "gap")
"""Words used beside the names of groups in metrics and tables."""

# Foreign values in messages: with YAML aliases, a small file can hold a huge value.
_LONGEST_NAME = 80
_SHOWN = reprlib.Repr()
_SHOWN.maxlevel, _SHOWN.maxstring = 2, _LONGEST_NAME

SMALLEST_IMAGE: Final[Mapping[PerceptualNetwork, int]] = MappingProxyType(
    {"vgg19": 16, "squeezenet1_1": 17}
)
"""Side of the smallest image for which each network's last tap still has a pixel."""


class Section(pydantic.BaseModel):
    """One group of params.yaml: frozen, strict, without unknown keys."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)


class FetchParams(Section):
    """Where images come from, and the downloader's limits."""

    download: bool
    accept_unverified: bool
    min_success: Share
    timeout_s: Annotated[float, pydantic.Field(gt=0.0, le=3600.0)]
    retries: Annotated[int, pydantic.Field(ge=0, le=20)]
    connections: Annotated[int, pydantic.Field(ge=1, le=256)]
    connections_per_host: Annotated[int, pydantic.Field(ge=1, le=64)]
    max_bytes: Count
    max_pixels: Count


class Range(Section):
    """Numbers from ``min`` (included) to ``max`` (excluded); an end may be left open."""

    min: float | None = None
    max: float | None = None

    @pydantic.model_validator(mode="after")
    def _not_empty(self) -> Range:
        if self.min is None and self.max is None:
            raise ValueError("needs min, max or both")
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ValueError("min must be smaller than max")
        return self


Values = tuple[int | float | str, ...]


class GroupsParams(Section):
    """Which groups are compared, and what defines them."""

    column: Annotated[str, pydantic.Field(min_length=1)]
    compare: tuple[GroupName, GroupName]
    define: dict[GroupName, Range | Values]

    @pydantic.field_validator("compare", mode="before")
    @classmethod
    def _as_tuple(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value

    @pydantic.field_validator("define", mode="before")
    @classmethod
    def _as_tuples(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        return {name: tuple(v) if isinstance(v, list) else v for name, v in value.items()}

    @pydantic.model_validator(mode="after")
    def _consistent(self) -> GroupsParams:
        if self.compare[0] == self.compare[1]:
            raise ValueError(f"compare names {self.compare[0]!r} twice; name two groups")
        for name in self.compare:
            if name not in self.define:
                known = _nearest(name, self.define)
                raise ValueError(f"compare names {name!r}, which has no values; {known}")
        for name, values in self.define.items():
            if name in _RESERVED:
                raise ValueError(
                    f"no group may be called {name!r}: tables use this word themselves"
                )
            if values == ():
                raise ValueError(f"the group {name!r} has no values")
        return self


class FilterParams(Section):
    """Which images form the cohort."""

    exclude_qc: tuple[str, ...]
    min_side: Count
    duplicates: DuplicatePolicy
    near_distance: Annotated[int, pydantic.Field(ge=0, le=16)]

    @pydantic.field_validator("exclude_qc", mode="before")
    @classmethod
    def _as_tuple(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value


class DataParams(Section):
    """Image size and the split: seeds, sizes, mix, and the switches that assess it."""

    image_size: Annotated[int, pydantic.Field(ge=16, le=1024)]
    seed: Seed
    mix: str
    n_test: Draws
    n_train: Draws
    replacement: bool
    duplicates: SplitDuplicates
    match: Match
    distinct: Distinct
    panel_seeds: Annotated[int, pydantic.Field(ge=0, le=10_000)]


class ModelParams(Section):
    """The generative model: tonegap's residual VAE, or a factory of the user's own."""

    factory: Annotated[str, pydantic.Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
    base_width: Channels
    block_widths: tuple[Widening, ...]
    latent_channels: Channels
    bottleneck_blocks: Annotated[int, pydantic.Field(ge=0, le=1000)]
    deep: bool
    bias_before_norm: bool

    @pydantic.field_validator("block_widths", mode="before")
    @classmethod
    def _as_tuple(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value

    @pydantic.field_validator("block_widths")
    @classmethod
    def _not_empty(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value:
            raise ValueError("needs at least one width")
        return value

    @pydantic.field_validator("base_width")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("must be even, because identity blocks halve it")
        return value


class TrainParams(Section):
    """Objective, optimiser, precision and housekeeping of training."""

    seed: Seed
    epochs: Count
    batch_size: Annotated[int, pydantic.Field(ge=2, le=1_000_000)]
    learning_rate: Positive
    schedule: Literal["constant", "cosine"]
    warmup: Annotated[float, pydantic.Field(ge=0.0, lt=1.0)]
    clip_norm: Positive
    flip: bool
    beta: NonNegative
    kl_reduction: Literal["mean", "sum"]
    perceptual_scale: NonNegative
    perceptual_network: PerceptualNetwork
    perceptual_weights: Annotated[str, pydantic.Field(min_length=1)]
    perceptual_taps: Literal["before_relu", "after_relu"]
    perceptual_imagenet_norm: bool
    perceptual_norm: Literal["none", "mean_square"]
    device: Annotated[str, pydantic.Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")]
    precision: Literal["auto", "float64", "float32", "bfloat16", "float16"]
    compile: Literal["auto", "off", "on"]
    cache_features: Literal["auto", "off", "on"]
    deterministic: bool
    checkpoint: bool


class EvaluateParams(Section):
    """How a trained model is assessed."""

    model: Annotated[str, pydantic.Field(pattern=r"^(trained|[A-Za-z_][\w.]*:[A-Za-z_]\w*)$")]
    batch_size: Count
    baselines: tuple[Baseline, ...]
    scores: tuple[ScoreName, ...]
    pca_components: Count
    jpeg_quality: Annotated[int, pydantic.Field(ge=1, le=100)]
    grid_images: Annotated[int, pydantic.Field(ge=0, le=16)]
    samples: Annotated[int, pydantic.Field(ge=0, le=100_000)]

    @pydantic.field_validator("baselines", "scores", mode="before")
    @classmethod
    def _as_tuple(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value


class Params(Section):
    """All of params.yaml.

    Attributes
    ----------
    mixes : mapping of name to share
        Each training mix by the share of the compared group (``groups.compare``, the second)
        among its draws, in [0, 1]. Users may add rows (``dark_25: 0.25``).
    """

    fetch: FetchParams
    groups: GroupsParams
    filter: FilterParams
    data: DataParams
    mixes: dict[Annotated[str, pydantic.Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_]*$")], Share]
    model: ModelParams
    train: TrainParams
    evaluate: EvaluateParams

    @property
    def share(self) -> float:
        """Share of the compared group among the training draws, in [0, 1]."""
        return self.mixes[self.data.mix]


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
            f"not define; {_nearest(params.data.mix, params.mixes)}"
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
        "train.perceptual_norm": "none",
        "train.schedule": "constant",
        "train.warmup": 0.0,
    }
)
"""Value of each later parameter in experiments that ran before it existed, by dotted name.

A new parameter needs a row here; otherwise every earlier experiment counts as outdated.
"""


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
        return _nearest(group, known)
    return _nearest(key, known[group])


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
        return f"{place} is {shown}; {_nearest(name, _choices(problem))}"
    return f"{place} is {shown}: {message[:1].lower()}{message[1:]}"


def _nearest(name: str, known: Iterable[str]) -> str:
    """Suggest the nearest of the first names: foreign names may be many and long."""
    return nearest(name[:_LONGEST_NAME], [word[:_LONGEST_NAME] for word in islice(known, 100)])


def _inline(name: str) -> str:
    """Return a foreign name for a message, on one line and truncated."""
    return ascii(name[:_LONGEST_NAME])[1:-1]


def _choices(problem: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the values that a literal field allows, from the field's annotation."""
    field: type[Section] | None = _section(str(problem["loc"][0]))
    if field is None:
        return ()
    annotation = field.model_fields[str(problem["loc"][1])].annotation
    options = [get_args(part) for part in (annotation, *get_args(annotation))]
    return next((tuple(map(str, o)) for o in options if o and isinstance(o[0], str)), ())
