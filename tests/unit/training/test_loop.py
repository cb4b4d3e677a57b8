"""The loop averages what it says, stops on bad losses and goes on from any epoch."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import torch

from tonegap.errors import TrainingError
from tonegap.model.tiny import TinyVAE
from tonegap.training.feed import plan_epoch
from tonegap.training.loop import Snapshot
from tonegap.training.workbench import Workbench


def _weights(run):
    return {name: value.clone() for name, value in run.network.state_dict().items()}


def _equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture
def prepare(data, model_params, train_params, float32):
    """Set a run without features up, on a workbench of its own."""

    def make(**changes):
        train = train_params(perceptual_scale=0.0, **changes)
        return Workbench(float32).prepare(data, model_params, train, None)

    return make


def test_epoch_losses_are_means_over_images(prepare, data):
    """A smaller last batch counts by its images, not as a batch."""
    job, other = prepare(), prepare()
    plan = plan_epoch(data.rows, 0, 0, flip=True)
    spans = [slice(0, 4), slice(4, 8), slice(8, 10)]
    steps = [result.terms.tolist() for result in other.loop.steps(other.run, plan, spans)]
    losses = next(iter(job.loop.epochs(job.run, 1)))
    expected = (np.array(steps) * [[4], [4], [2]]).sum(axis=0) / 10
    found = [losses.mse, losses.kl_nats, losses.perceptual, losses.total]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("done", [1, 2])
def test_a_restored_run_ends_in_the_same_weights(prepare, done):
    """From any epoch on, weights, statistics and moments are equal bit for bit."""
    undisturbed, first, second = prepare(), prepare(), prepare(seed=0)
    for _ in undisturbed.loop.epochs(undisturbed.run, 3):
        pass
    for _ in first.loop.epochs(first.run, done):
        pass
    second.run.restore(first.run.snapshot())
    assert second.run.next_epoch == done
    for _ in second.loop.epochs(second.run, 3):
        pass
    assert _equal(_weights(undisturbed.run), _weights(second.run))
    assert _equal(undisturbed.run.snapshot().tensors, second.run.snapshot().tensors)
    assert undisturbed.run.losses == second.run.losses


def test_another_seed_is_another_run(prepare):
    """Equality of resumed runs is no accident of a constant."""
    jobs = [prepare(seed=seed) for seed in (0, 1)]
    for job in jobs:
        next(iter(job.loop.epochs(job.run, 1)))
    assert not _equal(_weights(jobs[0].run), _weights(jobs[1].run))


def test_a_snapshot_does_not_move_with_the_run(prepare):
    """What is being written to disk cannot change under the writer."""
    job = prepare()
    epochs = job.loop.epochs(job.run, 2)
    next(epochs)
    snapshot = job.run.snapshot()
    before = {name: value.clone() for name, value in snapshot.tensors.items()}
    next(epochs)
    assert _equal(dict(snapshot.tensors), before)


def test_a_bad_loss_names_the_images_of_its_batch(prepare, data):
    """The message names epoch, step and exactly the images of the first bad batch."""
    job = prepare()
    calls = 0

    def break_second_step(images, noise, targets):
        nonlocal calls
        calls += 1
        terms = job.loop.loss(images, noise, targets)
        return terms._replace(total=terms.total * (float("nan") if calls == 2 else 1.0))

    loop = dataclasses.replace(job.loop, loss=break_second_step)
    plan = plan_epoch(data.rows, 0, 0, flip=True)
    names = ", ".join(data.ids[p] for p in plan.positions[4:8])
    with pytest.raises(TrainingError, match=rf"epoch 1, step 2 of 3, whose images are {names};"):
        list(loop.epochs(job.run, 3))
    assert job.run.losses == []


def test_every_image_of_a_bad_batch_is_named(prepare):
    """Any of them may be the cause."""
    job = prepare(batch_size=10)

    def spoil(images, noise, targets):
        terms = job.loop.loss(images, noise, targets)
        return terms._replace(total=terms.total * float("nan"))

    loop = dataclasses.replace(job.loop, loss=spoil)
    with pytest.raises(TrainingError) as caught:
        list(loop.epochs(job.run, 1))
    named = str(caught.value).partition("whose images are ")[2].partition(";")[0].split(", ")
    assert sorted(named) == sorted(job.loop.data.ids)


def test_a_bad_gradient_stops_as_a_bad_loss_does(prepare):
    """A finite loss with an infinite gradient would spoil the weights unseen."""
    job = prepare()

    def spoil(images, noise, targets):
        terms = job.loop.loss(images, noise, targets)
        # The root's slope is infinite at zero, and its value is zero.
        return terms._replace(total=terms.total + (terms.total - terms.total.detach()).sqrt())

    loop = dataclasses.replace(job.loop, loss=spoil)
    with pytest.raises(TrainingError, match="not finite in epoch 1, step 1"):
        list(loop.epochs(job.run, 1))


def test_a_snapshot_of_another_network_is_refused(prepare):
    """Weights are never half restored in silence."""
    job = prepare()
    with pytest.raises(RuntimeError, match="Missing key"):
        job.run.restore(Snapshot({}, {"losses": [], "scaler": {}}))


class _PartlyUsed(TinyVAE):
    """A user's model with a parameter that no loss reaches."""

    def __init__(self):
        super().__init__(width=4, latent_channels=2, halvings=2)
        self.unused = torch.nn.Parameter(torch.ones(3))


