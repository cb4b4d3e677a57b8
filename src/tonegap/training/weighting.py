"""Weights of the groups in the loss: equal, or shifted towards the group of larger loss.

The weighted loss of a batch is

    sum_g q_g L_g,    L_g = N / n_g * (sum of the losses of the batch's images of group g) / batch,

with n_g of the N training draws in group g. L_g is an unbiased estimate of the mean loss of group
g, also from a batch that holds few images of it or none. So a group counts by q_g, whatever its
share of the training draw.

``equal``: q_g is 1 / groups. ``dro``: GroupDRO (Sagawa, Koh, Hashimoto and Liang 2020, algorithm 1)
minimises the loss of the worst group. Every step first updates

    q_g <- q_g exp(step * L_g) / sum of the same over the groups,

then uses the new q. The paper draws the group of each step with equal probability. Weighting by
N / n_g has the same expectation, and leaves the training draw and the order of batches as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tonegap.model.objective import Terms
from tonegap.training.feed import EpochPlan

GroupWeight = Literal["none", "equal", "dro"]
Reduce = Callable[[Terms], Terms]


class GroupWeighting:
    """Weighs groups, and keeps the weights from one step to the next.

    Parameters
    ----------
    groups
        Group of each training draw; at least two groups.
    step
        Step size of the exponentiated gradient, at least 0; 0 keeps the weights equal.
    device, dtype
        Of the losses.

    Attributes
    ----------
    log_q : Float[Tensor, "groups"]
        Logarithm of each group's weight, in the order of ``names``. The weights sum to 1.
    """

    def __init__(
        self, groups: Sequence[str], step: float, device: torch.device, dtype: torch.dtype
    ) -> None:
        names, codes, counts = np.unique(
            np.asarray(groups, dtype=str), return_inverse=True, return_counts=True
        )
        self.names: list[str] = names.tolist()
        self.log_q = torch.full((len(names),), -float(np.log(len(names))), dtype=dtype).to(device)
        self._step = step
        # Row g holds N / n_g at the draws of group g, and 0 elsewhere.
        shares = (codes == np.arange(len(names))[:, None]) * (len(codes) / counts)[:, None]
        self._shares = torch.from_numpy(shares).to(dtype).to(device)

    def epoch(self, plan: EpochPlan) -> Callable[[slice], Reduce]:
        """Return the function that maps the epoch's batches to the reduction of their terms."""
        order = torch.from_numpy(plan.positions).to(self._shares.device)
        shares = self._shares.index_select(1, order)
        return lambda span: lambda terms: self._reduce(terms, shares[:, span])

    def weights(self) -> dict[str, float]:
        """Return the weight q of each group; waits for the device."""
        return dict(zip(self.names, self.log_q.exp().tolist(), strict=True))

    def _reduce(self, terms: Terms, shares: Float[Tensor, "groups batch"]) -> Terms:
        """Average the terms of a batch's images; weigh the total, after updating the weights."""
        # Sums of products, not a matrix product: the same result with any number of threads.
        losses = (shares * terms.total).mean(dim=1)
        if self._step:
            raised = self.log_q + self._step * losses.detach()
            self.log_q = raised - raised.logsumexp(dim=0)
        total = (self.log_q.exp() * losses).sum()
        return Terms(terms.mse.mean(), terms.kl_nats.mean(), terms.perceptual.mean(), total)


def make_weighting(
    choice: GroupWeight,
    dro_step: float,
    groups: Sequence[str],
    device: torch.device,
    dtype: torch.dtype,
) -> GroupWeighting | None:
    """Return the weighting of a run; None if nothing is weighted.

    A training draw from one group has nothing to weigh: it trains as without weights, bit for bit.
    """
    if choice == "none" or len(set(groups)) < 2:  # noqa: PLR2004 - a pair is the least
        return None
    return GroupWeighting(groups, dro_step if choice == "dro" else 0.0, device, dtype)


def from_snapshot(weighting: GroupWeighting | None, tensors: Mapping[str, Tensor]) -> None:
    """Restore the weights that :func:`in_snapshot` gave."""
    if weighting is not None:
        weighting.log_q = tensors["weighting.log_q"].to(weighting.log_q)


def in_snapshot(weighting: GroupWeighting | None) -> dict[str, Tensor]:
    """Return the state that a resumed run needs, by name."""
    return {} if weighting is None else {"weighting.log_q": weighting.log_q}
