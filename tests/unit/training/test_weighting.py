"""Weights of groups, against a loop over images and the definition of GroupDRO."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter

import numpy as np
import pytest
import torch

from tonegap.model.objective import Objective, Terms
from tonegap.training.feed import EpochPlan, batch_spans, plan_epoch
from tonegap.training.weighting import GroupWeighting, make_weighting
from tonegap.training.workbench import Workbench

CPU = torch.device("cpu")
GROUPS = ["light", "dark", "light", "medium", "light", "light", "medium", "light"]
LOSSES = np.array([0.5, 2.0, 0.1, 0.7, 0.9, 0.3, 1.1, 0.2])


def _plan(positions):
    positions = np.asarray(positions)
    return EpochPlan(0, positions, np.zeros(len(positions), bool), positions)


def _terms(losses):
    total = torch.tensor(losses, dtype=torch.float64, requires_grad=True)
    return Terms(total.detach() / 2, total.detach() / 4, total.detach() / 8, total)


def _group_losses(positions):
    """Estimate each group's mean loss from a batch, image by image."""
    counts = Counter(GROUPS)
    losses = dict.fromkeys(sorted(counts), 0.0)
    for position in positions:
        losses[GROUPS[position]] += (
            len(GROUPS) / counts[GROUPS[position]] * LOSSES[position] / len(positions)
        )
    return losses


def _weighting(step, groups=GROUPS):
    return GroupWeighting(groups, step, CPU, torch.float64)


def test_equal_weights_by_hand():
    """Three light images and one dark: the dark one weighs as much as the light ones together."""
    weighting = _weighting(0.0, ["light", "light", "dark", "light"])
    reduce = weighting.epoch(_plan([0, 1, 2, 3]))(slice(0, 4))
    terms = _terms([1.0, 2.0, 10.0, 6.0])
    reduced = reduce(terms)
    assert reduced.total.item() == pytest.approx((10.0 + (1.0 + 2.0 + 6.0) / 3) / 2)
    (gradient,) = torch.autograd.grad(reduced.total, terms.total)
    np.testing.assert_allclose(gradient, [1 / 6, 1 / 6, 1 / 2, 1 / 6])
    assert [reduced.mse.item(), reduced.kl_nats.item()] == [19 / 8, 19 / 16]  # unweighted means
    assert weighting.weights() == pytest.approx({"dark": 0.5, "light": 0.5})


def test_dro_by_hand():
    """The weights move before they are used: exp(L) over its sum, at step 1."""
    weighting = _weighting(1.0, ["light", "dark"])
    total = weighting.epoch(_plan([0, 1]))(slice(0, 2))(_terms([1.0, 3.0])).total.item()
    dark = math.exp(3.0) / (math.exp(1.0) + math.exp(3.0))
    assert weighting.weights() == pytest.approx({"dark": dark, "light": 1 - dark})
    assert total == pytest.approx(3.0 * dark + 1.0 * (1 - dark))


@pytest.mark.parametrize("step", [0.0, 0.01, 3.0])
def test_every_step_follows_algorithm_1(step):
    """Three groups over batches that lack some: totals, gradients and weights by brute force."""
    order = [3, 0, 2, 1, 6, 7, 5, 4]
    weighting, q = _weighting(step), dict.fromkeys(sorted(set(GROUPS)), 1 / 3)
    reduction_of = weighting.epoch(_plan(order))
    for span in (slice(0, 3), slice(3, 6), slice(6, 8)):
        batch = order[span]
        losses = _group_losses(batch)
        raised = {name: q[name] * math.exp(step * losses[name]) for name in q}
        q = {name: value / sum(raised.values()) for name, value in raised.items()}
        terms = _terms(LOSSES[batch])
        total = reduction_of(span)(terms).total
        (gradient,) = torch.autograd.grad(total, terms.total)
        assert total.item() == pytest.approx(sum(q[name] * losses[name] for name in q))
        counts = Counter(GROUPS)
        expected = [q[GROUPS[p]] * 8 / counts[GROUPS[p]] / len(batch) for p in batch]
        np.testing.assert_allclose(gradient, expected)
        assert weighting.weights() == pytest.approx(q)


