"""Parameters: the sections of params.yaml as frozen, validated values.

``params.yaml`` explains every key with its unit and its consequence; the classes here hold the
types and the ranges. :mod:`tonegap.raw_params` makes them from a file's content.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal

import pydantic

from tonegap.nearest import nearest_foreign

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
                known = nearest_foreign(name, self.define)
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
    norm: Literal["batch", "group"]

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
    group_weight: Literal["none", "equal", "dro"]
    dro_step: Positive
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
