"""The feed gives every draw once an epoch, the same way however images are stored."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
import torch

from tonegap.errors import TrainingError
from tonegap.training.feed import (
    HeldFeed,
    StreamedFeed,
    batch_spans,
    make_feed,
    mirror_and_scale,
    plan_epoch,
)

CPU = torch.device("cpu")


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), dtype=np.uint8)


def test_plan_is_a_permutation_of_the_draw():
    """An epoch uses every draw once and can name it."""
    rows = np.array([5, 5, 2, 0, 7, 2])
    plan = plan_epoch(rows, epoch=3, seed=1, flip=True)
    assert sorted(plan.positions) == list(range(6))
    assert np.array_equal(plan.rows, rows[plan.positions])


def test_plan_depends_on_seed_and_epoch_alone():
    """The order can be had again for any epoch, and differs between epochs and seeds."""
    rows = np.arange(50)
    again = [plan_epoch(rows, epoch, seed, flip=True) for epoch, seed in ((2, 0), (2, 0))]
    assert np.array_equal(again[0].rows, again[1].rows)
    assert np.array_equal(again[0].flips, again[1].flips)
    for epoch, seed in ((3, 0), (2, 1)):
        other = plan_epoch(rows, epoch, seed, flip=True)
        assert not np.array_equal(again[0].rows, other.rows)
        assert not np.array_equal(again[0].flips, other.flips)


def test_half_of_the_images_are_mirrored():
    """Flips are fair coins, and none falls when flipping is off."""
    rows = np.arange(10_000)
    # Five standard deviations of a binomial count are 250.
    assert abs(plan_epoch(rows, 0, 0, flip=True).flips.sum() - 5_000) < 250
    assert not plan_epoch(rows, 0, 0, flip=False).flips.any()


@pytest.mark.parametrize(
    ("draws", "expected"), [(8, [4, 4]), (10, [4, 4, 2]), (9, [4, 4]), (3, [3])]
)
def test_last_partial_batch_is_used_unless_it_is_one_image(draws, expected):
    """Nothing but a single last image is left out."""
    assert [span.stop - span.start for span in batch_spans(draws, 4)] == expected


def test_one_draw_cannot_be_trained_on():
    """The message says which parameter to raise."""
    with pytest.raises(TrainingError, match=r"1 image.*data\.n_train"):
        batch_spans(1, 4)


def test_pixels_map_to_the_model_range(images):
    """0 becomes -1, 255 becomes 1, and a flip mirrors left to right only."""
    pixels = torch.from_numpy(images[:2])
    out = mirror_and_scale(pixels, torch.tensor([False, True])).numpy()
    expected = images[:2].transpose(0, 3, 1, 2) / 127.5 - 1.0
    np.testing.assert_allclose(out[0], expected[0], atol=1e-6)
    np.testing.assert_allclose(out[1], expected[1][:, :, ::-1], atol=1e-6)


def test_batches_are_channels_last(images):
    """The layout that fast convolutions want costs no copy."""
    out = mirror_and_scale(torch.from_numpy(images), torch.zeros(9, dtype=torch.bool))
    assert out.is_contiguous(memory_format=torch.channels_last)


def test_streamed_and_held_images_give_the_same_batches(images):
    """Where images are kept does not change a bit of a batch."""
    plan = plan_epoch(np.array([1, 8, 3, 3, 0, 5, 6, 2, 4, 7, 1]), 1, 7, flip=True)
    spans = batch_spans(11, 3)
    held = list(HeldFeed(torch.from_numpy(images)).batches(plan, spans))
    streamed = list(StreamedFeed(images, CPU).batches(plan, spans))
    assert [batch.span for batch in held] == [batch.span for batch in streamed] == spans
    assert all(torch.equal(a.images, b.images) for a, b in zip(held, streamed, strict=True))


def test_streaming_stops_when_the_epoch_is_given_up(images):
    """Leaving an epoch early leaves no thread that reads on."""
    plan = plan_epoch(np.arange(9), 0, 0, flip=False)
    batches = StreamedFeed(images, CPU).batches(plan, batch_spans(9, 2))
    next(batches)
    batches.close()
    with pytest.raises(StopIteration):
        next(batches)


def test_images_are_held_where_they_fit(images):
    """The memory bound decides, to the byte."""
    assert isinstance(make_feed(images, CPU, images.nbytes), HeldFeed)
    assert isinstance(make_feed(images, CPU, images.nbytes - 1), StreamedFeed)


def test_a_read_only_map_can_be_held(images, tmp_path):
    """Holding copies: the pipeline's file is never written to."""
    np.save(tmp_path / "images.npy", images)
    packed = np.load(tmp_path / "images.npy", mmap_mode="r")
    plan = plan_epoch(np.arange(9), 0, 0, flip=True)
    batch = next(iter(make_feed(packed, CPU, 10**6).batches(plan, [slice(0, 9)])))
    assert batch.images.shape == (9, 3, 8, 8)


@pytest.mark.gpu
def test_streaming_to_a_gpu_gives_the_same_batches(images):
    """Pinned, overlapped copies arrive whole."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    plan, spans = plan_epoch(np.tile(np.arange(9), 20), 0, 0, flip=True), batch_spans(180, 4)
    streamed = StreamedFeed(images, torch.device("cuda")).batches(plan, spans)
    held = HeldFeed(torch.from_numpy(images).cuda()).batches(plan, spans)
    assert all(torch.equal(a.images, b.images) for a, b in zip(held, streamed, strict=True))


class _FakeGpu:
    """What streaming asks of CUDA, written down in order."""

    def __init__(self, monkeypatch):
        self.log = []
        self.copies = 0
        monkeypatch.setattr(torch.cuda, "stream", lambda stream: contextlib.nullcontext())
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device: self)
        monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)
        monkeypatch.setattr(
            torch.Tensor, "record_stream", lambda tensor, stream: self.log.append("in use")
        )

    def record_event(self):
        self.copies += 1
        return self.copies

    def wait_event(self, event):
        self.log.append(event)


def test_a_step_waits_for_its_own_copy_alone(images, monkeypatch):
    """Copies of the following batches, queued already, overlap with the step; memory is kept."""
    gpu = _FakeGpu(monkeypatch)
    feed = StreamedFeed(images, CPU)
    feed._stream = gpu
    plan = plan_epoch(np.arange(9), 0, 0, flip=True)
    batches = list(feed.batches(plan, batch_spans(9, 3)))
    assert gpu.log == [1, "in use", "in use", 2, "in use", "in use", 3, "in use", "in use"]
    held = list(HeldFeed(torch.from_numpy(images)).batches(plan, batch_spans(9, 3)))
    assert all(torch.equal(a.images, b.images) for a, b in zip(batches, held, strict=True))
