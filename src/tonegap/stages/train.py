"""Stage ``train``: fit the generative model to the training draw."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress

import tonegap
from tonegap.errors import DataError, MachineError, first_line
from tonegap.files.cache import user_cache
from tonegap.files.checkpoint import Checkpoint, CheckpointStore, CheckpointWriter, run_key
from tonegap.files.packed import open_packed
from tonegap.files.saved_model import TrainedFacts, write_trained
from tonegap.files.tables import read_csv, write_json
from tonegap.files.weights import resolve_weights, weights_label
from tonegap.model.factory import load_factory, source_of
from tonegap.model.objective import effective_beta
from tonegap.model.perceptual import FeatureNetwork
from tonegap.params import ModelParams, TrainParams
from tonegap.training.log import TrainingLog, open_log
from tonegap.training.loop import EpochLosses, Run, Snapshot, TrainingData
from tonegap.training.precision import Arithmetic, choose_arithmetic, describe_device, numerics
from tonegap.training.usage import EpochUsage, Meter, peak_bytes, reset_peak
from tonegap.training.workbench import TrainingJob, Workbench

_LATER = ("checkpoint", "device", "precision", "compile", "cache_features", "perceptual_weights")
"""Keys of ``train`` that enter a run's key as their resolved value, or not at all."""

_UNDETERMINED = "does not have a deterministic implementation"
"""PyTorch's words for an operation that `train.deterministic` does not allow."""


@dataclass(frozen=True)
class Speed:
    """The cost of a run.

    Attributes
    ----------
    seconds : float
        Wall time of this process's part of the run, including compiling, caching of features,
        checkpoints and reading.
    images_per_s : float
        Training images over ``seconds``.
    peak_device_bytes : int
        Largest GPU memory held by tensors; 0 without a GPU.
    epochs : tuple of EpochUsage
        The epochs that this process trained.
    """

    seconds: float
    images_per_s: float
    peak_device_bytes: int
    epochs: tuple[EpochUsage, ...]


class Stopwatch:
    """Times a run on a device."""

    def __init__(self, device: torch.device) -> None:
        self._started = time.monotonic()
        self._device = device
        reset_peak(device)

    def note(self, epochs: Sequence[EpochUsage], images: int, key: str) -> Speed:
        """Report the speed and store it in the user's cache: times are not results."""
        seconds = time.monotonic() - self._started
        peak = peak_bytes(self._device)
        speed = Speed(seconds, len(epochs) * images / seconds, peak, tuple(epochs))
        _say(
            f"trained {len(epochs)} epochs in {seconds:.1f} s: {speed.images_per_s:.1f} images/s"
            + (f", {peak / 1e9:.1f} GB of GPU memory at most" if peak else "")
        )
        timings = user_cache() / "timings" / f"{key}.json"
        try:
            write_json(dataclasses.asdict(speed), timings)
        except OSError as error:  # a full or read-only cache must not cost a finished model
            _say(f"warning: the times could not be kept in {timings} ({error.strerror})")
        return speed


def run(
    *,
    model: ModelParams,
    train: TrainParams,
    data_seed: int,
    image_size: int,
    images: Path,
    image_rows: Path,
    split: Path,
    weights_out: Path,
    metrics: Path,
    workbench: Workbench | None = None,
) -> Speed:
    """Train one model, or resume one that was interrupted.

    Parameters
    ----------
    model, train
        The sections of params.yaml.
    data_seed
        ``data.seed``; with ``train.seed`` it seeds the training.
    image_size
        Side of the packed images, pixels.
    images, image_rows, split
        Packed images, their md5hashes, and the draws, of which role ``train`` is used.
    weights_out
        Written: the trained model.
    metrics
        Folder; written: loss terms per epoch.
    workbench
        State shared by the runs of this process, for training many models one after another.

    Raises
    ------
    DataError
        If the split names an image that is not packed.
    TrainingError
        If a loss is not finite or a checkpoint cannot be written.
    """
    train = train.model_copy(update={"seed": training_seed(train.seed, data_seed)})
    bench = workbench or Workbench(choose_arithmetic(train.device, train.precision))
    watch = Stopwatch(bench.arithmetic.device)
    data = read_training_data(images, image_rows, split, image_size)
    with numerics(deterministic=train.deterministic), _explained(metrics):
        features, label = _features(bench, train)
        job = bench.prepare(data, model, train, features, data_key=_identity(images))
        if job.remark:
            _say(f"warning: {job.remark}")
        settings = _settings(train, job, label)
        store = _store(run_key(_key_facts(model, train, job, bench, features)))
        meter = Meter(bench.arithmetic.device)
        usage = _train(job, train, store, open_log(metrics), settings, meter=meter)
    facts = TrainedFacts(model, image_size, settings, _made_on(bench.arithmetic))
    write_trained(weights_out, job.run.network.state_dict(), facts)
    store.clear()
    return watch.note(usage, len(data.rows), store.folder.name)


