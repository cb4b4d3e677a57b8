"""A training that was interrupted, in whatever way, ends in the weights of an undisturbed one."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from concurrent.futures import wait
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.torch

from tonegap.errors import DataError, TrainingError
from tonegap.files.checkpoint import CheckpointWriter
from tonegap.files.parameters import read_params
from tonegap.stages import train as stage

SIZE, EPOCHS = 16, 4


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Give a folder with packed images and a split, and a cache of its own."""
    monkeypatch.setenv("TONEGAP_CACHE", str(tmp_path / "cache"))
    generator = np.random.default_rng(0)
    ids = [f"{place:032x}" for place in range(12)]
    images = generator.integers(0, 256, (12, SIZE, SIZE, 3), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)
    pd.DataFrame({"row": range(12), "md5hash": ids}).to_csv(tmp_path / "images.csv", index=False)
    draws = pd.DataFrame(
        {
            "role": ["test"] * 2 + ["train"] * 10,
            "group": ["light", "dark"] + ["light"] * 7 + ["dark"] * 3,
            "draw": [0, 1, *range(10)],
            "md5hash": [ids[0], ids[1], *(ids[place] for place in generator.integers(2, 12, 10))],
        }
    )
    draws.to_csv(tmp_path / "split.csv", index=False)
    return tmp_path


@pytest.fixture
def train(folder, repository):
    """Run the stage; keyword arguments change train's parameters."""
    params = read_params(repository / "params.yaml")
    sizes = {"base_width": 4, "block_widths": (1, 2), "latent_channels": 2}

    def run(out, **changes):
        small = {"epochs": EPOCHS, "batch_size": 4, "perceptual_scale": 0.0}
        return stage.run(
            model=params.model.model_copy(update=sizes),
            train=params.train.model_copy(update=small | changes),
            data_seed=0,
            image_size=SIZE,
            images=folder / "images.npy",
            image_rows=folder / "images.csv",
            split=folder / "split.csv",
            weights_out=folder / out / "vae.safetensors",
            metrics=folder / out / "metrics",
        )

    return run


