"""Checkpoints: a run's state in the user's cache, complete or absent.

There is one safetensors file per epoch. It carries the hash of its own content, is written to
a temporary name and then moved into place; the last two are kept. Opening never fails: a
checkpoint that cannot be trusted is reported and skipped, in favour of the one before it or
a fresh start.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from tonegap.errors import MachineError, TrainingError, one_line
from tonegap.files.atomic import replacing, require_free_space

_ENTRY = "tonegap"
_KEPT = 2
_PATTERN = "epoch-*.safetensors"
_ABANDONED_AFTER_S = 600.0
_HEADER_BYTES = 1_000_000
_SHARE_OF_TIME = 0.05


@dataclass(frozen=True)
class Checkpoint:
    """State after a number of epochs: tensors on the CPU, and facts as JSON values."""

    epochs: int
    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Opened:
    """The newest checkpoint that can be trusted, and one line about each that cannot."""

    checkpoint: Checkpoint | None
    warnings: tuple[str, ...]


def run_key(facts: Mapping[str, Any]) -> str:
    """Name a run by everything that determines its result: 32 hexadecimal digits."""
    content = json.dumps(facts, sort_keys=True, allow_nan=False)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


class CheckpointStore:
    """Checkpoints of one run.

    Parameters
    ----------
    folder
        Folder of this run alone. Its name is the run's, which the checkpoints carry too. It
        is made when the first checkpoint is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint and delete all but this one and the one before.

        Raises
        ------
        TrainingError
            If it cannot be written, for example because the disk is full. Earlier ones stay.
        """
        path = self.folder / f"epoch-{checkpoint.epochs:06d}.safetensors"
        size = sum(tensor.nbytes for tensor in checkpoint.tensors.values())
        try:
            require_free_space(self.folder, size + _HEADER_BYTES, "a checkpoint")
            with replacing(path) as temporary:
                safetensors.torch.save_file(
                    dict(checkpoint.tensors),
                    temporary,
                    metadata={_ENTRY: _header(checkpoint, self.folder.name)},
                )
        except (OSError, SafetensorError, MachineError) as error:
            raise TrainingError(
                f"the checkpoint after epoch {checkpoint.epochs} cannot be written to "
                f"{self.folder} ({_reason(error)}); earlier ones are kept and a "
                "rerun goes on from there: free some space or point TONEGAP_CACHE at another "
                "disk, or set train.checkpoint to false"
            ) from error
        self._prune(path)

    def open_newest(self) -> Opened:
        """Read the newest checkpoint of this run whose content has its hash."""
        self._remove_abandoned()
        warnings: list[str] = []
        for path in self._paths():
            try:
                return Opened(_read(path, self.folder.name), tuple(warnings))
            except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
                warnings.append(
                    f"the checkpoint {path} is damaged or of another run and is skipped "
                    f"({one_line(error)})"
                )
        return Opened(None, tuple(warnings))

    def clear(self) -> None:
        """Remove all checkpoints of the run, once its result is safe."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _paths(self) -> list[Path]:
        """Checkpoints, the newest first."""
        return sorted(self.folder.glob(_PATTERN), reverse=True)

    def _prune(self, written: Path) -> None:
        """Delete all checkpoints but the one just written and the one before it.

        Checkpoints of later epochs were skipped when the run began. If they counted among the
        last two, each new checkpoint would be deleted, and a killed run would always restart.
        """
        paths = self._paths()
        first = paths.index(written)
        for outdated in [*paths[:first], *paths[first + _KEPT :]]:
            with suppress(OSError):  # harmless: tried again at the next epoch
                outdated.unlink()

    def _remove_abandoned(self) -> None:
        """Remove temporary files of killed processes; a running one renews its own."""
        for path in self.folder.glob(".*.tmp.safetensors"):
            if time.time() - path.stat().st_mtime > _ABANDONED_AFTER_S:
                path.unlink(missing_ok=True)


class CheckpointWriter:
    """Write checkpoints in the background, after every epoch where that is cheap.

    Copying the state off the device delays training. An epoch's checkpoint is skipped while
    the previous one is being written, or if copying has taken more than a twentieth of the
    time so far. A killed run thus loses a few seconds of work on a fast GPU, and at most one
    epoch on a slow machine.
    """

    def __init__(self, store: CheckpointStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._started = clock()
        self._copying_s = 0.0
        self._pool = ThreadPoolExecutor(1, "tonegap-checkpoint")
        self._writing: Future[None] | None = None

    def __enter__(self) -> CheckpointWriter:  # noqa: PYI034  the run-time check has no Self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for the last write; do not let its failure hide an earlier error."""
        self._pool.shutdown(wait=True)
        if error is None and self._writing is not None:
            self._writing.result()

    def offer(self, take: Callable[[], Checkpoint]) -> None:
        """Write what ``take`` copies, unless that would delay training.

        Raises
        ------
        TrainingError
            If the previous checkpoint could not be written.
        """
        if self._writing is not None:
            if not self._writing.done():
                return
            self._writing.result()
        now = self._clock()
        if self._copying_s > _SHARE_OF_TIME * (now - self._started):
            return
        checkpoint = take()
        self._copying_s += self._clock() - now
        self._writing = self._pool.submit(self._store.save, checkpoint)


def _reason(error: Exception) -> str:
    """Return what happened on one line, without the advice that follows a semicolon."""
    return one_line(error).partition(";")[0]


def _header(checkpoint: Checkpoint, run: str) -> str:
    facts = json.dumps(dict(checkpoint.facts), sort_keys=True)
    content = {"run": run, "epochs": checkpoint.epochs, "facts": facts}
    return json.dumps(
        content | {"sha256": _digest(checkpoint.tensors, run, checkpoint.epochs, facts)}
    )


def _read(path: Path, run: str) -> Checkpoint:
    with safetensors.safe_open(path, framework="pt") as file:
        header = json.loads((file.metadata() or {})[_ENTRY])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if header["run"] != run:
        raise ValueError(f"it was written by the run {header['run']}")
    if _digest(tensors, run, header["epochs"], header["facts"]) != header["sha256"]:
        raise ValueError("its content does not have the hash that it was written with")
    return Checkpoint(header["epochs"], tensors, json.loads(header["facts"]))


def _digest(tensors: Mapping[str, Tensor], run: str, epochs: int, facts: str) -> str:
    digest = hashlib.sha256(f"{run} {epochs} {facts}".encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        content: np.ndarray[Any, Any] = tensor.reshape(-1).view(torch.uint8).numpy()
        digest.update(content.data)
    return digest.hexdigest()