def training_seed(train: int, data: int) -> int:
    """Return the seed of a training, in [0, 2**32), from ``train.seed`` and ``data.seed``.

    Runs of a study that draw other images also start from other weights. Otherwise its seeds
    would not cover the effect of initial weights, batch order and noise. Models of one data
    seed and several mixes share them.
    """
    return int(np.random.SeedSequence((train, data)).generate_state(1)[0])


def read_training_data(
    images: Path, image_rows: Path, split: Path, image_size: int
) -> TrainingData:
    """Read the training draw.

    Raises
    ------
    DataError
        If a draw names an image that is not packed, or the packed images have another size.
    """
    packed = open_packed(images)
    if packed.shape[1] != image_size:
        raise DataError(
            f"{images} holds images of {packed.shape[1]} px, but data.image_size is {image_size}; "
            "run `dvc repro` to pack them again"
        )
    draws = read_csv(split, ["role", "group", "draw", "md5hash"], "the split")
    draws = draws[draws["role"] == "train"].sort_values("draw")
    ids = draws["md5hash"].astype(str)
    rows = read_csv(image_rows, ["row", "md5hash"], "the packed images' table")
    places = ids.map(dict(zip(rows["md5hash"].astype(str), rows["row"], strict=True)))
    if places.isna().any():
        raise DataError(
            f"{split} draws the image {ids[places.isna()].iloc[0]}, which {image_rows} does not "
            "have; the two belong to different cohorts: run `dvc repro`"
        )
    groups = tuple(draws["group"].astype(str))
    return TrainingData(packed, places.to_numpy(np.int64), tuple(ids), groups)


def _train(
    job: TrainingJob,
    train: TrainParams,
    store: CheckpointStore,
    log: TrainingLog,
    settings: Mapping[str, str | float | bool],
    *,
    meter: Meter,
) -> list[EpochUsage]:
    """Train to the end, writing checkpoints and the log; return the cost of each epoch."""
    _resume(job.run, store)
    for losses in job.run.losses:
        log.add(losses)
    usage: list[EpochUsage] = []
    with (
        CheckpointWriter(store) as writer,
        _progress(train.epochs, job.run.next_epoch) as on_step,
    ):
        meter.start()
        for losses in job.loop.epochs(job.run, train.epochs, on_step):
            usage.append(meter.stop(losses.epoch, len(job.loop.data.rows)))
            _say(_epoch_line(losses, train.epochs, usage[-1]))
            log.add(losses)
            if train.checkpoint and losses.epoch + 1 < train.epochs:
                writer.offer(lambda: _checkpoint(job.run))
            meter.start()
    log.close(settings)
    return usage


def _epoch_line(losses: EpochLosses, epochs: int, usage: EpochUsage) -> str:
    weights = "".join(f", weight of {name} {q:.3f}" for name, q in losses.weights.items())
    return (
        f"epoch {losses.epoch + 1} of {epochs}: loss {losses.total:.4g} (mse {losses.mse:.4g}, "
        f"KL {losses.kl_nats:.4g} nats, perceptual {losses.perceptual:.4g}){weights}; {usage}"
    )


def _resume(run: Run, store: CheckpointStore) -> None:
    opened = store.open_newest()
    for warning in opened.warnings:
        _say(f"warning: {warning}")
    if opened.checkpoint is not None:
        run.restore(Snapshot(opened.checkpoint.tensors, opened.checkpoint.facts))
        _say(f"resuming after epoch {run.next_epoch}, from {store.folder}")


def _checkpoint(run: Run) -> Checkpoint:
    snapshot = run.snapshot()
    return Checkpoint(run.next_epoch, snapshot.tensors, snapshot.facts)


def _features(bench: Workbench, train: TrainParams) -> tuple[FeatureNetwork | None, str]:
    """Return the perceptual network and a description of its features."""
    if train.perceptual_scale == 0.0:
        return None, "none"
    choice = (
        train.perceptual_network,
        train.perceptual_weights,
        train.perceptual_taps,
        train.perceptual_imagenet_norm,
    )
    label = weights_label(train.perceptual_network, train.perceptual_weights)
    file = Path(train.perceptual_weights).expanduser()
    # A file can be replaced between two models of one process.
    key = (choice, _identity(file) if file.is_file() else None)
    return bench.features(key, lambda: resolve_weights(*choice)), label


