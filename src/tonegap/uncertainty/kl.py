"""KL: how far the posterior of an image lies from the prior, in nats.

It comes from the same encoder pass as sigma. Sigma falls where an image is unlike the training
images; the posterior's mean then lies far out, and KL rises.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from tonegap.model.protocol import HasPosterior
from tonegap.uncertainty.posterior import posterior_of, rows_of
from tonegap.uncertainty.setting import Scorer, Setting


def fit(setting: Setting) -> Scorer | None:
    """Return the score; None if the model has no posterior."""
    model = setting.model
    if not isinstance(model, HasPosterior):
        return None
    return lambda images: {"u_kl": kl_nats(*posterior_of(model, images))}


def kl_nats(
    mu: Float[Tensor, "batch ..."], log_var: Float[Tensor, "batch ..."]
) -> Float[Tensor, " batch"]:
    """Return KL(q(z|x) || N(0, I)) per image, nats; zero if the posterior is the prior."""
    return 0.5 * rows_of(mu.square() + log_var.exp() - 1.0 - log_var).sum(dim=1)
