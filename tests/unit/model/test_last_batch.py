"""A function of a batch is not called twice for the same, unchanged tensor."""

from __future__ import annotations

import torch

from tonegap.model.last_batch import LastBatch


def test_one_call_for_each_batch_until_it_changes():
    """Another tensor, or a write into the same one, is another batch."""
    calls = []
    total = LastBatch(lambda batch: calls.append(1) or float(batch.sum()))
    batch = torch.ones(3)
    assert total(batch) == total(batch) == 3.0
    assert len(calls) == 1
    batch.add_(1.0)
    assert total(batch) == 6.0
    assert total(batch.clone()) == 6.0
    assert len(calls) == 3