def _results(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _checkpoints(folder):
    return sorted((folder / "cache").rglob("epoch-*.safetensors"))


class _Stop(BaseException):
    """Stands for an interrupt: no handler of errors catches it."""


def _stop_after(monkeypatch, epochs):
    """Let the stage stop after an epoch, before its checkpoint is written."""
    real = stage.open_log

    def opened(folder):
        log = real(folder)
        add = log.add

        def add_and_stop(losses):
            add(losses)
            if losses.epoch + 1 == epochs:
                raise _Stop

        log.add = add_and_stop
        return log

    monkeypatch.setattr(stage, "open_log", opened)


def _interrupt(train, monkeypatch, epochs):
    with monkeypatch.context() as patch:
        _stop_after(patch, epochs)
        with pytest.raises(_Stop):
            train("interrupted")


@pytest.mark.parametrize(
    ("epochs", "changes"),
    [(1, {}), (3, {}), (3, {"group_weight": "dro", "dro_step": 1.0})],
    ids=["first", "third", "with weights of groups"],
)
def test_an_interrupted_run_goes_on(train, folder, monkeypatch, epochs, changes):
    """Weights and log are equal, byte for byte, and no checkpoint is left."""
    train = partial(train, **changes)
    train("undisturbed")
    _interrupt(train, monkeypatch, epochs)
    assert bool(_checkpoints(folder)) == (epochs > 1)
    train("interrupted")
    assert _results(folder / "interrupted") == _results(folder / "undisturbed")
    assert not _checkpoints(folder)


@pytest.fixture(autouse=True)
def every_epoch_is_kept(monkeypatch):
    """Leave no checkpoint out to save time: these runs are quicker than writing one."""
    offer = CheckpointWriter.offer

    def patient(self, take):
        if self._writing is not None:
            wait([self._writing])
        offer(self, take)

    monkeypatch.setattr(CheckpointWriter, "offer", patient)
    monkeypatch.setattr("tonegap.files.checkpoint._SHARE_OF_TIME", 1e9)


def test_it_says_that_it_goes_on(train, monkeypatch, capsys):
    """The user sees that earlier work is used."""
    _interrupt(train, monkeypatch, 3)
    train("interrupted")
    assert "resuming after epoch 2" in capsys.readouterr().err


def test_a_damaged_checkpoint_costs_time_only(train, folder, monkeypatch, capsys):
    """With the newest damaged, the one before it is used; the result is the same."""
    train("undisturbed")
    _interrupt(train, monkeypatch, 4)
    newest = _checkpoints(folder)[-1]
    newest.write_bytes(newest.read_bytes()[:-1])
    train("interrupted")
    said = capsys.readouterr().err
    assert "damaged" in said
    assert "resuming after epoch 2" in said
    assert _results(folder / "interrupted") == _results(folder / "undisturbed")


def test_a_full_disk_costs_time_only(train, folder, monkeypatch):
    """The run stops with one clear line; after space is freed, a rerun finishes."""
    train("undisturbed")
    real, calls = safetensors.torch.save_file, 0

    def full_at_the_second(*args, **kwargs):
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(28, "No space left on device")
        real(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(safetensors.torch, "save_file", full_at_the_second)
        with pytest.raises(TrainingError, match="No space left"):
            train("interrupted")
    assert len(_checkpoints(folder)) == 1
    train("interrupted")
    assert _results(folder / "interrupted") == _results(folder / "undisturbed")


def test_changed_parameters_start_afresh(train, monkeypatch, capsys):
    """A checkpoint of other settings is never gone on from."""
    _interrupt(train, monkeypatch, 3)
    capsys.readouterr()
    train("other", learning_rate=0.5e-3)
    assert "going on" not in capsys.readouterr().err


def test_changed_pixels_start_afresh(train, folder, monkeypatch, capsys):
    """The same md5hashes with other pixels (another crop, say) are another run."""
    _interrupt(train, monkeypatch, 3)
    capsys.readouterr()
    images = np.load(folder / "images.npy")
    np.save(folder / "images.npy", 255 - images)
    train("other")
    assert "going on" not in capsys.readouterr().err


def test_a_diverged_run_names_images_and_keeps_its_checkpoint(train, folder):
    """Weights are not written, and a rerun meets the same error: nothing hides it."""
    with pytest.raises(TrainingError, match="whose images are 0000"):
        train("bad", learning_rate=1e30)
    assert not (folder / "bad" / "vae.safetensors").exists()


def test_a_split_of_other_images_is_refused(train, folder):
    """The message names the image and the table that lacks it."""
    rows = pd.read_csv(folder / "images.csv").head(1)
    rows.to_csv(folder / "images.csv", index=False)
    with pytest.raises(DataError, match=r"draws the image 0+.*images\.csv"):
        train("out")


KILLED = """
import sys
from concurrent.futures import wait
from pathlib import Path
from tonegap.files.checkpoint import CheckpointWriter
from tonegap.files.parameters import read_params
from tonegap.stages.train import run
import torch
torch.set_num_threads(1)
folder, out, params = Path(sys.argv[1]), Path(sys.argv[2]), read_params(Path(sys.argv[3]))
run(
    model=params.model.model_copy(
        update={"base_width": 4, "block_widths": (1, 2), "latent_channels": 2}),
    train=params.train.model_copy(
        update={"epochs": 40, "batch_size": 4, "perceptual_scale": 0.0}),
    data_seed=0, image_size=16, images=folder / "images.npy", image_rows=folder / "images.csv",
    split=folder / "split.csv", weights_out=out / "vae.safetensors", metrics=out / "metrics",
)
"""


@pytest.mark.slow
def test_killed_at_random_moments(folder, repository):
    """Kill -9 while training, three times at random moments: the same bytes in the end."""
    moments = random.Random(0)  # noqa: S311 - moments, no secrets

    def start(out) -> subprocess.Popen:
        command = [sys.executable, "-c", KILLED, str(folder), str(folder / out)]
        return subprocess.Popen([*command, str(repository / "params.yaml")])

    assert start("undisturbed").wait(300) == 0
    for _ in range(3):
        process = start("killed")
        _wait_for_a_change(folder / "killed" / "metrics" / "metrics.json", process)
        time.sleep(moments.uniform(0.0, 0.5))
        process.send_signal(signal.SIGKILL)
        process.wait(60)
    assert start("killed").wait(300) == 0
    assert _results(folder / "killed") == _results(folder / "undisturbed")


def _wait_for_a_change(path: Path, process: subprocess.Popen) -> None:
    """Wait until the process has written its first numbers, or is done."""
    path.unlink(missing_ok=True)
    while process.poll() is None and not path.exists():
        time.sleep(0.02)