def _settings(train: TrainParams, job: TrainingJob, label: str) -> dict[str, str | float | bool]:
    """Return the settings that change the meaning of the losses."""
    data = job.loop.data
    weighted: dict[str, str | float | bool] = {"group_weight": train.group_weight}
    return (weighted if job.run.weighting is not None else {}) | {
        "features": label,
        "features_random": train.perceptual_scale > 0 and train.perceptual_weights == "random",
        "perceptual_norm": train.perceptual_norm,
        "effective_beta": effective_beta(
            data.image_size, job.loop.latent, train.kl_reduction, train.beta
        ),
        "kl_reduction": train.kl_reduction,
        "mse_range": "[-1, 1]",
    }


def _made_on(arithmetic: Arithmetic) -> dict[str, str]:
    return {
        "device": describe_device(arithmetic.device),
        "precision": arithmetic.name,
        "torch": torch.__version__,
    }


def _key_facts(
    model: ModelParams,
    train: TrainParams,
    job: TrainingJob,
    bench: Workbench,
    features: FeatureNetwork | None,
) -> dict[str, Any]:
    """Return everything that determines the trained weights, to the last bit."""
    arithmetic, data = bench.arithmetic, job.loop.data
    state = {} if features is None else features.state_dict()
    return {
        "model": model.model_dump(mode="json"),
        "train": {k: v for k, v in train.model_dump(mode="json").items() if k not in _LATER},
        "draw": list(data.ids),
        "groups": list(data.groups),
        "pixels": hashlib.sha256(data.images[np.unique(data.rows)].tobytes()).hexdigest(),
        "features": _sha256(t.detach().float().cpu().numpy().tobytes() for t in state.values()),
        "device": describe_device(arithmetic.device),
        "precision": arithmetic.name,
        "compiled": job.compiled,
        "cached": job.cached,
        "torch": torch.__version__,
        "tonegap": tonegap.__version__,
        "source": _source_sha256(model.factory),
    }


def _source_sha256(factory: str) -> str:
    """Hash the code that training runs: the model's, the loop's, and the user's factory."""
    root = Path(tonegap.__file__).parent
    files = sorted([*root.glob("model/*.py"), *root.glob("training/*.py")])
    return _sha256(path.read_bytes() for path in [*files, *source_of(load_factory(factory))])


def _sha256(parts: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _identity(path: Path) -> tuple[object, ...]:
    """Identify files without reading them: packed images are only ever replaced as a whole."""
    status = path.stat()
    return (path.resolve(), status.st_ino, status.st_size, status.st_mtime_ns)


def _store(key: str) -> CheckpointStore:
    return CheckpointStore(user_cache() / "checkpoints" / key)


@contextmanager
def _explained(metrics: Path) -> Iterator[None]:
    """Advise what to do when the machine is at its limits; other failures are bugs."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise MachineError(
            f"the disk filled up while training wrote to {metrics} ({error.strerror}); "
            "the checkpoints are kept: free some space and run again to resume"
        ) from error
    except torch.OutOfMemoryError as error:
        raise MachineError(
            f"the GPU's memory is full ({_telling(error)}); checkpoints are kept: run fewer "
            "experiments on it at a time, lower train.batch_size or data.image_size, or set "
            "train.cache_features to off"
        ) from error
    except RuntimeError as error:
        if _UNDETERMINED not in str(error):
            raise
        raise MachineError(
            f"the model uses an operation that cannot be made deterministic here "
            f"({_telling(error)}); replace it, or set train.deterministic to false: a killed "
            "run still resumes, but equal runs then differ slightly in their weights"
        ) from error


def _telling(error: Exception) -> str:
    """Return the first part of PyTorch's message, without the advice that follows."""
    return first_line(error).partition(". ")[0]


@contextmanager
def _progress(epochs: int, already: int) -> Iterator[Callable[[int, int], None] | None]:
    """Show a progress bar if the output is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("training", total=float(epochs), completed=already)
        done = already

        def on_step(step: int, steps: int) -> None:
            nonlocal done
            progress.update(task, completed=done + step / steps)
            done += step == steps

        yield on_step


def _say(message: str) -> None:
    print(f"tonegap train: {message}", file=sys.stderr)  # noqa: T201 - the stage's own words
