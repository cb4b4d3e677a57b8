"""Describe a model in words: its size, its latent and the cost of a training step."""

from __future__ import annotations

from tonegap.model.factory import build_model
from tonegap.model.objective import effective_beta
from tonegap.model.perceptual import feature_network
from tonegap.model.protocol import latent_shape
from tonegap.params import Params
from tonegap.profiling.cost import parameter_count, step_cost

_SEED = 0  # shapes and counts do not depend on it
_MAP_AXES = 3


def describe_model(params: Params) -> list[str]:
    """Describe the model that the parameters build, one fact per line.

    Nothing is trained and no weights are needed: costs are counted on shapes.

    Raises
    ------
    ModelError
        If the model cannot be built.
    """
    train, size = params.train, params.data.image_size
    network = build_model(params.model, size, _SEED)
    shape = latent_shape(network, size)
    features = (
        feature_network(train.perceptual_network, train.perceptual_taps)
        if train.perceptual_scale > 0
        else None
    )
    cost = step_cost(network, size, features)
    beta = effective_beta(size, shape, train.kl_reduction, train.beta)
    return [
        f"factory             {params.model.factory}",
        f"parameters          {parameter_count(network):,}",
        f"image               {size} x {size} RGB",
        f"latent              {_sides(shape)}",
        f"forward             {cost.forward_gflop:.1f} GFLOP per image",
        f"training step       {cost.total_gflop:.1f} GFLOP per image",
        f"  of the model      {cost.model_gflop:.1f}",
        f"  image's features  {cost.target_features_gflop:.1f}",
        f"  reconstruction's  {cost.features_gflop:.1f}",
        f"perceptual network  {train.perceptual_network if features else 'none'}",
        f"effective beta      {beta:g} against Eq. 1 with unit variance",
    ]


def _sides(latent: tuple[int, ...]) -> str:
    if not latent:
        return "1 number per image"
    named = " (channels x height x width)" if len(latent) == _MAP_AXES else ""
    return "x".join(map(str, latent)) + named