def test_the_weights_of_an_epoch_are_those_of_the_groups():
    """Summed over equal batches, every group counts alike, however the draw falls into batches."""
    weighting = _weighting(0.0)
    plan = plan_epoch(np.arange(8), 0, 5, flip=False)
    sums = dict.fromkeys(set(GROUPS), 0.0)
    reduction_of = weighting.epoch(plan)
    for span in batch_spans(8, 2):
        terms = _terms([1.0, 1.0])
        (gradient,) = torch.autograd.grad(reduction_of(span)(terms).total, terms.total)
        for position, weight in zip(plan.positions[span], gradient.tolist(), strict=True):
            sums[GROUPS[position]] += weight
    assert sums == pytest.approx(dict.fromkeys(sums, 4 / 3))  # four batches, three groups


def test_huge_losses_leave_finite_weights():
    """Unscaled perceptual features give losses of thousands."""
    weighting = _weighting(1.0, ["light", "dark"])
    reduce = weighting.epoch(_plan([0, 1]))(slice(0, 2))
    total = reduce(_terms([1e5, 2e5])).total
    assert total.item() == pytest.approx(2e5)
    assert weighting.weights() == pytest.approx({"dark": 1.0, "light": 0.0})


def test_nothing_is_weighted_without_choice_or_second_group():
    """`none`, or a draw from one group, trains by the plain path."""
    assert make_weighting("none", 0.01, ["light", "dark"], CPU, torch.float64) is None
    assert make_weighting("dro", 0.01, ["light", "light"], CPU, torch.float64) is None
    assert make_weighting("equal", 0.01, [], CPU, torch.float64) is None


def test_terms_of_images_average_to_the_terms_of_the_batch():
    """The weighted and the plain loss are the same function where all weights are one."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    batch = [normal(4, 3, 8, 8), normal(4, 3, 8, 8), normal(4, 2, 3, 3), normal(4, 2, 3, 3)]
    maps = {name: [normal(4, 5, 4, 4), normal(4, 7, 2, 2)] for name in ("features", "targets")}
    given = {"features": maps["features"], "target_features": maps["targets"]}
    for reduction, scales in (("mean", ()), ("sum", (0.5, 3.0))):
        objective = Objective(0.7, reduction, 0.3, scales)
        of_images = objective.image_terms(*batch, **given)
        assert all(term.shape == (4,) for term in of_images)
        for term, images in zip(objective.terms(*batch, **given), of_images, strict=True):
            torch.testing.assert_close(term, images.mean())
        alone = objective.terms(
            *(part[1:2] for part in batch),
            **{name: [tap[1:2] for tap in taps] for name, taps in given.items()},
        )
        for term, images in zip(alone, of_images, strict=True):
            torch.testing.assert_close(term, images[1])


@pytest.fixture
def end(data, model_params, train_params, features, float32):
    """Train; give the weights at the end and the losses of all epochs."""

    def run(groups, **changes):
        job = Workbench(float32).prepare(
            dataclasses.replace(data, groups=groups),
            model_params,
            train_params(epochs=2, batch_size=5, **changes),
            features,
        )
        losses = list(job.loop.epochs(job.run, 2))
        return job.run.network.state_dict(), losses

    return run


def _equal(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


PAIR = ["light"] * 7 + ["dark"] * 3


def test_one_group_trains_as_without_weights(end):
    """Bit for bit: arms of a study differ only where there is something to weigh."""
    plain = end(PAIR)
    assert _equal(plain[0], end(["light"] * 10, group_weight="dro")[0])
    assert plain[1] == end(["light"] * 10, group_weight="equal")[1]


def test_groups_of_one_size_weigh_as_images_do(end):
    """Equal weights of equal groups are no weights, up to rounding of the sums."""
    balanced = ["light", "dark"] * 5
    plain, weighted = (end(balanced, group_weight=choice)[1] for choice in ("none", "equal"))
    assert weighted[0].total == pytest.approx(plain[0].total, rel=1e-4)


def test_weights_change_what_is_learned(end):
    """Weighted runs end elsewhere, and `dro` elsewhere than `equal`."""
    plain, equal, dro = (
        end(PAIR, group_weight=choice, dro_step=1.0) for choice in ("none", "equal", "dro")
    )
    assert not _equal(plain[0], equal[0])
    assert not _equal(equal[0], dro[0])
    assert equal[1][-1].weights == pytest.approx({"dark": 0.5, "light": 0.5})
    assert dro[1][-1].weights["dark"] != pytest.approx(0.5, abs=1e-4)
    assert sum(dro[1][-1].weights.values()) == pytest.approx(1.0)
