"""Scores that a user's own model brings."""

from __future__ import annotations

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor

from tonegap.errors import ModelError
from tonegap.measures import COLUMNS, OWN_SCORE
from tonegap.model.protocol import GenerativeModel, HasUncertainty, VaeAdapter, unusable
from tonegap.uncertainty.setting import Scorer

_METHOD = "`uncertainty`"


def scorer(model: GenerativeModel) -> Scorer | None:
    """Return the model's own scores, column ``u_NAME`` for each NAME; None if it has none."""
    source = model.network if isinstance(model, VaeAdapter) else model
    if not isinstance(source, HasUncertainty):
        return None
    return lambda images: own_scores(source, images)


def own_scores(
    model: HasUncertainty, images: Float[Tensor, "batch 3 height width"]
) -> dict[str, Tensor]:
    """Ask a model for its scores and check them.

    Raises
    ------
    ModelError
        If it returns anything but finite numbers, one per image, under names of letters, digits
        and underscores that are not tonegap's own.
    """
    found: object = model.uncertainty(images)
    if not isinstance(found, Mapping):
        raise unusable(model, _METHOD, type(found).__name__, "a dict of name and tensor")
    return {_column(name): _checked(model, name, found[name], len(images)) for name in found}


def _column(name: object) -> str:
    column = f"u_{name}"
    if not OWN_SCORE.fullmatch(column):
        raise ModelError(
            f"{_METHOD} returned the score {name!r}, whose name cannot become a column; use "
            "lower-case letters, digits and underscores (docs/own-model.md)"
        )
    if column in COLUMNS:
        raise ModelError(
            f"{_METHOD} returned the score {name!r}, but tonegap has one of this name; choose "
            "another name (docs/own-model.md)"
        )
    return column


def _checked(model: object, name: object, values: object, count: int) -> Tensor:
    wanted = f"one finite number per image, ({count},), for {name!r}"
    if not isinstance(values, Tensor):
        raise unusable(model, _METHOD, type(values).__name__, wanted)
    if values.shape != (count,):
        raise unusable(model, _METHOD, f"values of {tuple(values.shape)}", wanted)
    if not values.isfinite().all():
        raise unusable(model, _METHOD, "values that are NaN or infinite", wanted)
    return values
