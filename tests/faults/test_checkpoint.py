"""A checkpoint is whole or passed over; what was kept before is never lost."""

from __future__ import annotations

import errno
import os
import shutil

import pytest
import safetensors.torch
import torch

from tonegap.errors import TrainingError
from tonegap.files.checkpoint import Checkpoint, CheckpointStore, CheckpointWriter, run_key


def _checkpoint(epochs):
    tensors = {
        "weight": torch.full((3, 2), float(epochs)),
        "count": torch.tensor(epochs, dtype=torch.int64),
        "half": torch.arange(4, dtype=torch.bfloat16),
    }
    return Checkpoint(epochs, tensors, {"losses": [0.1 + 0.2], "epochs": epochs})


@pytest.fixture
def store(tmp_path):
    return CheckpointStore(tmp_path / "run")


def _names(store):
    return sorted(path.name for path in store.folder.iterdir())


def test_what_is_saved_is_read_back(store):
    """Tensors of every kind and facts return unchanged, bit for bit."""
    store.save(_checkpoint(3))
    opened = store.open_newest()
    assert opened.warnings == ()
    assert opened.checkpoint.epochs == 3
    assert opened.checkpoint.facts == {"losses": [0.1 + 0.2], "epochs": 3}
    for name, value in _checkpoint(3).tensors.items():
        assert opened.checkpoint.tensors[name].dtype == value.dtype
        assert torch.equal(opened.checkpoint.tensors[name], value)


def test_without_checkpoints_a_run_starts_afresh(store):
    """A missing folder is no error."""
    assert store.open_newest().checkpoint is None


def test_the_last_two_are_kept_until_the_run_is_done(store):
    """Disk use is bounded, and a finished run leaves nothing."""
    for epochs in (1, 2, 9, 10):
        store.save(_checkpoint(epochs))
    assert _names(store) == ["epoch-000009.safetensors", "epoch-000010.safetensors"]
    store.clear()
    assert not store.folder.exists()


def _flip_a_bit_of_the_data(path):
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def _flip_a_bit_of_the_facts(path):
    content = path.read_bytes()
    assert content.count(b"0.30000000000000004") == 1
    path.write_bytes(content.replace(b"0.30000000000000004", b"0.30000000000000005"))


