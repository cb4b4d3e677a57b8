"""Distance to the nearest training images in the latent space."""

from __future__ import annotations

import torch

from tonegap.model.protocol import HasPosterior
from tonegap.uncertainty.neighbours import mean_distance, one_row_per_draw
from tonegap.uncertainty.posterior import posterior_of, rows_of
from tonegap.uncertainty.setting import Scorer, Setting


def fit(setting: Setting) -> Scorer | None:
    """Encode the training images; None if the model has no posterior.

    The score is the mean distance of an image's posterior mean to the five nearest ones of the
    training draw; an image that was drawn twice is two neighbours.
    """
    model = setting.model
    if not isinstance(model, HasPosterior):
        return None
    means = [
        one_row_per_draw(rows_of(posterior_of(model, images).mu), times)
        for images, times in setting.batches()
    ]
    training = torch.cat(means)
    return lambda images: {
        "u_latent_knn": mean_distance(rows_of(posterior_of(model, images).mu), training)
    }