def test_a_parameter_without_a_gradient_can_be_restored(prepare, monkeypatch):
    """A user's model need not train all it has; resumed, it ends in the same weights."""
    torch.manual_seed(0)
    model = _PartlyUsed()
    monkeypatch.setattr("tonegap.training.workbench.build_model", lambda *_: copy.deepcopy(model))
    undisturbed, first, second = prepare(), prepare(), prepare()
    for job, epochs in ((undisturbed, 2), (first, 1)):
        list(job.loop.epochs(job.run, epochs))
    second.run.restore(first.run.snapshot())
    list(second.loop.epochs(second.run, 2))
    assert _equal(_weights(undisturbed.run), _weights(second.run))


def test_progress_is_told_after_each_step(prepare):
    """A progress bar sees every step of the epoch."""
    seen = []
    job = prepare()
    next(iter(job.loop.epochs(job.run, 1, lambda step, steps: seen.append((step, steps)))))
    assert seen == [(1, 3), (2, 3), (3, 3)]


class _DroppingOut(TinyVAE):
    """A user's model that draws random numbers by itself."""

    def encode(self, images):
        mu, log_var = super().encode(torch.nn.functional.dropout(images, 0.5, self.training))
        return mu, log_var


def test_a_model_that_draws_by_itself_can_be_restored(prepare, monkeypatch):
    """Dropout falls the same way in a resumed run, and no global generator moves."""
    torch.manual_seed(0)
    model = _DroppingOut(width=4, latent_channels=2, halvings=2)
    monkeypatch.setattr("tonegap.training.workbench.build_model", lambda *_: copy.deepcopy(model))
    undisturbed, first, second, plain = prepare(), prepare(), prepare(), prepare()
    before = torch.get_rng_state()
    list(undisturbed.loop.epochs(undisturbed.run, 2))
    list(first.loop.epochs(first.run, 1))
    assert torch.equal(before, torch.get_rng_state())
    torch.rand(5)  # another process has drawn other numbers by then
    second.run.restore(first.run.snapshot())
    list(second.loop.epochs(second.run, 2))
    assert _equal(_weights(undisturbed.run), _weights(second.run))
    monkeypatch.setattr(torch.nn.functional, "dropout", lambda x, *_: x)
    list(plain.loop.epochs(plain.run, 2))
    assert not _equal(_weights(undisturbed.run), _weights(plain.run))  # it did drop out


def test_an_overflowing_kl_term_is_named(prepare):
    """Where the KL term alone is infinite, rate and precision are not the first advice."""
    job = prepare()

    def spoil(images, noise, targets):
        terms = job.loop.loss(images, noise, targets)
        much = terms.kl_nats * float("inf")
        return terms._replace(kl_nats=much, total=terms.total + much)

    loop = dataclasses.replace(job.loop, loss=spoil)
    with pytest.raises(TrainingError, match=r"the KL term overflows.*bound log_var"):
        list(loop.epochs(job.run, 1))