def _cut(path):
    os.truncate(path, path.stat().st_size // 2)


def _replace_by_another_file(path):
    safetensors.torch.save_file({"weight": torch.zeros(1)}, path)


@pytest.mark.parametrize(
    "damage",
    [
        _flip_a_bit_of_the_data,
        _flip_a_bit_of_the_facts,
        _cut,
        lambda path: path.write_bytes(b""),
        _replace_by_another_file,
    ],
    ids=["data", "facts", "cut", "empty", "foreign"],
)
def test_a_damaged_checkpoint_is_passed_over(store, damage):
    """The one before it is used, one line says so, and no file is removed."""
    for epochs in (4, 5):
        store.save(_checkpoint(epochs))
    damage(store.folder / "epoch-000005.safetensors")
    opened = store.open_newest()
    assert opened.checkpoint.epochs == 4
    assert len(opened.warnings) == 1
    assert "epoch-000005" in opened.warnings[0]
    assert "\n" not in opened.warnings[0]
    assert len(_names(store)) == 2


def test_a_checkpoint_of_another_run_is_passed_over(store, tmp_path):
    """Copied there by hand it may fit, and would give the weights of other parameters."""
    other = CheckpointStore(tmp_path / "other")
    other.save(_checkpoint(7))
    store.save(_checkpoint(3))
    shutil.copy(other.folder / "epoch-000007.safetensors", store.folder)
    opened = store.open_newest()
    assert opened.checkpoint.epochs == 3
    assert "written by the run other" in opened.warnings[0]


def test_when_all_are_damaged_the_run_starts_afresh(store):
    """Nothing that cannot be trusted is used."""
    for epochs in (4, 5):
        store.save(_checkpoint(epochs))
        _cut(store.folder / f"epoch-{epochs:06d}.safetensors")
    opened = store.open_newest()
    assert opened.checkpoint is None
    assert len(opened.warnings) == 2


def test_a_run_that_starts_afresh_keeps_its_own(store):
    """Damaged ones of later epochs do not push the new ones out: a second kill costs one epoch."""
    for epochs in (8, 9):
        store.save(_checkpoint(epochs))
        _cut(store.folder / f"epoch-{epochs:06d}.safetensors")
    assert store.open_newest().checkpoint is None
    for epochs in (1, 2):
        store.save(_checkpoint(epochs))
        assert store.open_newest().checkpoint.epochs == epochs
    assert _names(store) == ["epoch-000001.safetensors", "epoch-000002.safetensors"]


def test_a_folder_in_a_checkpoints_place_stops_nothing(store):
    """A checkpoint that cannot be read or removed is skipped and left alone."""
    (store.folder / "epoch-000009.safetensors").mkdir(parents=True)
    assert len(store.open_newest().warnings) == 1
    store.save(_checkpoint(1))
    assert store.open_newest().checkpoint.epochs == 1


def _fail_half_way(tensors, path, metadata):
    path.write_bytes(b"half")
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_earlier_checkpoints(store, monkeypatch):
    """The message names the cause and what to do; no temporary file stays behind."""
    store.save(_checkpoint(1))
    with monkeypatch.context() as patch:
        patch.setattr(safetensors.torch, "save_file", _fail_half_way)
        with pytest.raises(
            TrainingError, match=r"epoch 2 .*No space left.*TONEGAP_CACHE"
        ) as caught:
            store.save(_checkpoint(2))
    assert "\n" not in str(caught.value)
    assert _names(store) == ["epoch-000001.safetensors"]
    store.save(_checkpoint(2))
    assert store.open_newest().checkpoint.epochs == 2


def test_too_little_space_is_seen_beforehand(store, monkeypatch):
    """Nothing is written where it would not fit."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: _Usage)
    with pytest.raises(TrainingError, match="a checkpoint needs 1 MB"):
        store.save(_checkpoint(1))


class _Usage:
    free = 10


def test_temporary_files_of_killed_processes_go(store):
    """An old one is removed on opening; a fresh one may belong to a living process."""
    store.save(_checkpoint(1))
    old, fresh = (store.folder / f".epoch.{name}.tmp.safetensors" for name in ("old", "fresh"))
    for path in (old, fresh):
        path.write_bytes(b"x")
    os.utime(old, (0, 0))
    store.open_newest()
    assert (old.exists(), fresh.exists()) == (False, True)


def test_a_failed_write_stops_the_run(store, monkeypatch):
    """The background's error reaches the training at the latest when it ends."""
    monkeypatch.setattr(safetensors.torch, "save_file", _fail_half_way)
    with pytest.raises(TrainingError, match="No space left"), CheckpointWriter(store) as writer:
        writer.offer(lambda: _checkpoint(1))


def test_a_failed_write_does_not_hide_an_earlier_error(store, monkeypatch):
    """What stopped the training first is what the user reads."""
    monkeypatch.setattr(safetensors.torch, "save_file", _fail_half_way)
    writer = CheckpointWriter(store)
    writer.offer(lambda: _checkpoint(1))
    writer.__exit__(ZeroDivisionError, ZeroDivisionError(), None)  # raises nothing of its own
    assert _names(store) == []


def test_copying_takes_at_most_a_twentieth_of_the_time(store):
    """Where an epoch is shorter than its copy, epochs are left out."""
    now = 0.0
    taken = []

    def take():
        nonlocal now
        now += 1.0  # copying takes a second
        taken.append(now)
        return _checkpoint(len(taken))

    with CheckpointWriter(store, clock=lambda: now) as writer:
        for _ in range(100):
            now += 1.0  # and so does an epoch
            writer.offer(take)
            if writer._writing is not None:
                writer._writing.result()
    assert len(taken) == 6  # at once, then every twenty seconds of 106


def test_keys_tell_runs_apart():
    """Any fact changes the key, and the order of facts does not."""
    assert run_key({"a": 1, "b": [2.5]}) == run_key({"b": [2.5], "a": 1})
    assert run_key({"a": 1, "b": [2.5]}) != run_key({"a": 1, "b": [2.0]})
